"""Call one activity without writing a workflow.

SWF runs activities only for a workflow. So ``call_activity``, meant for scripts and tests, starts
an execution of its own workflow type, decides for it until the activity has ended, and returns the
value.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from ...context import current_or_none, occupies_only_slot
from ...exception import SWFError
from ...safe_logging import get_logger
from ...task import Activity
from ..client import Layer1, connect
from ..limits import Name, name_text
from .decider import Plan, schedule
from .decider_thread import DeciderThread
from .execution import ActivityExecution
from .planning import GRACE_SECONDS, CallOptions, planned
from .result import after_request, value_of
from .waiting import not_taken

logger = get_logger(__name__)

#: After this time, in seconds, a call warns if no worker has taken its activity.
QUIET_SECONDS = 3.0


P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)


class _Runs(Protocol[P, R_co]):
    """An activity, as a call sees it."""

    def run(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Do the work."""


@overload
def call_activity(
    domain: object,
    activity: type[_Runs[P, Coroutine[Any, Any, R_co]]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> R_co: ...
@overload
def call_activity(
    domain: object,
    activity: type[_Runs[..., Coroutine[Any, Any, R_co]]],
    /,
    *args: Any,
    kwargs: Mapping[str, Any],
    task_list: object = None,
    timeout: Any = 3600,
    grace: Any = GRACE_SECONDS,
    workflow_id: object = None,
    layer1: Layer1 | None = None,
) -> R_co: ...
@overload
def call_activity(
    domain: object, activity: type[_Runs[P, R_co]], /, *args: P.args, **kwargs: P.kwargs
) -> R_co: ...
@overload
def call_activity(
    domain: object,
    activity: type[_Runs[..., R_co]],
    /,
    *args: Any,
    kwargs: Mapping[str, Any],
    task_list: object = None,
    timeout: Any = 3600,
    grace: Any = GRACE_SECONDS,
    workflow_id: object = None,
    layer1: Layer1 | None = None,
) -> R_co: ...
@overload
def call_activity(
    domain: object,
    name: Name,
    version: Name,
    /,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    task_list: object = None,
    timeout: Any = 3600,
    grace: Any = GRACE_SECONDS,
    workflow_id: object = None,
    layer1: Layer1 | None = None,
    **keywords: Any,
) -> Any: ...
def call_activity(domain: object, activity: Any, /, *args: Any, **keywords: Any) -> Any:
    """Let a worker run one activity, wait until it ends, and return its value.

    Args:
        domain: the SWF domain.
        activity: the decorated class, or the name of a type, followed by its version. A class gives
            the type and the default task list (of several decorators, the one next to the class
            counts), the converter, the codecs and the store. The type must be registered.
        args: its positional arguments.
        keywords: its keyword arguments, and the options below. A keyword with the name of an option
            is the option, unless ``run`` of the class has such a parameter.
        kwargs: its keyword arguments; all other keywords are then options. Type checkers need it if
            you pass a class and options.
        task_list: where to schedule it; None for the type's default list.
        timeout: how long the whole call may take, in whole seconds from 1 to a year. Then the call
            requests the activity's cancellation, which its next heartbeat reports.
        grace: how long the activity may take to end after that request, in whole seconds, 0 or
            more. Then the call terminates the execution, which closes the task.
        workflow_id: the id of the execution, unique among the open ones of the domain; None for a
            new one.
        layer1: as for ``start_activity_worker``. Two threads use it at once; boto3's clients allow
            that.

    A call from an activity keeps the caller's slot busy. If the worker has only one slot, a WARNING
    says that the other activity may never start.

    If an exception such as a KeyboardInterrupt interrupts the call, it requests the cancellation
    and waits, as at the timeout; a second interruption ends the wait. The exception's notes say how
    the activity ended. If the caller is killed, SWF closes the execution a minute after the call
    would have terminated it.

    Returns:
        The activity's value, even if the activity completed after the request to cancel it.

    Raises:
        ActivityFailedError: it failed; the error has its reason and details.
        ActivityTimedOutError: one of its timeouts fired.
        ActivityCanceledError: it was canceled, but not at the request of this call.
        CallTimedOutError: *timeout* passed; the error says how the activity ended.
        CallError: it could not be scheduled, or its execution was closed from outside.
        ConversionError: an argument, or the result, does not fit its type.
        SerializationError: an argument, or the result, is not JSON-serializable.
        TooLongError: the input is longer than 32,768 characters, and the class has no store.
        CodecError, ClaimError: a codec or the store of the class refuses a value.
        UnavailableError: a key service or the store of the class does not answer.
        SWFError: SWF refuses the call, or is out of reach for too long.
        ScanError: the class is not decorated, or an annotation of its ``run`` cannot be used.
        TypeError: the arguments do not fit the annotated ``run``, or an option is unknown.
        ValueError: an argument cannot be used.
    """
    return call_with(domain, activity, args, keywords, CallOptions())


def call_with(
    domain: object,
    activity: Any,
    args: Sequence[Any],
    keywords: Mapping[str, Any],
    defaults: CallOptions,
    written_by: type[Activity] = Activity,
) -> Any:
    """Call an activity as ``call_activity`` does, with other defaults of its options.

    *written_by* is as for ``planned``.
    """
    checked_domain = name_text(domain, "domain", trimmed=True)
    plan, options = planned(checked_domain, activity, args, keywords, defaults, written_by)
    execution = ActivityExecution(
        connect(options.layer1),
        checked_domain,
        plan,
        None if options.workflow_id is None else name_text(options.workflow_id, "workflow_id"),
    )
    _warn_of_own_slot(checked_domain, plan)
    _run(execution, plan)
    return value_of(execution, plan)


def start_with(
    domain: object,
    activity: Any,
    args: Sequence[Any],
    keywords: Mapping[str, Any],
    written_by: type[Activity] = Activity,
) -> tuple[str, str]:
    """Schedule one activity like ``call_with``, without waiting for its end.

    The execution then has no decider, so it stays open until *timeout* and a minute have passed.
    Its history shows the result as soon as there is one, and keeps it for the domain's retention
    period.

    Returns:
        The workflow id and the run id of the execution.

    Raises:
        CallError: SWF does not schedule it.
        SWFError, ValueError, TransportError: as for ``call_activity``.
    """
    checked_domain = name_text(domain, "domain", trimmed=True)
    plan, options = planned(checked_domain, activity, args, keywords, CallOptions(), written_by)
    execution = ActivityExecution(connect(options.layer1), checked_domain, plan)
    execution.start()
    try:
        while (task := execution.poll()) is None:
            pass  # an empty poll: the decision task may still be on its way
        execution.respond(task[0], [schedule(plan)])
        ended = execution.look_for_end()
    except BaseException:
        execution.terminate("The activity was not scheduled.")
        raise
    if ended:
        execution.terminate("The activity was not scheduled.")
        value_of(execution, plan)
    return execution.workflow_id, execution.run_id or ""


def _warn_of_own_slot(domain: str, plan: Plan) -> None:
    """Log a warning if the call may wait for the slot that its caller occupies."""
    caller = current_or_none()
    if caller is None or not occupies_only_slot() or caller.domain != domain:
        return
    if plan.task_list not in (None, caller.task_list):
        return
    logger.warning(
        "Activity %s calls activity %s and waits for it in the only slot of its worker. If no "
        "other worker polls the list of that activity, it cannot start before the call times out. "
        "Give the worker concurrency=2 or more, or let a workflow schedule both.",
        caller,
        plan.type,
    )


def _run(execution: ActivityExecution, plan: Plan) -> None:
    """Start the execution and wait until it is closed; close it after an error."""
    decider = DeciderThread(execution, plan)
    try:
        execution.start()
        decider.start()
        if not decider.wait(QUIET_SECONDS):
            _say_if_nobody_takes_it(execution, plan)
            decider.wait()
    except SWFError:
        if execution.run_id is not None:
            execution.terminate("The caller's decider cannot go on.")
        raise
    except BaseException as interruption:
        if execution.run_id is not None:
            how = _wind_down(execution, decider, plan)
            _add_note(interruption, f"asked to cancel, activity {plan.type} {how}")
        raise


def _say_if_nobody_takes_it(execution: ActivityExecution, plan: Plan) -> None:
    try:
        waits = not_taken(execution.history())
    except SWFError as error:
        logger.info("Cannot see whether a worker has taken %s (%s).", plan.type, error.fault)
        return
    if waits:
        logger.warning("Activity %s waits: %s.", plan.type, waits)


def _wind_down(execution: ActivityExecution, decider: DeciderThread, plan: Plan) -> str:
    """Cancel the activity of an interrupted call; terminate the execution after the grace.

    An interruption of the grace, such as a second Ctrl-C, ends it.

    Returns:
        How the activity ended, as the end of a sentence.
    """
    try:
        execution.request_cancel()
        decider.wait(plan.grace_seconds)
    except SWFError as error:
        logger.warning(
            "Cannot wait for the call's activity to cancel (%s); terminating its execution.",
            error.fault,
        )
    finally:
        if execution.ended is None:
            execution.terminate("The caller was interrupted.")
        decider.leave()
    try:
        execution.look()
    except SWFError as error:
        return f"may have ended: its history cannot be read ({error.fault})"
    if execution.ended is None:
        return "is still open; it ends by its timeout"
    return after_request(execution.ended[0], plan)


def _add_note(interruption: BaseException, how: str) -> None:
    """Note on the exception that interrupted the call how the activity ended."""
    text = f"The call was interrupted; {how}"
    logger.warning("%s", text)
    # What BaseException.add_note does, which Python 3.10 does not have.
    interruption.__notes__ = [*getattr(interruption, "__notes__", ()), text]  # type: ignore[attr-defined,unused-ignore]
