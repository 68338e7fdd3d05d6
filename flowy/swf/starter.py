"""Call one activity without writing a workflow.

For scripts, tests and a look at what an activity does: ``call_activity`` starts an execution of
a workflow type of its own, plays its decider until the activity has ended, and returns the
value. The execution has a task list to itself, so that any number of callers in any number of
processes never see each other's decisions; and finite timeouts, so that one whose caller was
killed ends by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ..exception import (
    ActivityCanceledError,
    ActivityFailedError,
    ActivityTimedOutError,
    CallError,
    CallTimedOutError,
    SWFError,
    TooLongError,
)
from ..transport import decode_result, encode_input
from .client import Layer1, connect
from .decider import Ending, EndingKind, Plan, timed_out
from .execution import ActivityExecution
from .values import (
    MAX_INPUT_CHARS,
    MAX_VERSION_CHARS,
    ActivityType,
    name_text,
    timeout_seconds,
)

logger = logging.getLogger(__name__)

#: How long an activity may take to end once its cancellation was requested, in seconds.
GRACE_SECONDS = 5


def call_activity(
    domain: object,
    name: object,
    version: object,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    task_list: object = None,
    timeout: Any = 3600,
    grace: Any = GRACE_SECONDS,
    workflow_id: object = None,
    layer1: Layer1 | None = None,
) -> Any:
    """Let a worker run one activity, wait for its end, and return its value.

    Args:
        domain: the SWF domain.
        name, version: which activity; a worker must have registered it.
        args: its positional arguments.
        kwargs: its keyword arguments.
        task_list: where to schedule it; None for the type's default list.
        timeout: how long the whole call may take, in whole seconds from 1 up to a year. Then the
            activity's cancellation is requested, which it learns at its next heartbeat.
        grace: how long the activity may take to end once its cancellation was requested, in whole
            seconds, 0 or more. Then the execution is terminated, which closes the task.
        workflow_id: the id of the execution, unique among the open ones of the domain; None for
            a new one.
        layer1: as for ``start_activity_worker``; it must be usable in two threads at once, as
            boto3's clients are.

    Interrupted by an exception, a KeyboardInterrupt too, it requests the cancellation and waits
    as at the timeout; a second interruption cuts that short. The exception's notes say how the
    activity ended. Where the caller is killed, the execution ends by itself a minute after it
    would have been terminated.

    Returns:
        The activity's value; also where it completed in spite of a requested cancellation.

    Raises:
        ActivityFailedError: it failed; the error has its reason and details.
        ActivityTimedOutError: one of its timeouts fired.
        ActivityCanceledError: it was canceled, by a request of somebody else.
        CallTimedOutError: *timeout* passed; the error says how the activity ended.
        CallError: it could not be scheduled, or its execution was closed from outside.
        SerializationError, TooLongError: the arguments cannot travel.
        SWFError: SWF refuses the call, or is out of reach for long.
        ValueError: an argument that cannot be used.
    """
    seconds = timeout_seconds(timeout, "timeout")
    if seconds is None:
        raise ValueError(
            "Cannot call without a timeout: an execution whose caller was killed would stay open. "
            "Give seconds."
        )
    plan = Plan(
        ActivityType(name_text(name, "name"), name_text(version, "version", MAX_VERSION_CHARS)),
        input_text(args, kwargs or {}),
        None if task_list is None else name_text(task_list, "task_list", trimmed=True),
        seconds,
        _grace_seconds(grace),
    )
    execution = ActivityExecution(
        connect(layer1),
        name_text(domain, "domain", trimmed=True),
        plan,
        None if workflow_id is None else name_text(workflow_id, "workflow_id"),
    )
    try:
        execution.start()
        execution.wait()
    except SWFError:
        if execution.run_id is not None:
            execution.terminate("The caller's decider cannot go on.")
        raise
    except BaseException as interruption:
        if execution.run_id is not None:
            _tell(interruption, f"{plan.type} {_wind_down(execution, plan)}")
        raise
    return _value_of(execution, plan)


def input_text(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the wire text of a call's arguments.

    Raises:
        SerializationError: an argument has no JSON form.
        TooLongError: SWF would refuse it.
    """
    text = encode_input(args, kwargs)
    if len(text) > MAX_INPUT_CHARS:
        raise TooLongError(
            f"the input has {len(text):,} characters, SWF takes {MAX_INPUT_CHARS:,}.",
            length=len(text),
            limit=MAX_INPUT_CHARS,
        )
    return text


def _wind_down(execution: ActivityExecution, plan: Plan) -> str:
    """Cancel the activity of an interrupted call, wait a moment, terminate; return how it ended.

    An interruption of the moment, a second Ctrl-C, ends it.
    """
    try:
        execution.request_cancel()
        execution.wait(plan.grace_seconds)
    except SWFError as error:
        logger.warning("The call's activity is not canceled (%s), but cut off.", error.fault)
    finally:
        if execution.ended is None:
            execution.terminate("The caller was interrupted.")
        execution.leave()
    try:
        execution.look()
    except SWFError as error:
        return f"ended nobody knows how ({error.fault})"
    return (
        "is still open; it ends by its timeout"
        if execution.ended is None
        else _how(execution.ended[0], plan)
    )


def _value_of(execution: ActivityExecution, plan: Plan) -> Any:
    assert execution.ended is not None
    ended, events = execution.ended
    late = timed_out(events)
    if ended.kind is EndingKind.COMPLETED:
        if late:
            logger.info("%s completed after the call's timeout, in spite of it.", plan.type)
        return decode_result(ended.text)
    kind, reason = _ERRORS.get(ended.kind, CallError), ended.reason
    message = f"Activity {plan.type} {ended}"
    if late:
        kind, reason = CallTimedOutError, str(ended)
        message = (
            f"Activity {plan.type} had not ended after {plan.timeout_seconds} s; asked to cancel, "
            f"it {_how(ended, plan)}"
        )
    raise kind(
        message,
        reason=reason,
        details=ended.text,
        workflow_id=execution.workflow_id,
        run_id=execution.run_id,
    )


def _how(ended: Ending, plan: Plan) -> str:
    """Return how an activity ended that was asked to cancel."""
    if ended.kind is EndingKind.EXECUTION_CLOSED:
        return f"had not ended {plan.grace_seconds} s later and was cut off."
    said = f"was {ended}" if ended.kind is EndingKind.CANCELED else str(ended)
    return f"{said}: {ended.text}" if ended.kind is EndingKind.CANCELED and ended.text else said


def _tell(interruption: BaseException, how: str) -> None:
    """Let an exception of somebody else's say how the activity ended."""
    text = f"The call was interrupted; asked to cancel, activity {how}"
    logger.warning("%s", text)
    # What BaseException.add_note does, which Python 3.10 does not have.
    interruption.__notes__ = [*getattr(interruption, "__notes__", ()), text]  # type: ignore[attr-defined,unused-ignore]


def _grace_seconds(grace: Any) -> int:
    seconds = 0 if grace == 0 else timeout_seconds(grace, "grace")
    if seconds is None:
        raise ValueError("Cannot use None as grace: give whole seconds, 0 or more.")
    return seconds


_ERRORS: dict[EndingKind, type[CallError]] = {
    EndingKind.FAILED: ActivityFailedError,
    EndingKind.TIMED_OUT: ActivityTimedOutError,
    EndingKind.CANCELED: ActivityCanceledError,
}
