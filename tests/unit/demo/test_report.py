"""What the demo makes of a history: the table, and what is not as it should be."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from flowy.demo.files import Selection, facts_of, select
from flowy.demo.plan import UNKNOWN, expected, planned
from flowy.demo.report import Screen, differences, history_lines, input_lines, shown
from flowy.demo.workflow import Event, decide, outcomes
from flowy.transport import encode_input, encode_result

APPROVER = 4711


class History:
    """Builds a history, event by event, in SWF's words."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: str, **attributes: Any) -> int:
        key = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        number = len(self.events) + 1
        self.events.append({"eventId": number, "eventType": kind, key: attributes})
        return number

    def scheduled(self, activity_id: str, name: str, *args: Any) -> int:
        return self.add(
            "ActivityTaskScheduled",
            activityId=activity_id,
            activityType={"name": name, "version": "1"},
            input=encode_input(args, {}),
        )

    def completed(self, scheduled: int, value: Any) -> None:
        result = encode_result(value)
        self.add("ActivityTaskCompleted", scheduledEventId=scheduled, result=result)


@pytest.fixture
def selection(tmp_path: Path) -> Selection:
    """A folder with one file."""
    (tmp_path / "poem").write_bytes(b"roses are red\n")
    return select(tmp_path)


FACTS = facts_of(b"roses are red\n", size=14)
ANSWER = {"approved": True, "by_process": APPROVER}


def _history(
    selection: Selection,
    *,
    facts: Any = FACTS,
    reason: str = "Can't echo 1.",
    answer: Any = ANSWER,
    closed: bool = True,
) -> list[Event]:
    history = History()
    approve, echo, file = (
        history.scheduled(plan.activity_id, plan.name, *plan.args)
        for plan in planned(selection, Path("letter"))
    )
    history.completed(approve, answer)
    history.add("ActivityTaskFailed", scheduledEventId=echo, reason=reason)
    history.completed(file, facts)
    if closed:
        history.add("WorkflowExecutionCompleted")
    return history.events


def _differences(history: list[Event], selection: Selection) -> list[str]:
    right = expected(planned(selection, Path("letter")), selection, APPROVER)
    return differences(history, right, selection)


def test_a_history_as_it_should_be_has_no_differences(selection: Selection) -> None:
    """The files completed, one failed with its reason, one was completed by the approver."""
    assert _differences(_history(selection), selection) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"facts": FACTS | {"words": 4}}, "poem: completed with another value"),
        ({"facts": None}, "poem: completed with another value"),
        ({"reason": "Worker stopped: "}, "should be failed (Can't echo 1.)"),
        ({"answer": ANSWER | {"by_process": 1}}, "completed with another value"),
        ({"closed": False}, "The workflow has not completed."),
    ],
)
def test_each_difference_is_told(wrong: dict[str, Any], said: str, selection: Selection) -> None:
    """A wrong value, a wrong reason, a wrong process, an open workflow."""
    (problem,) = _differences(_history(selection, **wrong), selection)
    assert said in problem


def test_what_never_was_scheduled_or_never_ended_is_told(selection: Selection) -> None:
    """Each activity is looked for, whatever became of the others."""
    history = History()
    history.scheduled("echo", "echo", 1)
    history.add(
        "ScheduleActivityTaskFailed",
        activityId="file-1",
        activityType={"name": "describe", "version": "1"},
        cause="OPEN_ACTIVITIES_LIMIT_EXCEEDED",
    )
    assert _differences(history.events, selection) == [
        "The workflow has not completed.",
        "(approve the demo) was never scheduled.",
        "(echo 1): open, and should be failed (Can't echo 1.).",
        "poem: could not be scheduled (OPEN_ACTIVITIES_LIMIT_EXCEEDED), and should be completed.",
    ]


def test_of_a_file_that_has_changed_only_the_outcome_is_compared(
    selection: Selection, tmp_path: Path
) -> None:
    """Nobody knows which of its contents was read."""
    (tmp_path / "poem").write_bytes(b"violets are blue\n")
    right = expected(planned(selection, Path("letter")), selection, APPROVER)
    assert right["file-1"].value is UNKNOWN
    assert _differences(_history(selection), selection) == []


