"""The one-activity workflow: schedule it, wait, and end as it ended.

SWF runs activities only where a workflow asks for them. This is the smallest workflow there is:
a pure function from the history of an execution to the decisions to send. It looks at the whole
history each time, so that extra decision tasks, of which SWF promises nothing, change nothing.

Its limits are SWF's own timers: they wake the decider, whoever waits, and fire by SWF's clock.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..failure import cut_end
from .values import MAX_REASON_CHARS, ActivityType

#: The one activity's id within its execution.
ACTIVITY_ID = "1"

#: The timer that ends the patience for the activity, and the one that ends the patience for it
#: to end once its cancellation was requested.
TIMEOUT_TIMER = "timeout"
GRACE_TIMER = "grace"

Event = Mapping[str, Any]
Decision = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a call wants.

    Attributes:
        type: which activity.
        input: the wire text of its arguments.
        task_list: where to schedule it; None for the type's default.
        timeout_seconds: after so long its cancellation is requested.
        grace_seconds: after so long more it is given up.
    """

    type: ActivityType
    input: str
    task_list: str | None
    timeout_seconds: int
    grace_seconds: int


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

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.reason}" if self.reason else self.kind.value


def ending(events: Sequence[Event]) -> Ending | None:
    """Return how the activity of this history ended; None while it is under way."""
    for event in events:
        kind = event["eventType"]
        if kind in _ENDINGS:
            said = _attributes(event)
            ended, reason_key, text_key = _ENDINGS[kind]
            return Ending(ended, str(said.get(reason_key, "")), said.get(text_key))
    return None


def timed_out(events: Sequence[Event]) -> bool:
    """Return whether the patience for the activity ended before the activity did."""
    return _fired(events, TIMEOUT_TIMER) or any(_all(events, "WorkflowExecutionTimedOut"))


def given_up(events: Sequence[Event]) -> bool:
    """Return whether the patience for a cancellation has ended and the activity has not."""
    return _fired(events, GRACE_TIMER) and ending(events) is None


def decide(events: Sequence[Event], plan: Plan) -> list[Decision]:
    """Return the decisions to send after these events, the whole history, oldest first."""
    ended = ending(events)
    if ended is not None:
        return [_closing(ended)]
    happened = {event["eventType"] for event in events}
    cancel = "WorkflowExecutionCancelRequested" in happened or timed_out(events)
    if "ActivityTaskScheduled" not in happened:
        if cancel:  # before there was anything to cancel
            return [_closing(Ending(EndingKind.CANCELED))]
        return [_schedule(plan), _timer(TIMEOUT_TIMER, plan.timeout_seconds)]
    if cancel and not happened & _CANCELLATION_DECIDED:
        return [_request_cancel(), _timer(GRACE_TIMER, plan.grace_seconds)]
    return []


def closes(decisions: Sequence[Decision]) -> bool:
    """Return whether these decisions ask SWF to close the execution."""
    return any(decision["decisionType"].endswith("WorkflowExecution") for decision in decisions)


#: Events that follow the decision to request the cancellation. The second says that the activity
#: had ended when the decision came: the event of its end stands in the history by then.
_CANCELLATION_DECIDED = frozenset(
    {"ActivityTaskCancelRequested", "RequestCancelActivityTaskFailed"}
)

#: For each event that is an ending: its kind, the key of its reason, the key of its text.
_ENDINGS: dict[str, tuple[EndingKind, str, str]] = {
    "ActivityTaskCompleted": (EndingKind.COMPLETED, "", "result"),
    "ActivityTaskFailed": (EndingKind.FAILED, "reason", "details"),
    "ActivityTaskTimedOut": (EndingKind.TIMED_OUT, "timeoutType", "details"),
    "ActivityTaskCanceled": (EndingKind.CANCELED, "", "details"),
    "ScheduleActivityTaskFailed": (EndingKind.NOT_SCHEDULED, "cause", ""),
    "WorkflowExecutionCanceled": (EndingKind.CANCELED, "", "details"),
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
    reason = ended.reason if ended.kind is EndingKind.FAILED else f"The activity {ended}"
    return _decision(
        "FailWorkflowExecution", {"reason": cut_end(reason, MAX_REASON_CHARS), **details}
    )


def _schedule(plan: Plan) -> Decision:
    attributes: dict[str, Any] = {
        "activityId": ACTIVITY_ID,
        "activityType": {"name": plan.type.name, "version": plan.type.version},
        "input": plan.input,
    }
    if plan.task_list is not None:
        attributes["taskList"] = {"name": plan.task_list}
    return _decision("ScheduleActivityTask", attributes)


def _request_cancel() -> Decision:
    return _decision("RequestCancelActivityTask", {"activityId": ACTIVITY_ID})


def _timer(timer_id: str, seconds: int) -> Decision:
    return _decision("StartTimer", {"timerId": timer_id, "startToFireTimeout": str(seconds)})


def _fired(events: Sequence[Event], timer_id: str) -> bool:
    return any(said.get("timerId") == timer_id for said in _all(events, "TimerFired"))


def _all(events: Sequence[Event], kind: str) -> Iterator[Mapping[str, Any]]:
    return (_attributes(event) for event in events if event["eventType"] == kind)


def _decision(kind: str, attributes: dict[str, Any]) -> Decision:
    key = f"{kind[0].lower()}{kind[1:]}DecisionAttributes"
    return {"decisionType": kind, key: attributes}


def _attributes(event: Event) -> Mapping[str, Any]:
    kind = event["eventType"]
    attributes: Mapping[str, Any] = event.get(f"{kind[0].lower()}{kind[1:]}EventAttributes", {})
    return attributes
