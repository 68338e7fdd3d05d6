"""The result of a call for its caller: the activity's value, or an error."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...exception import (
    ActivityCanceledError,
    ActivityFailedError,
    ActivityTimedOutError,
    CallError,
    CallTimedOutError,
    FlowyError,
)
from ...invocation.outcome import TaskOutcome
from ...safe_logging import get_logger
from ...task import Activity
from ..history import Ending
from ..values import ActivityType
from .decider import Plan, timed_out
from .execution import ActivityExecution
from .waiting import not_taken, why_timed_out

logger = get_logger(__name__)

#: SWF's cause for not scheduling an activity whose type is not registered.
UNKNOWN_TYPE = "ACTIVITY_TYPE_DOES_NOT_EXIST"

#: How many types an error lists at most.
MAX_TYPES_SHOWN = 20

#: The error for each outcome; ``CallError`` itself for the rest.
_ERRORS: Mapping[TaskOutcome, type[CallError]] = {
    TaskOutcome.FAILED: ActivityFailedError,
    TaskOutcome.TIMED_OUT: ActivityTimedOutError,
    TaskOutcome.CANCELED: ActivityCanceledError,
}


def value_of(execution: ActivityExecution, plan: Plan) -> Any:
    """Return the value of the activity of a closed execution.

    Raises:
        CallError: the activity did not complete; the subclass and the message say how it ended.
        SerializationError: the result is not JSON.
        ConversionError: the result does not fit its type.
    """
    assert execution.ended is not None
    ended, events = execution.ended
    late = timed_out(events)
    if ended.outcome is TaskOutcome.COMPLETED:
        if late:
            logger.info("%s completed although the call's timeout had passed.", plan.type)
        value = (plan.activity or Activity)._deserialize_result(_opened(ended.text, plan))
        return value if plan.types is None else plan.types.result_from_wire(value)
    kind, reason = _ERRORS.get(ended.outcome, CallError), ended.reason
    message = f"Activity {plan.type} {ended}"
    if ended.outcome is TaskOutcome.TIMED_OUT and (why := why_timed_out(events, ended.reason)):
        message = f"{message}. {why}"
    elif ended.reason == UNKNOWN_TYPE:
        message = f"{message}. {_there_are(execution.known_types(), plan.type)}"
    if late:
        kind, reason = CallTimedOutError, str(ended)
        message = (
            f"Activity {plan.type} had not ended after {plan.timeout_seconds} s; asked to cancel, "
            f"it {after_request(ended, plan)}"
        )
        if waited := not_taken(events):
            message = f"{message.rstrip('.')}: {waited}."
    raise kind(
        message,
        reason=reason,
        details=_details_of(ended.text, plan),
        workflow_id=execution.workflow_id,
        run_id=execution.run_id,
    )


def _details_of(text: str | None, plan: Plan) -> str | None:
    try:
        return _opened(text, plan)
    except (FlowyError, ValueError):  # of another maker, or with a key that is gone
        return text


def _opened(text: str | None, plan: Plan) -> str | None:
    """Return a text without the envelope of the activity, if it has one, from where it is."""
    if text is None:
        return None
    if plan.activity is not None:
        text = plan.activity._fetched(text)
    if plan.envelope is None:
        return text
    return replace(plan.envelope, require_encryption=False).opened(text)


def _there_are(types: Sequence[ActivityType], wanted: ActivityType) -> str:
    """Return which types the domain has, those with a similar name first."""
    if not types:
        return "Start a worker that registers it"
    near = difflib.get_close_matches(wanted.name, {each.name for each in types}, n=len(types))
    order = {name: number for number, name in enumerate(near)}
    shown = sorted(types, key=lambda each: (order.get(each.name, len(order)), each))
    more = len(shown) - MAX_TYPES_SHOWN
    rest = f", and {more:,} more" if more > 0 else ""
    return f"The domain has: {', '.join(map(str, shown[:MAX_TYPES_SHOWN]))}{rest}"


def after_request(ended: Ending, plan: Plan) -> str:
    """Return how an activity ended after the request to cancel it, as the end of a sentence."""
    if ended.outcome is TaskOutcome.EXECUTION_CLOSED:
        return f"had not ended {plan.grace_seconds} s later and was cut off."
    if ended.outcome is TaskOutcome.CANCELED:
        return f"was {ended}: {ended.text}" if ended.text else f"was {ended}"
    return str(ended)
