"""``flowy demo``: its exit code, its table, and that it leaves nothing behind."""

from __future__ import annotations

import hashlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from flowy.cli import ExitCode
from flowy.demo.workflow import KEYS
from tests.acceptance.flowy_command import ROOT, Flowy, run_flowy

#: What ``flowy demo`` promises to take at most, in seconds.
DEMO_SECONDS = 20


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The user's environment, with a folder of its own for temporary files."""
    (tmp_path / "tmp").mkdir()
    return {**os.environ, "TMPDIR": str(tmp_path / "tmp")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two files."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "poem.txt").write_text("roses are red\nviolets are blue\n")
    (folder / "sub" / "zero").write_bytes(bytes(1000))
    return folder


def _process_ids(demo: Flowy) -> tuple[int, int]:
    """Wait for the lines with the processes that the demo has started."""
    ids = [
        int(re.findall(r"process (\d+)", demo.line_with(name))[0])
        for name in ("worker ", "approver ")
    ]
    return ids[0], ids[1]


def _is_gone(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    return False


def _rows(out: str) -> dict[str, list[str]]:
    """Return the table's rows, by the name of the activity."""
    table = out.partition("\nactivity ")[2].partition("\n\n")[0]
    rows = [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()[1:]]
    return {name: cells for name, *cells in rows}


def test_the_demo_shows_the_history_and_exits_with_0(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """It has each file with its values, a failed activity, and one that was suspended."""
    began = time.monotonic()
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        code, out, err = demo.end()
    assert time.monotonic() - began < DEMO_SECONDS
    assert (code, err) == (ExitCode.FINE, "")
    zeros = hashlib.sha256(bytes(1000)).hexdigest()[:12]
    poem = hashlib.sha256((folder / "poem.txt").read_bytes()).hexdigest()[:12]
    assert _rows(out) == {
        "(approve the demo)": ["completed", f"by process {approver}"],
        "(echo 1)": ["failed", "Can't echo 1."],
        "poem.txt": ["completed", "31", "2", "6", poem],
        "sub/zero": ["completed", "1,000", "1", "1", zeros],
    }
    assert re.findall(r"\] (\d/\d)(.)", out, re.DOTALL) == [("4/4", "\n")]
    assert out.endswith("3 completed, 1 failed.\nAll activities ended as expected.\n")
    assert _is_gone(worker)
    assert _is_gone(approver)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_on_a_terminal_the_bar_is_drawn_in_place(folder: Path, env: dict[str, str]) -> None:
    """Each bar replaces the one before; elsewhere only the last one is written."""
    terminal, out = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "flowy", "demo", str(folder)],
        env={**env, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=out,
    ) as demo:
        os.close(out)
        written = b""
        with suppress(OSError):  # Linux's end of file of a terminal
            while chunk := os.read(terminal, 4096):
                written += chunk
    os.close(terminal)
    assert demo.returncode == ExitCode.FINE
    bars = [line for line in re.split(rb"[\r\n]+", written) if line.startswith(b"[")]
    assert bars[0] == b"[" + b"." * 30 + b"] 0/4"
    assert bars[-1] == b"[" + b"#" * 30 + b"] 4/4"
    assert b"] 0/4\r[" in written


def test_the_default_is_the_current_folder(folder: Path, env: dict[str, str]) -> None:
    """``flowy demo`` alone describes what is here."""
    code, out, _ = run_flowy("demo", cwd=folder, env=env)
    assert code == ExitCode.FINE
    assert {"poem.txt", "sub/zero"} < set(_rows(out))


def test_json_is_all_of_the_output(folder: Path, env: dict[str, str], tmp_path: Path) -> None:
    """``--json`` prints the facts of the table, and the rest goes to standard error."""
    code, out, err = run_flowy("demo", "--json", str(folder), cwd=tmp_path, env=env)
    assert code == ExitCode.FINE
    facts = {each["activity"]: each for each in json.loads(out)}
    assert list(facts) == ["(approve the demo)", "(echo 1)", "poem.txt", "sub/zero"]
    assert all(tuple(each) == KEYS for each in facts.values())
    assert facts["(echo 1)"]["outcome"] == "failed"
    assert facts["(echo 1)"]["note"] == "Can't echo 1."
    assert [facts["poem.txt"][key] for key in ("size", "lines", "words")] == [31, 2, 6]
    poem = hashlib.sha256((folder / "poem.txt").read_bytes()).hexdigest()
    assert facts["poem.txt"]["sha256"] == poem
    assert err.endswith("That is what it should say.\n")


def test_the_first_fifty_files_of_many(tmp_path: Path, env: dict[str, str]) -> None:
    """It says that there are more, and ends in time."""
    many = tmp_path / "many"
    many.mkdir()
    for number in range(60):
        (many / f"{number:02}").write_text("x " * number)
    began = time.monotonic()
    code, out, _ = run_flowy("demo", str(many), cwd=tmp_path, env=env)
    assert time.monotonic() - began < DEMO_SECONDS
    assert code == ExitCode.FINE, out
    assert "50 files of" in out
    assert "there are 10 more" in out
    assert [name for name in _rows(out) if name.isdigit()] == [f"{n:02}" for n in range(50)]


def test_an_odd_folder(tmp_path: Path, env: dict[str, str]) -> None:
    """Names that are not text, binary, empty and huge files, links, pipes, environments."""
    odd = tmp_path / "odd"
    for name in ("venv", "mine", ".git"):
        (odd / name).mkdir(parents=True)
        (odd / name / "file").write_text("not mine")
    (odd / "mine" / "pyvenv.cfg").touch()
    Path(os.fsdecode(os.fsencode(odd) + b"/caf\xe9")).write_bytes(b"\xff\xfe\x00")
    (odd / "new\nline \x1b[31m").write_text("a b")
    (odd / "ü").write_text("a b")
    (odd / "empty").touch()
    with (odd / "huge").open("wb") as huge:
        huge.truncate(10 * 1024**3)
    (odd / "link").symlink_to(odd / "empty")
    (odd / "nowhere").symlink_to(odd / "gone")
    os.mkfifo(odd / "pipe")
    env["PYTHONIOENCODING"] = "ascii"
    code, out, err = run_flowy("demo", str(odd), cwd=tmp_path, env=env)
    assert (code, err) == (ExitCode.FINE, "")
    rows = _rows(out)
    assert set(rows) == {
        "(approve the demo)",
        "(echo 1)",
        "caf\\udce9",
        "empty",
        "huge",
        "new\\nline \\x1b[31m",
        "\\xfc",
    }
    assert rows["empty"][:4] == ["completed", "0", "0", "0"]
    assert rows["huge"][:2] == ["completed", f"{10 * 1024**3:,}"]
    assert rows["huge"][-1] == "of the first 2 MB"
    assert "hidden or environment: .git, mine, venv" in out
    assert "link: link, nowhere" in out
    assert "not a regular file: pipe" in out


def test_an_empty_folder(tmp_path: Path, env: dict[str, str]) -> None:
    """It says so, and shows the other activities."""
    (tmp_path / "empty").mkdir()
    code, out, _ = run_flowy("demo", "empty", cwd=tmp_path, env=env)
    assert code == ExitCode.FINE
    assert "no files of" in out
    assert set(_rows(out)) == {"(approve the demo)", "(echo 1)"}


def test_the_users_own_settings_are_ignored(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """Neither settings for AWS nor for a proxy matter, not even broken ones."""
    foreign = {
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(folder / "poem.txt"),
        "AWS_ENDPOINT_URL_SWF": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
    }
    code, _, err = run_flowy("demo", str(folder), cwd=tmp_path, env={**env, **foreign})
    assert (code, err) == (ExitCode.FINE, "")


def test_a_worker_that_dies_is_not_a_success(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """The demo says which activities have not ended, and exits with 1."""
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        os.kill(worker, signal.SIGKILL)
        code, out, err = demo.end()
    assert code == ExitCode.ERROR
    assert err == "flowy: The demo's history is not what it should be.\n"
    assert "- The worker has ended with exit code -9.\n" in out
    assert "- The workflow has not completed.\n" in out
    assert _is_gone(approver)


def test_an_approver_that_dies_is_not_a_success(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """The suspended activity stays open, as the history says."""
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        os.kill(approver, signal.SIGKILL)
        code, out, _ = demo.end()
    assert code == ExitCode.ERROR
    assert "- The approver has ended with exit code -9.\n" in out
    assert _is_gone(worker)


def test_a_file_that_goes_away_is_not_a_success(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """Its activity fails, with the reason in the table."""
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, _ = _process_ids(demo)
        os.kill(worker, signal.SIGSTOP)
        demo.line_with("input")
        (folder / "poem.txt").unlink()
        os.kill(worker, signal.SIGCONT)
        code, out, _ = demo.end()
    assert code == ExitCode.ERROR
    assert _rows(out)["poem.txt"][0] == "failed"
    assert "No such file or directory" in out
    assert "- poem.txt: failed" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing_behind(
    number: signal.Signals, folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """No process, no file; exit code 130."""
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        os.kill(worker, signal.SIGSTOP)  # the demo must not end by itself meanwhile
        demo.send(number)
        code, out, err = demo.end()
    assert code == ExitCode.INTERRUPTED
    assert err == "flowy: Interrupted.\n"
    assert "history" not in out
    assert _is_gone(worker)
    assert _is_gone(approver)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_ctrl_c_reaches_all_processes_and_leaves_none(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """A terminal sends it to the whole group; all processes end quietly, in any order."""
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        demo.press_ctrl_c()
        code, _, err = demo.end()
    assert (code, err) == (ExitCode.INTERRUPTED, "flowy: Interrupted.\n")
    assert _is_gone(worker)
    assert _is_gone(approver)


@pytest.mark.timeout(120)
def test_a_demo_that_gets_stuck_ends_by_itself(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """It ends in under 20 s, with the history and exit code 1."""
    began = time.monotonic()
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        os.kill(worker, signal.SIGSTOP)
        code, out, _ = demo.end()
    assert time.monotonic() - began < DEMO_SECONDS
    assert code == ExitCode.ERROR
    assert "- The activities had not ended after 13 s.\n" in out
    assert _rows(out)["poem.txt"] == ["open"]
    assert _is_gone(worker)
    assert _is_gone(approver)
