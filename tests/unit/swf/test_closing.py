"""How a task ended, by the history."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.swf.closing import closing_of
from flowy.tokens import TaskState


def _event(kind: str, **said: Any) -> dict[str, Any]:
    return {"eventType": kind, f"{kind[0].lower()}{kind[1:]}EventAttributes": said}


@pytest.mark.parametrize(
    ("event", "closing"),
    [
        (_event("ActivityTaskCompleted", startedEventId=6), (TaskState.COMPLETED, None)),
        (
            _event("ActivityTaskFailed", startedEventId=6, reason="no"),
            (TaskState.FAILED, "no"),
        ),
        (
            _event("ActivityTaskTimedOut", startedEventId=6, timeoutType="HEARTBEAT"),
            (TaskState.TIMED_OUT, "HEARTBEAT"),
        ),
        (
            _event("ActivityTaskCanceled", startedEventId=6, details="bye"),
            (TaskState.CANCELED, "bye"),
        ),
        (
            _event("WorkflowExecutionTerminated", reason="enough", cause="OPERATOR_INITIATED"),
            (TaskState.WORKFLOW_CLOSED, "the workflow was terminated: enough"),
        ),
        (
            _event("WorkflowExecutionTerminated", cause="OPERATOR_INITIATED"),
            (TaskState.WORKFLOW_CLOSED, "the workflow was terminated: OPERATOR_INITIATED"),
        ),
        (
            _event("WorkflowExecutionTimedOut", timeoutType="START_TO_CLOSE"),
            (TaskState.WORKFLOW_CLOSED, "the workflow timed out"),
        ),
        (
            _event("WorkflowExecutionContinuedAsNew"),
            (TaskState.WORKFLOW_CLOSED, "the workflow continued as a new run"),
        ),
        (_event("ActivityTaskFailed", startedEventId=9, reason="another"), None),
        (_event("WorkflowExecutionSignaled"), None),
    ],
)
def test_reads_how_a_task_ended(
    event: dict[str, Any], closing: tuple[TaskState, str | None] | None
) -> None:
    """Each event that can end a task is told as what it is; others, of other tasks too, are not."""
    assert closing_of([_event("WorkflowExecutionStarted"), event], 6) == closing


def test_the_task_comes_before_its_execution() -> None:
    """Where both have ended, how the task ended is what counts."""
    events = [
        _event("ActivityTaskTimedOut", startedEventId=6, timeoutType="START_TO_CLOSE"),
        _event("WorkflowExecutionFailed", reason="so"),
    ]
    assert closing_of(events, 6) == (TaskState.TIMED_OUT, "START_TO_CLOSE")
    assert closing_of(reversed(events), 6) == (TaskState.TIMED_OUT, "START_TO_CLOSE")
