"""The one-activity workflow: schedule it, wait, and end as it ended.

SWF runs activities only where a workflow asks for them. This is the smallest workflow there is:
a pure function from the history of an execution to the decisions to send. It looks at the whole
history each time, so that extra decision tasks, of which SWF promises nothing, change nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..failure import cut_end
from .values import MAX_REASON_CHARS, ActivityType

#: The one activity's id within its execution.
ACTIVITY_ID = "1"

Event = Mapping[str, Any]
Decision = dict[str, Any]


class EndingKind(enum.Enum):
    """How the one activity, or its execution, ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    CANCELED = "canceled"
    NOT_SCHEDULED = "could not be scheduled"
    EXECUTION_CLOSED = "was cut off, its workflow execution is closed"


@dataclass(frozen=True)
class Ending:
    """How it ended, in wire text.

    ``reason`` is the failure's reason, the type of the timeout, or SWF's cause; ``text`` is the
    result, or the details.
    """

    kind: EndingKind
    reason: str = ""
    text: str | None = None


def ending(events: Sequence[Event]) -> Ending | None:
    """Return how the activity of this history ended; None while it is under way."""
    for event in events:
        kind = event["eventType"]
        if kind in _ENDINGS:
            said = event.get(_attributes_key(kind), {})
            ended, reason_key, text_key = _ENDINGS[kind]
            return Ending(ended, str(said.get(reason_key, "")), said.get(text_key))
    return None


def decide(
    events: Sequence[Event], type: ActivityType, input: str, task_list: str | None
) -> list[Decision]:
    """Return the decisions to send after these events.

    Args:
        events: the whole history, oldest first.
        type, input: which activity to schedule, with the wire text of its arguments.
        task_list: where to schedule it; None for the type's default.
    """
    ended = ending(events)
    if ended is not None:
        return [_closing(ended)]
    if any(event["eventType"] == "ActivityTaskScheduled" for event in events):
        return []
    attributes: dict[str, Any] = {
        "activityId": ACTIVITY_ID,
        "activityType": {"name": type.name, "version": type.version},
        "input": input,
    }
    if task_list is not None:
        attributes["taskList"] = {"name": task_list}
    return [_decision("ScheduleActivityTask", attributes)]


#: For each event that is an ending: its kind, the key of its reason, the key of its text.
_ENDINGS: dict[str, tuple[EndingKind, str, str]] = {
    "ActivityTaskCompleted": (EndingKind.COMPLETED, "", "result"),
    "ActivityTaskFailed": (EndingKind.FAILED, "reason", "details"),
    "ActivityTaskTimedOut": (EndingKind.TIMED_OUT, "timeoutType", "details"),
    "ActivityTaskCanceled": (EndingKind.CANCELED, "", "details"),
    "ScheduleActivityTaskFailed": (EndingKind.NOT_SCHEDULED, "cause", ""),
    "WorkflowExecutionTimedOut": (EndingKind.EXECUTION_CLOSED, "timeoutType", ""),
    "WorkflowExecutionTerminated": (EndingKind.EXECUTION_CLOSED, "reason", "details"),
}


def _closing(ended: Ending) -> Decision:
    if ended.kind is EndingKind.COMPLETED:
        result = {} if ended.text is None else {"result": ended.text}
        return _decision("CompleteWorkflowExecution", result)
    details = {} if ended.text is None else {"details": ended.text}
    if ended.kind is EndingKind.CANCELED:
        return _decision("CancelWorkflowExecution", details)
    if ended.kind is EndingKind.FAILED:
        reason = ended.reason
    else:
        reason = f"The activity {ended.kind.value}: {ended.reason}"
    return _decision(
        "FailWorkflowExecution", {"reason": cut_end(reason, MAX_REASON_CHARS), **details}
    )


def _decision(kind: str, attributes: dict[str, Any]) -> Decision:
    key = f"{kind[0].lower()}{kind[1:]}DecisionAttributes"
    return {"decisionType": kind, key: attributes}


def _attributes_key(kind: str) -> str:
    return f"{kind[0].lower()}{kind[1:]}EventAttributes"
