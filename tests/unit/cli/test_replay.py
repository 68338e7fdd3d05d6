"""``flowy replay`` in the test's own process, with histories in files."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowy.cli import ExitCode, main
from flowy.context import replaying
from tests.unit.cli.conftest import Command, Ran
from tests.unit.shop import DOMAIN, scheduled
from tests.unit.swf.replay.recorded import History

ACTIVITIES = """
    from flowy import Activity, activity
    from flowy.context import replaying
    from flowy.middleware import Middleware

    AT_IMPORT = replaying()


    class Twice(Middleware):
        def run(self, run, call_next):
            return call_next(run) * 2


    TWICE = Twice()


    @activity(name="charge", version=1, task_list="work")
    class Charge(Activity):
        def run(self, order, *more):
            self.heartbeat(f"order {order}")
            self.heartbeat()
            if order == 8:
                raise ValueError("No such order.")
            return [order, AT_IMPORT]
    """


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with activities and a history of three tasks."""
    (tmp_path / "recorded_shop.py").write_text(textwrap.dedent(ACTIVITIES))
    (tmp_path / "broken_shop.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("FLOWY_DOMAIN", raising=False)
    history = History()
    for activity_id, order in (("a", 7), ("b", 8), ("c", 9)):
        number = history.schedule("charge", order, activity_id=activity_id)
        history.start(number)
        if order == 8:
            history.end("Failed", number, 2.5, reason="No such order.", details="Trace\nback")
        else:
            history.end("Completed", number, 1.5, result="[7,true]")
    (tmp_path / "history.json").write_text(json.dumps({"events": history.events}))
    yield tmp_path
    sys.modules.pop("recorded_shop", None)


@pytest.fixture
def replay(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run ``flowy replay`` on the history."""

    def run(*arguments: str) -> Ran:
        code = main(["replay", "--history", "history.json", *arguments])
        assert not replaying()
        return Ran(code, *capsys.readouterr())

    return run


def test_equal(replay: Callable[..., Ran]) -> None:
    """Which task, each heartbeat, how it ended then and now; a warning on standard error."""
    ran = replay("--activity-id", "a", "recorded_shop")
    lines = ran.out.splitlines()
    assert lines[0].startswith("charge 1 (activity a of workflow unknown), event 2, started ")
    assert lines[0].endswith(" by worker-1")
    assert [line.split(None, 2)[2] for line in lines[1:3]] == [
        "heartbeat: order 7", "heartbeat: order 7"
    ]  # fmt: skip
    assert lines[3:5] == ["Then: completed after 1.500 s", "  [7,true]"]
    assert lines[5].startswith("Now:  completed after 0.0")
    assert lines[6:] == ["  [7, true]", "Equal: it ends now as it did then."]
    assert ran.err == (
        "flowy: The activity runs for real, with its side effects. Only SWF is not changed.\n"
    )
    assert ran.code == ExitCode.FINE


def test_failed(replay: Callable[..., Ran]) -> None:
    """Reasons and details of both; the same failure is equal."""
    ran = replay("--event-id", "6", "recorded_shop")
    assert "Then: failed after 2.500 s: No such order.\n  Trace\n  back\nNow:  failed" in ran.out
    assert "  ValueError: No such order.\n\n  Last heartbeat: order 8\nEqual: it" in ran.out
    assert (ran.code, ran.err.count("\n")) == (ExitCode.FINE, 1)


def test_differs(replay: Callable[..., Ran]) -> None:
    """Its own exit code."""
    ran = replay("--activity-id", "c", "recorded_shop")
    assert ran.out.endswith("Not equal: result[0] was 7 then, and is 9 now.\n")
    assert ran.code == ExitCode.DIFFERS


def test_several(replay: Callable[..., Ran]) -> None:
    """A list of the tasks that fit."""
    ran = replay("recorded_shop")
    assert [line.split()[:3] for line in ran.out.splitlines()] == [
        ["EVENT", "ACTIVITY", "TYPE"], ["2", "a", "charge"], ["5", "b", "charge"],
        ["8", "c", "charge"],
    ]  # fmt: skip
    assert (ran.code, ran.err) == (
        ExitCode.USAGE, "flowy: Several tasks fit: give --event-id, or --activity-id.\n"
    )  # fmt: skip


def test_input_and_save(replay: Callable[..., Ran], here: Path) -> None:
    """Another input; the saved task is replayed without a choice, by its owner alone."""
    (here / "input.json").write_text("[[1], {}]\n")
    ran = replay("--activity-id", "a", "--save", "a.json", "--input", "input.json",
                 "recorded_shop")  # fmt: skip
    assert ran.out.endswith("Not equal: result[0] was 7 then, and is 1 now.\n")
    assert stat.S_IMODE((here / "a.json").stat().st_mode) == 0o600
    (here / "history.json").write_text((here / "a.json").read_text())
    again = replay("--domain", "shop", "--workflow-id", "order-7", "recorded_shop")
    assert again.out.startswith("charge 1 (activity a of workflow order-7), event 2")
    assert again.code == ExitCode.FINE
    assert (
        "Cannot write the history to no/a.json: No such"
        in replay("--save", "no/a.json", "recorded_shop").err
    )


def test_save_replaces_only_files(replay: Callable[..., Ran], here: Path) -> None:
    """A link stays and its file is replaced; a pipe, a folder and a device are left alone."""
    (here / "old.json").touch(0o644)
    (here / "link.json").symlink_to("old.json")
    assert replay("--activity-id", "a", "--save", "link.json", "recorded_shop").code == 0
    assert (here / "link.json").is_symlink()
    assert stat.S_IMODE((here / "old.json").stat().st_mode) == 0o600
    os.mkfifo(here / "pipe")
    for name in ("pipe", ".", ""):
        ran = replay("--activity-id", "a", "--save", name, "recorded_shop")
        assert ran.err == f"flowy: Cannot write the history to {name or '.'}: it is not a file.\n"
        assert (ran.code, ran.out) == (ExitCode.USAGE, "")
    assert (here / "pipe").is_fifo()


@pytest.mark.parametrize("when", [1_700_000_000_000, 1e300, float("nan"), "0001-01-01", None])
def test_times_that_are_none(replay: Callable[..., Ran], here: Path, when: object) -> None:
    """The task runs; how long it ran then is not known."""
    events = json.loads((here / "history.json").read_text())["events"]
    damaged = [{**each, "eventTimestamp": when} for each in events]
    (here / "history.json").write_text(json.dumps({"events": damaged}))
    ran = replay("--activity-id", "a", "recorded_shop")
    lines = ran.out.splitlines()
    assert lines[0] == "charge 1 (activity a of workflow unknown), event 2, started by worker-1"
    assert (lines[3], ran.code) == ("Then: completed", ExitCode.FINE)


def test_pages_that_are_missing(replay: Callable[..., Ran], here: Path) -> None:
    """In the middle, nothing runs; at either end, a line says what is missing."""
    events = json.loads((here / "history.json").read_text())["events"]
    (here / "history.json").write_text(json.dumps({"events": events[:3] + events[5:]}))
    ran = replay("--activity-id", "a", "recorded_shop")
    assert (ran.code, ran.out) == (ExitCode.REFUSED, "")
    assert ran.err.startswith("flowy: Cannot use the history: events 4 to 5 are missing. Give all")
    (here / "history.json").write_text(json.dumps({"events": events[3:9], "NextToken": "x"}))
    ran = replay("--activity-id", "c", "recorded_shop")
    assert ran.out.endswith("Nothing to compare with: the history lacks its end.\n")
    assert ran.err.startswith(
        "flowy: The history lacks its beginning, the events before 4. The history lacks its end, "
        "the events after 9.\nflowy: The activity runs for real"
    )
    assert ran.code == ExitCode.FINE
    (here / "history.json").write_text(json.dumps({"events": events[:2], "NextToken": "x"}))
    assert ", event 2, its start is missing\n" in replay("recorded_shop").out


def test_options_of_a_worker(replay: Callable[..., Ran]) -> None:
    """Middleware for all activities."""
    ran = replay("--activity-id", "a", "--middleware", "recorded_shop:TWICE", "recorded_shop")
    assert "  [7, true, 7, true]\n" in ran.out


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["--activity-id", "z", "recorded_shop"], 3, "Cannot find a task with activity id 'z'"),
        (["--event-id", "x", "recorded_shop"], 2, "give a whole number"),
        (["--activity-id", "a", "--event-id", "2", "recorded_shop"], 2, "not allowed with"),
        (["broken_shop"], 3, "Cannot import broken_shop: ZeroDivisionError"),
        (["flowy.nouns"], 3, "Cannot find any activity"),
        (["--history", "none.json", "recorded_shop"], 2, "Cannot read none.json"),
        (["--history", "recorded_shop.py", "recorded_shop"], 3, "it is not JSON (line 1)"),
        (["--activity-id", "a", "--input", "no.json", "recorded_shop"], 2, "Cannot read no.json"),
        (["--codec", "recorded_shop:NONE", "recorded_shop"], 3, "Cannot import recorded_shop:NONE"),
        (["--middleware", "broken_shop:X", "recorded_shop"], 3, "broken_shop.py, line "),
        (["--claims", "ftp://x", "recorded_shop"], 2, "give s3://BUCKET/PREFIX"),
        (["--pdb", "--input", "-", "recorded_shop"], 2, "which --pdb needs: give files"),
        (["--history", "-", "--input", "-", "recorded_shop"], 2, "standard input twice"),
    ],
)
def test_mistakes(replay: Callable[..., Ran], argv: list[str], code: int, said: str) -> None:
    """One line, and a code."""
    ran = replay(*argv)
    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_no_history(capsys: pytest.CaptureFixture[str]) -> None:
    """Either SWF is to be asked, or there is a file."""
    assert main(["replay", "--domain", "shop", "recorded_shop"]) == ExitCode.USAGE
    assert "give --domain and --workflow-id, or --history" in capsys.readouterr().err


def test_standard_input(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A history in a pipe, as from the AWS CLI."""
    monkeypatch.setattr("sys.stdin", io.StringIO((here / "history.json").read_text()))
    assert main(["replay", "--history", "-", "--event-id", "2", "recorded_shop"]) == 0
    assert "Equal" in capsys.readouterr().out


def test_from_swf(command: Command) -> None:
    """The open run of a workflow id, or the run that is given; its task need not have ended."""
    command.shop.start("order-7")
    command.shop.decide("order-7", scheduled("a", input="[[7], {}]"))
    ran = command("replay", "--workflow-id", "order-7", "recorded_shop")
    assert ran.out.startswith("charge 1 (activity a of workflow order-7), event 5, never started\n")
    assert "Then: had not ended\nNow:  completed" in ran.out
    assert (ran.code, ran.out.splitlines()[-1]) == (
        ExitCode.FINE, "Nothing to compare with: the task had not ended when its history was read."
    )  # fmt: skip
    counted = command.shop.boto3.count_pending_activity_tasks(
        domain=DOMAIN, taskList={"name": "work"}
    )
    assert counted["count"] == 1
    ran = command("replay", "--workflow-id", "order-7", "--run-id", "none", "recorded_shop")
    assert (ran.code, "with run id none" in ran.err) == (ExitCode.REFUSED, True)


def test_pdb_without_source(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An activity whose first line cannot be found is debugged when it raises."""
    (here / "odd_shop.py").write_text(
        textwrap.dedent("""
            from flowy import Activity, activity

            exec(compile("def run(order):\\n    return order", "nowhere.py", "exec"))

            @activity(name="charge", version=1, task_list="work")
            class Charge(Activity):
                run = staticmethod(run)
            """)
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    argv = ["replay", "--history", "history.json", "--event-id", "2", "--pdb", "odd_shop"]
    assert main(argv) == ExitCode.DIFFERS
    told = capsys.readouterr()
    assert "Cannot stop at the first line of run (" in told.err
    assert "Now:  completed" in told.out
    del sys.modules["odd_shop"]
