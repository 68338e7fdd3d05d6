"""``flowy demo``: its exit code, its table, and that it leaves nothing behind."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from flowy.cli import ExitCode
from flowy.concurrency.stop import StopFlag
from flowy.demo import STUCK_SECONDS, run_demo
from flowy.demo.workflow import KEYS
from tests.acceptance.flowy_command import Flowy, run_flowy
from tests.unit.clocks import TurnedClock

#: What a user may have set, and the demo must ignore.
FOREIGN = {
    "AWS_PROFILE": "nobody",
    "AWS_ENDPOINT_URL_SWF": "http://127.0.0.1:9",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
}


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


class Terminal(io.TextIOWrapper):
    """The demo's output, as if it were a terminal; *seen* is called with each piece of it."""

    def __init__(self, path: Path, seen: Callable[[str], None]) -> None:
        super().__init__(path.open("wb"))
        self._seen = seen

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._seen(text)
        return super().write(text)


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
    """It has each file of the current folder, a failed activity, and one that was suspended.

    Settings for AWS or for a proxy do not matter, not even broken ones.
    """
    broken = {**FOREIGN, "AWS_CONFIG_FILE": str(folder / "poem.txt")}
    with Flowy("demo", cwd=folder, env={**env, **broken}) as demo:
        worker, approver = _process_ids(demo)
        code, out, err = demo.end()
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
    assert "3 completed, 1 failed.\nAll activities ended as expected.\n\nNext: " in out
    assert _is_gone(worker)
    assert _is_gone(approver)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_slow_demo_goes_on_while_activities_end(folder: Path, tmp_path: Path) -> None:
    """It may take any time. On a terminal each bar replaces the one before."""
    clock, bars = TurnedClock(), [""]

    def seen(text: str) -> None:
        if text.startswith("[") and text != bars[-1]:
            bars.append(text)
            clock.turn(STUCK_SECONDS - 1)

    written: list[int] = []
    with Terminal(tmp_path / "out", seen) as out:
        ready = lambda: written.append(out.tell())  # noqa: E731
        assert run_demo(folder, out, StopFlag(), clock, ready)[0]
    assert written == [0]
    assert bars[1] == "[" + "." * 30 + "] 0/4"
    assert bars[-1] == "[" + "#" * 30 + "] 4/4"
    assert "] 0/4\r[" in (tmp_path / "out").read_bytes().decode()


def test_a_demo_that_gets_stuck_ends_by_itself(folder: Path, tmp_path: Path) -> None:
    """It ends when no activity has ended for some time, with the history."""
    clock, processes = TurnedClock(), list[int]()

    def seen(text: str) -> None:
        processes.extend(map(int, re.findall(r"process (\d+)", text)))
        if "worker " in text:
            os.kill(processes[0], signal.SIGSTOP)
        if text.startswith("["):
            clock.turn(STUCK_SECONDS)

    with Terminal(tmp_path / "out", seen) as out:
        assert not run_demo(folder, out, StopFlag(), clock)[0]
    text = (tmp_path / "out").read_text()
    assert "- No activity has ended for 30 s.\n" in text
    assert _rows(text)["poem.txt"] == ["open"]
    assert all(map(_is_gone, processes))


def test_json_is_all_of_the_output(folder: Path, env: dict[str, str], tmp_path: Path) -> None:
    """``--json`` prints the facts of the table, and the rest goes to standard error."""
    code, out, err = run_flowy("demo", "--json", str(folder), cwd=tmp_path, env=env)
    assert code == ExitCode.FINE
    facts = {each["activity"]: each for each in json.loads(out)}
    assert list(facts) == ["poem.txt", "sub/zero", "(echo 1)", "(approve the demo)"]
    assert all(tuple(each) == KEYS for each in facts.values())
    assert facts["(echo 1)"]["outcome"] == "failed"
    assert facts["(echo 1)"]["note"] == "Can't echo 1."
    assert [facts["poem.txt"][key] for key in ("size", "lines", "words")] == [31, 2, 6]
    poem = hashlib.sha256((folder / "poem.txt").read_bytes()).hexdigest()
    assert facts["poem.txt"]["sha256"] == poem
    assert "All activities ended as expected.\n\nNext: " in err


def test_an_odd_folder(tmp_path: Path, env: dict[str, str]) -> None:
    """Names that are not text, binary, empty and huge files, links, pipes, environments.

    The first fifty files are described; it says that there are more.
    """
    odd = tmp_path / "odd"
    for name in ("venv", "mine", ".git"):
        (odd / name).mkdir(parents=True)
        (odd / name / "file").write_text("not mine")
    (odd / "mine" / "pyvenv.cfg").touch()
    Path(os.fsdecode(os.fsencode(odd) + b"/caf\xe9")).write_bytes(b"\xff\xfe\x00")
    (odd / "new\nline \x1b[31m").write_text("a b")
    (odd / "aü").write_text("a b")
    (odd / "empty").touch()
    with (odd / "huge").open("wb") as huge:
        huge.truncate(10 * 1024**3)
    (odd / "link").symlink_to(odd / "empty")
    (odd / "nowhere").symlink_to(odd / "gone")
    os.mkfifo(odd / "pipe")
    for number in range(60):
        (odd / f"z{number:02}").write_text("x " * number)
    env["PYTHONIOENCODING"] = "ascii"
    code, out, err = run_flowy("demo", str(odd), cwd=tmp_path, env=env)
    assert (code, err) == (ExitCode.FINE, "")
    rows = _rows(out)
    assert "12 files of" in out
    assert "there are 53 more" in out
    assert {name for name in rows if not name.startswith("z")} == {
        "(approve the demo)",
        "(echo 1)",
        "caf\\udce9",
        "empty",
        "huge",
        "new\\nline \\x1b[31m",
        "a\\xfc",
    }
    assert len(rows) == 14
    assert rows["empty"][:4] == ["completed", "0", "0", "0"]
    assert rows["huge"][:2] == ["completed", f"{10 * 1024**3:,}"]
    assert rows["huge"][-1] == "of the first 2 MB"
    assert "hidden or environment: .git, mine, venv" in out
    assert "link: link, nowhere" in out
    assert "not a regular file: pipe" in out


def test_a_worker_that_dies_is_not_a_success(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """The demo says which activities have not ended, and exits with 1."""
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        os.kill(worker, signal.SIGKILL)
        code, out, err = demo.end()
    assert code == ExitCode.ERROR
    assert err == "flowy: The demo's history is not as expected.\n"
    assert "- The worker has ended with exit code -9.\n" in out
    assert "- The workflow has not completed.\n" in out
    assert _is_gone(approver)


def test_an_approver_that_dies_is_not_a_success(tmp_path: Path, env: dict[str, str]) -> None:
    """The suspended activity stays open, as the history says; the folder may be empty."""
    (tmp_path / "empty").mkdir()
    with Flowy("demo", "empty", cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        os.kill(approver, signal.SIGKILL)
        code, out, _ = demo.end()
    assert code == ExitCode.ERROR
    assert "no files of" in out
    assert set(_rows(out)) == {"(approve the demo)", "(echo 1)"}
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


def test_a_demo_that_is_stopped_leaves_nothing_behind(
    folder: Path, env: dict[str, str], tmp_path: Path
) -> None:
    """No process, no file; exit code 130."""
    with Flowy("demo", str(folder), cwd=tmp_path, env=env) as demo:
        worker, approver = _process_ids(demo)
        os.kill(worker, signal.SIGSTOP)  # the demo must not end by itself meanwhile
        demo.send(signal.SIGTERM)
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
