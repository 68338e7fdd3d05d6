"""``flowy completion``: the scripts, loaded by real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flowy.cli import ExitCode, main

#: Completes the command line of its arguments as bash does it for Tab.
BASH = """\
source "$1" && complete -p flowy >/dev/null || exit
shift
COMP_WORDS=(flowy "$@")
COMP_CWORD=$#
_shtab_flowy flowy "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
echo "${COMPREPLY[*]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash, in a file."""
    path = tmp_path_factory.mktemp("bash") / "flowy"
    ran = subprocess.run([sys.executable, "-m", "flowy", "completion", "bash"], capture_output=True)
    assert (ran.returncode, ran.stderr) == (0, b"")
    path.write_bytes(ran.stdout)
    return path


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["to"], "tokens"),
        (["tokens", "compl"], "complete"),
        (["worker", "--on-st"], "--on-stop"),
        (["worker", "--grace", "1m", "--on-unknown", ""], "abandon fail"),
        (["completion", ""], "bash zsh fish"),
        (["tokens", "list", "--store", "toke"], "tokens.db"),
        (["demo", "fol"], "folder"),
    ],
)
def test_bash_completes(words: list[str], completed: str, script: Path, tmp_path: Path) -> None:
    """Verbs, verbs in a group, options, choices, files and folders."""
    (tmp_path / "tokens.db").touch()
    (tmp_path / "folder").mkdir()
    ran = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", script, *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{completed}\n", "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same, each with what the help says of it."""
    assert main(["completion", "fish"]) == ExitCode.FINE
    (tmp_path / "flowy.fish").write_text(capsys.readouterr().out, encoding="utf-8")
    (tmp_path / "tokens.db").touch()
    lines = [
        "flowy to",
        "flowy tokens compl",
        "flowy worker --on-st",
        "flowy worker --on-unknown ",
        "flowy completion ",
        "flowy tokens list --store toke",
    ]
    asked = "\n".join(f"complete -C '{line}'" for line in lines)
    ran = subprocess.run(
        ["fish", "--no-config", "-c", f"source flowy.fish\n{asked}"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    completed = [line.partition("\t")[0] for line in ran.stdout.splitlines()]
    verbs = ["tokens", "complete", "--on-stop", "abandon", "fail", "bash", "zsh", "fish"]
    assert (ran.returncode, completed, ran.stderr) == (0, [*verbs, "tokens.db"], "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_reads_its_script(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing else is printed, and the shell, if it is installed, finds no mistake."""
    assert main(["completion", shell]) == ExitCode.FINE
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "--drop-after" in captured.out
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(captured.out, encoding="utf-8")
    ran = subprocess.run([shell, "-n", tmp_path / "script"], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_without_shtab_the_text_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The extra ``completion`` is missing: exit code 3, one line, and nothing for the shell."""
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == ExitCode.REFUSED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "flowy: Cannot write a script for completion: shtab is not installed. To install it, run "
        "pip install '.[completion]' in Flowy's checkout.\n"
    )
