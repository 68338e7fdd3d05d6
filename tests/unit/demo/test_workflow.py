"""What the demo makes of a history: decisions, a table, and what is not as expected."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from flowy.demo.files import Selection, select
from flowy.demo.workflow import Planned, decide, plan_of, progress, report
from flowy.swf.history import Event
from flowy.transport import encode_input, encode_result

APPROVER = 4711


class History:
    """Builds a history, event by event, in SWF's words."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: str, **attributes: Any) -> int:
        key = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        number = len(self.events) + 1
        event = {"eventId": number, "eventType": kind, "eventTimestamp": number, key: attributes}
        self.events.append(event)
        return number

    def scheduled(self, activity_id: str, name: str, *args: Any) -> int:
        return self.add(
            "ActivityTaskScheduled",
            activityId=activity_id,
            activityType={"name": name, "version": "1"},
            taskList={"name": "demo"},
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


FACTS: dict[str, Any] = {
    "size": 14,
    "lines": 1,
    "words": 3,
    "sha256": hashlib.sha256(b"roses are red\n").hexdigest(),
    "whole": True,
}
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
    file, echo, approve = (
        history.scheduled(planned.id, planned.name, *planned.args) for planned in _plan(selection)
    )
    history.completed(approve, answer)
    history.add("ActivityTaskFailed", scheduledEventId=echo, reason=reason)
    history.completed(file, facts)
    if closed:
        history.add("WorkflowExecutionCompleted")
    return history.events


def _plan(selection: Selection) -> list[Planned]:
    return plan_of(selection, "tokens.db", APPROVER)


def _problems(history: list[Event], selection: Selection) -> list[str]:
    lines, right = report(history, _plan(selection))
    verdicts = {True: "All activities ended as expected.", False: "Not as expected:"}
    at = lines.index(verdicts[right])
    return lines[at + 1 :]


def test_a_history_as_it_should_be_has_no_problems(selection: Selection) -> None:
    """The files completed, one failed with its reason, one was completed by the approver."""
    assert _problems(_history(selection), selection) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"facts": FACTS | {"words": 4}}, "- poem: completed 14 1 4 "),
        ({"facts": FACTS | {"sha256": "0" * 64}}, "- poem: completed 14 1 3 000000000000; exp"),
        ({"facts": None}, "- poem: completed; expected: completed 14 1 3 "),
        ({"reason": "Worker stopped: "}, "Worker stopped: ; expected: failed Can't echo 1."),
        ({"answer": ANSWER | {"by_process": 1}}, "process 1; expected: completed by process 4711"),
        ({"closed": False}, "The workflow has not completed."),
    ],
)
def test_each_difference_is_told(wrong: dict[str, Any], said: str, selection: Selection) -> None:
    """A wrong value, a wrong reason, a wrong process, an open workflow."""
    (problem,) = _problems(_history(selection, **wrong), selection)
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
    facts = f"14 1 3 {FACTS['sha256'][:12]}"
    assert _problems(history.events, selection) == [
        "- The workflow has not completed.",
        "- poem: could not be scheduled OPEN_ACTIVITIES_LIMIT_EXCEEDED; expected: completed "
        + facts,
        "- (echo 1): open; expected: failed Can't echo 1.",
        "- (approve the demo): never scheduled; expected: completed by process 4711",
    ]


@pytest.mark.parametrize("change", ["rewrite", "remove", "replace"])
def test_of_a_file_that_has_changed_only_the_outcome_is_compared(
    change: str, selection: Selection, tmp_path: Path
) -> None:
    """Nobody knows which content was read."""
    history = _history(selection, facts=FACTS | {"words": 4})
    assert len(_problems(history, selection)) == 1
    plan = _plan(selection)
    (tmp_path / "poem").unlink()
    if change == "rewrite":
        (tmp_path / "poem").write_bytes(b"violets are blue\n")
    if change == "replace":
        (tmp_path / "poem").mkdir()
    assert report(history, plan)[1]


def test_the_table_is_read_from_the_history(selection: Selection) -> None:
    """Each activity has a row with its outcome and its value or reason."""
    lines, _ = report(_history(selection), _plan(selection))
    assert [line.split() for line in lines[2:6]] == [
        ["activity", "outcome", "size", "lines", "words", "sha-256"],
        ["poem", "completed", "14", "1", "3", FACTS["sha256"][:12]],
        ["(echo", "1)", "failed", "Can't", "echo", "1."],
        ["(approve", "the", "demo)", "completed", "by", "process", "4711"],
    ]
    assert lines[0] == "SWF's history of the workflow, 7 events, says:"
    assert lines[7] == "2 completed, 1 failed."
    assert lines[4].index("Can't") == lines[5].index("by process")


def test_a_value_of_the_beginning_only_says_so(selection: Selection) -> None:
    """The table shows which files were too long to be read to the end."""
    lines, _ = report(_history(selection, facts=FACTS | {"whole": False}), _plan(selection))
    assert any(line.startswith("poem") and line.endswith("of the first 2 MB") for line in lines)


def test_the_decider_schedules_waits_and_ends(selection: Selection) -> None:
    """It looks at the whole history each time, so that an extra decision changes nothing."""
    plan = _plan(selection)
    whole = _history(selection, closed=False)
    kinds = [decision["decisionType"] for decision in decide([], plan)]
    assert kinds == ["ScheduleActivityTask"] * 3
    assert decide(whole[:3], plan) == []
    assert decide(whole[:5], plan) == []
    assert decide(whole, plan) == [{"decisionType": "CompleteWorkflowExecution"}]


def test_a_long_name_loses_its_middle(tmp_path: Path) -> None:
    """The table stays a table."""
    name = "a" * 60 + "z" * 60
    (tmp_path / name).touch()
    planned, *_ = _plan(select(tmp_path))
    assert planned.title == "a" * 21 + "..." + "z" * 20


def test_the_bar_shows_how_many_have_ended(selection: Selection) -> None:
    """All of it is filled when all have ended, whatever became of them."""
    plan = _plan(selection)
    whole = _history(selection)
    assert progress([], plan) == "[" + "." * 30 + "] 0/3"
    assert progress(whole[:4], plan) == "[" + "#" * 10 + "." * 20 + "] 1/3"
    assert progress(whole, plan) == "[" + "#" * 30 + "] 3/3"


def test_a_trouble_counts_only_if_the_workflow_has_not_completed(selection: Selection) -> None:
    """The time may end, or a process, just after the last activity."""
    plan = _plan(selection)
    lines, right = report(_history(selection), plan, ["Too late."])
    assert (lines[-1], right) == ("All activities ended as expected.", True)
    lines, right = report(_history(selection, closed=False), plan, ["Too late."])
    assert lines[-2:] == ["- Too late.", "- The workflow has not completed."]
    assert not right
