"""How SWF's history tells that a task ended."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.invocation.outcome import TaskOutcome
from flowy.swf.history import Ending, closes_execution, ending_of, ending_of_task
from tests.unit.swf.history_events import event


@pytest.mark.parametrize(
    ("last", "ended"),
    [
        (
            event("ActivityTaskCompleted", startedEventId=6, result="1"),
            Ending(TaskOutcome.COMPLETED, "", "1"),
        ),
        (
            event("ActivityTaskFailed", startedEventId=6, reason="no", details="where"),
            Ending(TaskOutcome.FAILED, "no", "where"),
        ),
        (
            event("ActivityTaskTimedOut", startedEventId=6, timeoutType="HEARTBEAT"),
            Ending(TaskOutcome.TIMED_OUT, "HEARTBEAT"),
        ),
        (
            event("ActivityTaskCanceled", startedEventId=6, details="bye"),
            Ending(TaskOutcome.CANCELED, "", "bye"),
        ),
        (
            event("WorkflowExecutionTerminated", reason="enough", cause="OPERATOR_INITIATED"),
            Ending(TaskOutcome.EXECUTION_CLOSED, "the workflow was terminated: enough"),
        ),
        (
            event("WorkflowExecutionTerminated", cause="CHILD_POLICY_APPLIED"),
            Ending(
                TaskOutcome.EXECUTION_CLOSED, "the workflow was terminated: CHILD_POLICY_APPLIED"
            ),
        ),
        (
            event("WorkflowExecutionTimedOut", timeoutType="START_TO_CLOSE"),
            Ending(TaskOutcome.EXECUTION_CLOSED, "the workflow timed out: START_TO_CLOSE"),
        ),
        (
            event("WorkflowExecutionContinuedAsNew", result="no result of the task"),
            Ending(TaskOutcome.EXECUTION_CLOSED, "the workflow continued as a new run"),
        ),
        (event("ActivityTaskFailed", startedEventId=9, reason="another"), None),
        (event("ScheduleActivityTaskFailed", activityId="1", cause="another"), None),
        (event("WorkflowExecutionSignaled"), None),
    ],
)
def test_tells_how_a_task_ended(last: dict[str, Any], ended: Ending | None) -> None:
    """Each event that ends a task is read; events of other tasks, and other events, are not."""
    assert ending_of_task([event("WorkflowExecutionStarted"), last], 6) == ended


def test_the_task_comes_before_its_execution() -> None:
    """If both have ended, the task's own end counts."""
    events = [
        event("ActivityTaskTimedOut", startedEventId=6, timeoutType="START_TO_CLOSE"),
        event("WorkflowExecutionFailed", reason="so"),
    ]
    ended = Ending(TaskOutcome.TIMED_OUT, "START_TO_CLOSE")
    assert ending_of_task(events, 6) == ended
    assert ending_of_task(reversed(events), 6) == ended


def test_a_task_that_was_never_scheduled() -> None:
    """SWF's cause is the reason."""
    failed = event("ScheduleActivityTaskFailed", cause="ACTIVITY_TYPE_DOES_NOT_EXIST")
    ended = Ending(TaskOutcome.NOT_SCHEDULED, "ACTIVITY_TYPE_DOES_NOT_EXIST")
    assert ending_of(failed) == ended
    assert not closes_execution(failed)


def test_an_event_without_attributes() -> None:
    """A history that leaves the attributes out tells the outcome all the same."""
    assert ending_of({"eventType": "ActivityTaskFailed"}) == Ending(TaskOutcome.FAILED)


def test_repr_shows_neither_result_nor_details() -> None:
    """A result may be private, so it is not in a repr or a text."""
    ended = Ending(TaskOutcome.COMPLETED, "", "secret")
    assert "secret" not in f"{ended!r} {ended}"