def test_the_table_is_read_from_the_history(selection: Selection) -> None:
    """A row for each activity that was scheduled: its outcome and its value or reason."""
    lines = history_lines(_history(selection), selection)
    assert [line.split() for line in lines[2:6]] == [
        ["activity", "outcome", "size", "lines", "words", "sha-256"],
        ["(approve", "the", "demo)", "completed", "by", "process", "4711"],
        ["(echo", "1)", "failed", "Can't", "echo", "1."],
        ["poem", "completed", "14", "1", "3", FACTS["sha256"][:12]],
    ]
    assert lines[-1] == "2 completed, 1 failed."


def test_a_value_of_the_beginning_only_says_so(selection: Selection) -> None:
    """The table tells which files were too long to be read to the end."""
    lines = history_lines(_history(selection, facts=FACTS | {"whole": False}), selection)
    assert any(line.startswith("poem") and line.endswith("of the first 2 MB") for line in lines)


def test_the_decider_schedules_waits_and_ends(selection: Selection) -> None:
    """It looks at the whole history each time, so that an extra decision changes nothing."""
    plan = planned(selection, Path("letter"))
    whole = _history(selection, closed=False)
    kinds = [decision["decisionType"] for decision in decide([], plan)]
    assert kinds == ["ScheduleActivityTask"] * 3
    assert decide(whole[:3], plan) == []
    assert decide(whole[:5], plan) == []
    assert decide(whole, plan) == [{"decisionType": "CompleteWorkflowExecution"}]
    assert list(outcomes(whole)) == [each.activity_id for each in plan]


def test_names_obey_no_terminal(tmp_path: Path) -> None:
    """Control characters, line ends and names that are no text are shown as escapes."""
    assert shown("a\x1b[31m\nb\udcffc ü") == "a\\x1b[31m\\nb\\udcffc ü"


def test_a_long_name_loses_its_middle(tmp_path: Path) -> None:
    """The table stays a table."""
    name = "a" * 60 + "z" * 60
    (tmp_path / name).touch()
    chosen = select(tmp_path)
    history = History()
    history.scheduled("file-1", "describe", str(tmp_path / name))
    row = history_lines(history.events, chosen)[3]
    assert row.split() == ["a" * 19 + "..." + "z" * 22, "open"]


def test_what_was_left_out_is_told(tmp_path: Path) -> None:
    """More than fifty files, skipped folders by name, and what else was skipped."""
    for number in range(52):
        (tmp_path / f"{number:02}").touch()
    for name in (".a", ".b", ".c", ".d", ".e", ".f"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("00")
    assert input_lines(select(tmp_path)) == [
        ("input", f"50 files of {tmp_path}: the first 50, there are 2 more"),
        ("skipped", "hidden or environment: .a, .b, .c, .d, .e and 1 more"),
        ("skipped", "link: 1"),
    ]
    chosen = select(tmp_path)
    chosen.seen_all = False
    assert input_lines(chosen)[0][1].endswith("there are at least 2 more")


class Terminal(io.StringIO):
    """What says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_bar_is_drawn_in_place() -> None:
    """It returns to the start of its line; the next line of text begins a new one."""
    out = Terminal()
    screen = Screen(out)
    screen.bar(0, 2)
    screen.bar(2, 2, "poem")
    screen.line("end")
    parts = out.getvalue().split("\r")
    assert parts[1].startswith("[" + "." * 30 + "] 0/2")
    assert parts[2].startswith("[" + "#" * 30 + "] 2/2  poem")
    assert parts[2].endswith("\nend\n")


def test_elsewhere_the_bar_is_a_line_a_quarter() -> None:
    """A log file has no use for a hundred bars."""
    out = io.StringIO()
    screen = Screen(out)
    for done in range(101):
        screen.bar(done, 100)
    assert [line.split()[-1] for line in out.getvalue().splitlines()] == [
        f"{done}/100" for done in (0, 25, 50, 75, 100)
    ]


def test_what_the_output_cannot_encode_is_escaped() -> None:
    """A name must not end the demo because a terminal knows ASCII only."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    Screen(out).line("ü")
    assert raw.getvalue() == b"\\xfc\n"
    assert Screen(io.StringIO()).output() is None


def test_a_file_that_cannot_be_read_any_more_can_only_be_expected_to_complete(
    selection: Selection,
) -> None:
    """A disk may fail between two looks; the demo goes on to its table."""
    (path,) = selection.files
    Path(path).unlink()
    Path(path).mkdir()
    found = Path(path).stat()
    selection.files[path] = found.st_size, found.st_mtime_ns
    right = expected(planned(selection, Path("letter")), selection, APPROVER)
    assert right["file-1"].value is UNKNOWN
