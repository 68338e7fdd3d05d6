"""The one-activity workflow: schedule the activity, wait, and end as it ended.

SWF runs activities only if a workflow schedules them. This is the smallest such workflow: a pure
function from an execution's history to the decisions to send. It reads the whole history each time,
so it can ignore decision tasks without news, which SWF may send.

Both time limits are SWF's timers, which wake the decider by SWF's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ...invocation.outcome import TaskOutcome
from ...texts import cut_end
from ..history import Ending, Event, attributes, ending_of
from ..limits import MAX_REASON_CHARS
from ..values import ActivityType

if TYPE_CHECKING:
    from ...convert import RunTypes
    from ...envelope import Envelope
    from ...task import Activity

    ActivityClass = type[Activity]  # because Plan has a `type` of its own

#: The activity's id within its execution.
ACTIVITY_ID = "1"

#: The timer that fires when the call's timeout has passed.
TIMEOUT_TIMER = "timeout"

#: The timer that fires when the activity's time to end after the request to cancel is over.
GRACE_TIMER = "grace"

Decision = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What to call, and how long it may take.

    Attributes:
        type: the activity type.
        input: the wire text of the arguments. The ``repr`` leaves it out.
        task_list: where to schedule it; None for the type's default.
        timeout_seconds: how long after the start its cancellation is requested.
        grace_seconds: how long after that request it is given up.
        types: the types of its ``run``, if it is called by a class with a converter.
        envelope: how its texts travel, if it is called by a class that says so.
        activity: the class by which it is called, whose format its texts have; or None.
    """

    type: ActivityType
    input: str | None = field(repr=False)
    task_list: str | None
    timeout_seconds: int
    grace_seconds: int
    types: RunTypes | None = None
    envelope: Envelope | None = None
    activity: ActivityClass | None = None


def ending(events: Sequence[Event]) -> Ending | None:
    """Return how the activity of this history ended; None while it is under way."""
    for event in events:
        ended = ending_of(event)
        if ended is not None:
            # This decider cancels the execution only if the activity was not scheduled yet.
            canceled = event["eventType"] == "WorkflowExecutionCanceled"
            return replace(ended, outcome=TaskOutcome.CANCELED) if canceled else ended
    return None


def timed_out(events: Sequence[Event]) -> bool:
    """Return whether the call's timeout passed before its execution closed."""
    return _fired(events, TIMEOUT_TIMER) or _happened(events, "WorkflowExecutionTimedOut")


def given_up(events: Sequence[Event]) -> bool:
    """Return whether the activity did not end in its time after the request to cancel."""
    return _fired(events, GRACE_TIMER) and ending(events) is None


def decide(events: Sequence[Event], plan: Plan) -> list[Decision]:
    """Return the decisions to send after these events.

    Args:
        events: the whole history, oldest first.
        plan: what to call.
    """
    ended = ending(events)
    if ended is not None:
        return [_close(ended)]
    cancel = _happened(events, "WorkflowExecutionCancelRequested") or timed_out(events)
    if not _happened(events, "ActivityTaskScheduled"):
        if cancel:  # the activity was not scheduled yet
            return [_close(Ending(TaskOutcome.CANCELED))]
        return [schedule(plan), _timer(TIMEOUT_TIMER, plan.timeout_seconds)]
    if cancel and not _happened(events, *_CANCELLATION_DECIDED):
        return [_request_cancel(), _timer(GRACE_TIMER, plan.grace_seconds)]
    return []


def closes(decisions: Sequence[Decision]) -> bool:
    """Return whether these decisions ask SWF to close the execution."""
    return any(decision["decisionType"].endswith("WorkflowExecution") for decision in decisions)


#: The events that follow the decision to request the cancellation. SWF writes the second one if the
#: activity had ended before; then the history has the event of its end, too.
_CANCELLATION_DECIDED = ("ActivityTaskCancelRequested", "RequestCancelActivityTaskFailed")


def _close(ended: Ending) -> Decision:
    if ended.outcome is TaskOutcome.COMPLETED:
        result = {} if ended.text is None else {"result": ended.text}
        return _decision("CompleteWorkflowExecution", result)
    details = {} if ended.text is None else {"details": ended.text}
    if ended.outcome is TaskOutcome.CANCELED:
        return _decision("CancelWorkflowExecution", details)
    reason = ended.reason if ended.outcome is TaskOutcome.FAILED else f"The activity {ended}"
    return _decision(
        "FailWorkflowExecution", {"reason": cut_end(reason, MAX_REASON_CHARS), **details}
    )


def schedule(plan: Plan) -> Decision:
    """Return the decision that schedules the activity."""
    wanted: dict[str, Any] = {
        "activityId": ACTIVITY_ID,
        "activityType": {"name": plan.type.name, "version": plan.type.version},
    }
    if plan.input is not None:
        wanted["input"] = plan.input
    if plan.task_list is not None:
        wanted["taskList"] = {"name": plan.task_list}
    return _decision("ScheduleActivityTask", wanted)


def _request_cancel() -> Decision:
    return _decision("RequestCancelActivityTask", {"activityId": ACTIVITY_ID})


def _timer(timer_id: str, seconds: int) -> Decision:
    return _decision("StartTimer", {"timerId": timer_id, "startToFireTimeout": str(seconds)})


def _decision(kind: str, wanted: dict[str, Any]) -> Decision:
    return {"decisionType": kind, f"{kind[0].lower()}{kind[1:]}DecisionAttributes": wanted}


def _happened(events: Sequence[Event], *kinds: str) -> bool:
    return any(event["eventType"] in kinds for event in events)


def _fired(events: Sequence[Event], timer_id: str) -> bool:
    return any(
        event["eventType"] == "TimerFired" and attributes(event).get("timerId") == timer_id
        for event in events
    )
