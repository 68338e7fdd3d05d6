"""How a task ended, read from the events of a history.

SWF does not announce that it closed a task, and refuses every later call with the same fault,
whatever happened. Only the history shows how the task ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...invocation.outcome import TaskOutcome

#: One event of a history, as SWF sends it.
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Ending:
    """How a task ended, in wire text.

    Attributes:
        outcome: how it ended.
        reason: the failure's reason, the type of the timeout or SWF's cause; or empty.
        text: the result or the details, or None. The ``repr`` leaves it out.
    """

    outcome: TaskOutcome
    reason: str = ""
    text: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        said = self.outcome.value
        if self.outcome is TaskOutcome.EXECUTION_CLOSED:
            said = f"was cut off because {said}"
        return f"{said}: {self.reason}" if self.reason else said


#: For each event that ends a task: how it ended, and which attributes contain the reason and the
#: text of an ``Ending``.
_ENDINGS: Mapping[str, tuple[TaskOutcome, str, str]] = {
    "ActivityTaskCompleted": (TaskOutcome.COMPLETED, "", "result"),
    "ActivityTaskFailed": (TaskOutcome.FAILED, "reason", "details"),
    "ActivityTaskTimedOut": (TaskOutcome.TIMED_OUT, "timeoutType", "details"),
    "ActivityTaskCanceled": (TaskOutcome.CANCELED, "", "details"),
    "ScheduleActivityTaskFailed": (TaskOutcome.NOT_SCHEDULED, "cause", ""),
    "WorkflowExecutionCompleted": (TaskOutcome.EXECUTION_CLOSED, "", ""),
    "WorkflowExecutionFailed": (TaskOutcome.EXECUTION_CLOSED, "reason", "details"),
    "WorkflowExecutionCanceled": (TaskOutcome.EXECUTION_CLOSED, "", "details"),
    "WorkflowExecutionTimedOut": (TaskOutcome.EXECUTION_CLOSED, "timeoutType", ""),
    "WorkflowExecutionTerminated": (TaskOutcome.EXECUTION_CLOSED, "reason", "details"),
    "WorkflowExecutionContinuedAsNew": (TaskOutcome.EXECUTION_CLOSED, "", ""),
}

#: A text for people for each event that closes an execution.
_EXECUTION_CLOSED: Mapping[str, str] = {
    "WorkflowExecutionCompleted": "the workflow completed",
    "WorkflowExecutionFailed": "the workflow failed",
    "WorkflowExecutionCanceled": "the workflow was canceled",
    "WorkflowExecutionTimedOut": "the workflow timed out",
    "WorkflowExecutionTerminated": "the workflow was terminated",
    "WorkflowExecutionContinuedAsNew": "the workflow continued as a new run",
}


def attributes(event: Event) -> Mapping[str, Any]:
    """Return the attributes of an event, whose key is named after the event's type."""
    kind = event["eventType"]
    said: Mapping[str, Any] = event.get(f"{kind[0].lower()}{kind[1:]}EventAttributes", {})
    return said


def closes_execution(event: Event) -> bool:
    """Return whether this event closed its workflow execution."""
    return event["eventType"] in _EXECUTION_CLOSED


def ending_of(event: Event) -> Ending | None:
    """Return how this event ended one or all activity tasks; None if it ended none."""
    if event["eventType"] not in _ENDINGS:
        return None
    outcome, reason_key, text_key = _ENDINGS[event["eventType"]]
    said = attributes(event)
    # A termination by SWF itself has only a cause, no reason.
    return Ending(outcome, str(said.get(reason_key) or said.get("cause", "")), said.get(text_key))


def ending_of_task(events: Iterable[Event], started_event_id: int) -> Ending | None:
    """Return how one activity task ended; None if these events do not tell.

    Args:
        events: the history of its execution, or a part of it.
        started_event_id: the task's ``startedEventId``, which the event of its end names: one
            execution may use an activity id for several tasks.

    Returns:
        The task's own end if there is one; else that of its execution, with a reason that says how
        that ended.
    """
    execution: Ending | None = None
    for event in events:
        ended = ending_of(event)
        if ended is None:
            continue
        if closes_execution(event):
            how = _EXECUTION_CLOSED[event["eventType"]]
            execution = replace(ended, reason=f"{how}: {ended.reason}" if ended.reason else how)
        elif attributes(event).get("startedEventId") == started_event_id:
            return ended
    return execution
