"""Which tasks were earlier attempts: by deciders of each style, and what stays unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowy.exception import HistoryError
from flowy.invocation.outcome import TaskOutcome
from flowy.swf.history import ActivityRecord
from flowy.swf.history.same_work import earlier_attempts
from flowy.swf.values import ActivityType

CHARGE, SHIP = ActivityType("charge", "1"), ActivityType("ship", "1")
TIMED_OUT, FAILED, COMPLETED = (
    TaskOutcome.TIMED_OUT,
    TaskOutcome.FAILED,
    TaskOutcome.COMPLETED,
)


def history(*tasks: tuple[Any, ...]) -> list[ActivityRecord]:
    """Tasks one after the other: id, outcome, and other fields; the last one runs."""
    found = []
    for number, (activity_id, outcome, *more) in enumerate((*tasks,), 1):
        record = ActivityRecord(
            activity_id,
            CHARGE,
            outcome=outcome,
            scheduled_event_id=number * 10,
            started_event_id=number * 10 + 1,
            closed_event_id=0 if outcome is None else number * 10 + 2,
            input="[[7], {}]",
        )
        found.append(replace(record, **(more[0] if more else {})))
    return found


def attempts(records: list[ActivityRecord], rule: Any, *, complete: bool = True) -> Any:
    """The attempt of the last task, and the numbers of the earlier ones, newest first."""
    earlier = earlier_attempts(records, records[-1], rule, complete=complete)
    if earlier.records is None:
        assert not earlier.is_all
        return None, None
    numbers = [each.scheduled_event_id // 10 for each in earlier.records]
    return len(numbers) + 1 if earlier.is_all else None, numbers


@pytest.mark.parametrize("rule", ["id", None])
def test_a_decider_that_repeats_the_id(rule: str | None) -> None:
    """As simpleflow's: each earlier task with the id, whatever else runs meanwhile."""
    tasks = [("a", TIMED_OUT), ("b", FAILED), ("a", FAILED), ("a", None)]
    assert attempts(history(*tasks), rule) == (3, [3, 1])


def test_completed_work_is_not_tried_again() -> None:
    """A completed task ends the row, also in the middle of a history that is too long."""
    tasks = [("a", TIMED_OUT), ("a", COMPLETED), ("a", TIMED_OUT), ("a", None)]
    assert attempts(history(*tasks), "id") == (2, [3])
    assert attempts(history(*tasks), "id", complete=False) == (2, [3])
    assert attempts(history(*tasks[:1], tasks[-1]), "id", complete=False) == (None, [1])


def test_another_type_or_an_open_task_is_no_attempt() -> None:
    """Only a task of this type that had ended when this one was scheduled is."""
    late = {"closed_event_id": 99}
    tasks = [("a", TIMED_OUT, {"type": SHIP}), ("a", None), ("a", TIMED_OUT, late), ("a", None)]
    assert attempts(history(*tasks), "id") == (1, [])


@pytest.mark.parametrize("rule", ["flowy", None])
def test_flowy_02_takes_the_next_call_id(rule: str | None) -> None:
    """After a time-out of the same type and input; any other neighbor is another call."""
    tasks = [("4", TIMED_OUT), ("8", TIMED_OUT), ("5", TIMED_OUT), ("6", None)]
    assert attempts(history(*tasks), rule) == (3, [3, 1])
    other = {"input": "[[8], {}]"}
    found = history(("4", TIMED_OUT, other), ("5", TIMED_OUT), ("6", None))
    assert attempts(found, rule) == (2, [2])


def test_flowy_02_begins_with_a_call_of_its_own() -> None:
    """Told to be Flowy's, an id whose neighbor is another call's is a first attempt."""
    neighbors: list[tuple[Any, ...]] = [("5", FAILED), ("5", COMPLETED)]
    for neighbor in (*neighbors, ("5", TIMED_OUT, {"input": "[]"})):
        assert attempts(history(neighbor, ("6", None)), "flowy") == (1, [])
    assert attempts(history(("0", None)), "flowy") == (1, [])
    assert attempts(history(("5", FAILED), ("6", None)), "flowy", complete=False) == (None, None)


@pytest.mark.parametrize("rule", ["flowy", None])
def test_flowy_04_counts_in_the_id(rule: str | None) -> None:
    """The retry stands last in the id, from 0."""
    tasks = [("charge-3-0", TIMED_OUT), ("charge-4-0", TIMED_OUT), ("charge-3-1", TIMED_OUT)]
    assert attempts(history(*tasks, ("charge-3-2", None)), rule) == (3, [3, 1])
    assert attempts(history(*tasks[1:], ("charge-3-2", None)), rule) == (None, [2])
    assert attempts(history(*tasks, ("charge-5-0", None)), "flowy") == (1, [])
    assert attempts(history(("charge-5-0", None)), "flowy", complete=False) == (1, [])


def test_ids_that_are_not_flowys() -> None:
    """Nothing is known then."""
    assert attempts(history(("order", None)), "flowy") == (None, None)
    assert attempts(history(("07", None)), "flowy") == (None, None)
    assert attempts(history(("x", FAILED), ("order-9-99999999999", None)), None) == (None, None)


def test_the_same_input() -> None:
    """Whatever the ids are."""
    other = {"input": "[[8], {}]"}
    tasks = [("x", TIMED_OUT), ("y", TIMED_OUT, other), ("z", None)]
    assert attempts(history(*tasks), "input") == (2, [1])


def test_a_rule_of_the_authors() -> None:
    """A function gets this task and an earlier one; what it raises is told by its class."""
    first, second = {"control": "one"}, {"control": "two"}
    tasks = [("x", FAILED, first), ("y", FAILED, second), ("z", None, first)]
    assert attempts(history(*tasks), lambda this, one: this.control == one.control) == (2, [1])
    with pytest.raises(HistoryError, match=r"same_as raised ZeroDivisionError, for activity y\."):
        attempts(history(*tasks), lambda this, one: 1 / 0)


def test_unknown_is_not_first() -> None:
    """By default an attempt counts as the first only if there can have been none before it."""
    assert attempts(history(("z", None)), None) == (1, [])
    assert attempts(history(("x", COMPLETED), ("z", None)), None) == (1, [])
    assert attempts(history(("x", FAILED), ("z", None)), None) == (None, None)
    assert attempts(history(("z", None)), None, complete=False) == (None, None)
    assert attempts(history(("z", None)), "id", complete=False) == (None, None)
    shipped = {"type": SHIP}
    assert attempts(history(("x", FAILED, shipped), ("z", None)), None) == (1, [])
