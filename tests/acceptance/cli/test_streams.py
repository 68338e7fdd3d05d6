"""Outputs that nobody reads, and Ctrl-C at any time: no traceback, and the right exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flowy import __version__
from flowy.cli import ExitCode
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.acceptance.flowy_command import ROOT, Flowy, run_flowy
from tests.patience import PATIENCE_SECONDS
from tests.suspended import a_task


@pytest.fixture
def env() -> dict[str, str]:
    """An environment in which outputs are buffered, as a user's are."""
    mine = {name: text for name, text in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**mine, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def run(*arguments: str, **options: object) -> tuple[int, str, str]:
    """Run the command; return exit code, and standard output and error as far as they are read."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    ran = subprocess.run([sys.executable, "-m", "flowy", *arguments], text=True, **streams)  # type: ignore[call-overload]
    return ran.returncode, ran.stdout or "", ran.stderr or ""


def test_python_m_flowy_is_the_command(tmp_path: Path, bare: dict[str, str]) -> None:
    """``python -m flowy`` does what ``flowy`` does, and exits as it does."""
    assert run_flowy("--version", cwd=tmp_path, env=bare) == (0, f"flowy {__version__}\n", "")
    code, out, err = run_flowy(cwd=tmp_path, env=bare)
    assert (code, out) == (ExitCode.USAGE, "")
    assert err.startswith("usage: flowy ")


def test_whoever_reads_the_output_may_go(tmp_path: Path, bare: dict[str, str]) -> None:
    """As ``flowy demo | head -1`` does: no traceback, and no process is left behind."""
    with Flowy("demo", cwd=tmp_path, env=bare) as demo:
        demo.line_with("Activities")
        assert demo.process.stdout is not None
        demo.process.stdout.close()
        assert demo.process.wait(timeout=PATIENCE_SECONDS) == ExitCode.ERROR
        assert demo.process.stderr is not None
        assert demo.process.stderr.read() == ""


@pytest.mark.parametrize(
    "arguments", [("--help",), ("completion", "bash"), ("tokens", "list", "--store", "tokens.db")]
)
def test_an_output_that_nobody_reads_exits_with_1(
    arguments: tuple[str, ...], tmp_path: Path, env: dict[str, str], unread: int
) -> None:
    """As with ``| head -1``: whether little was written or much, nothing more is said."""
    SQLiteTokenStore(tmp_path / "tokens.db").keep(a_task("secret"))
    assert run(*arguments, cwd=tmp_path, env=env, stdout=unread) == (ExitCode.ERROR, "", "")


def test_messages_that_nobody_reads_keep_the_exit_code(
    tmp_path: Path, env: dict[str, str], unread: int
) -> None:
    """Standard error may have gone too, as with ``2>&1 | head -1``."""
    arguments = ("tokens", "list", "--store", "typo.db")
    assert run(*arguments, cwd=tmp_path, env=env, stderr=unread)[0] == ExitCode.REFUSED


def test_an_output_that_is_closed_is_not_missed(tmp_path: Path, env: dict[str, str]) -> None:
    """``>&-`` leaves the command no standard output at all."""
    SQLiteTokenStore(tmp_path / "tokens.db").keep(a_task("secret"))
    command = f"exec {sys.executable} -m flowy tokens list --store tokens.db >&-"
    ran = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (ExitCode.FINE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_one_line(unbuffered: str, tmp_path: Path, env: dict[str, str]) -> None:
    """The output is incomplete: exit code 1. Output without a buffer fails at its first line."""
    env["PYTHONUNBUFFERED"] = unbuffered
    SQLiteTokenStore(tmp_path / "tokens.db").keep(a_task("secret"))
    with Path("/dev/full").open("w") as full:
        code, _, err = run(
            "tokens", "list", "--store", "tokens.db", cwd=tmp_path, env=env, stdout=full
        )
    assert code == ExitCode.ERROR
    assert err == "flowy: Cannot write the output: No space left on device.\n"


def test_ctrl_c_while_the_command_is_loaded(tmp_path: Path, env: dict[str, str]) -> None:
    """Ctrl-C may come during the imports, which take a moment."""
    (tmp_path / "venusian.py").write_text(
        "import signal\nprint('It loads.', flush=True)\nsignal.pause()\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    with subprocess.Popen(
        [sys.executable, "-m", "flowy", "demo"],  # a fresh Python, which has imported nothing yet
        cwd=tmp_path,
        env={**env, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline() == "It loads.\n"
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=PATIENCE_SECONDS)
    assert (demo.returncode, out, err) == (ExitCode.INTERRUPTED, "", "flowy: Interrupted.\n")
