"""How a task ended, read from the history of its execution.

SWF says of a closed task only that it is unknown; its history, kept for the retention period of
the domain, says what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..tokens import TaskState

#: For each event that ends a started activity task: what it means, and the key of its reason.
_TASK_ENDINGS: Mapping[str, tuple[TaskState, str]] = {
    "ActivityTaskCompleted": (TaskState.COMPLETED, ""),
    "ActivityTaskFailed": (TaskState.FAILED, "reason"),
    "ActivityTaskTimedOut": (TaskState.TIMED_OUT, "timeoutType"),
    "ActivityTaskCanceled": (TaskState.CANCELED, "details"),
}

#: For each event that closes an execution, and so its tasks: how to say it.
_EXECUTION_ENDINGS: Mapping[str, str] = {
    "WorkflowExecutionCompleted": "the workflow completed",
    "WorkflowExecutionFailed": "the workflow failed",
    "WorkflowExecutionCanceled": "the workflow was canceled",
    "WorkflowExecutionTimedOut": "the workflow timed out",
    "WorkflowExecutionTerminated": "the workflow was terminated",
    "WorkflowExecutionContinuedAsNew": "the workflow continued as a new run",
}


def closing_of(
    events: Iterable[Mapping[str, Any]], started_event_id: int
) -> tuple[TaskState, str | None] | None:
    """Return how a task ended, and why; None where these events do not say.

    Args:
        events: the history, in SWF's own words.
        started_event_id: the task's ``startedEventId``, which its ending names: an activity id
            may have been used several times in one execution.
    """
    execution: tuple[TaskState, str | None] | None = None
    for event in events:
        kind = event["eventType"]
        said = event.get(f"{kind[0].lower()}{kind[1:]}EventAttributes", {})
        if kind in _TASK_ENDINGS and said.get("startedEventId") == started_event_id:
            state, key = _TASK_ENDINGS[kind]
            return state, said.get(key)
        if kind in _EXECUTION_ENDINGS:
            why = said.get("reason") or said.get("cause")
            text = _EXECUTION_ENDINGS[kind]
            execution = TaskState.WORKFLOW_CLOSED, f"{text}: {why}" if why else text
    return execution
