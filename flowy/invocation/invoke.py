"""One call of an activity: decode, bind, run, encode, and return an answer.

SWF delivers a task once and then waits, so each call ends in exactly one answer, whatever the
author's code does. Nothing here sends the answer.
"""

from __future__ import annotations

import asyncio
import functools
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from typing import TYPE_CHECKING, Any

from .. import reasons
from ..concurrency.event_loop import off_loop
from ..concurrency.forks import ProcessGuard
from ..context import current_or_none
from ..exception import CancelTask, HandOverTask, SuspendTask
from ..middleware import Middleware, Run, around
from .answer import Answer, Canceled, Failed, HandedOver, NoAnswer, Suspended
from .arguments import opened_arguments, opened_arguments_async
from .failure import details_of, free_memory, reason_of
from .sealing import Sealing
from .status import StatusRecord, TaskStatus
from .steering import steering_of
from .wire import Invocable, answer_of_value, on_wire

if TYPE_CHECKING:  # a worker without a converter does not import it
    from ..convert import Converter


def invoke(
    activity: Invocable,
    input: str | None,
    status: StatusRecord,
    middleware: Sequence[Middleware] = (),
    converter: Converter | None = None,
    sealing: Sealing | None = None,
) -> Answer:
    """Run an activity and return its answer, also after a KeyboardInterrupt or SystemExit.

    Args:
        activity: whose ``run`` is called.
        input: the wire text of the arguments; None if the task has none.
        status: what is known about the task, and what the activity is told about it.
        middleware: runs around ``run``, the first one outermost.
        converter: converts arguments and value by the annotations of ``run``; None passes them raw.
        sealing: opens the envelopes of the input, and seals the result; None leaves both alone.
    """
    answer = _invoke(activity, input, status, middleware, converter, sealing)
    return on_wire(activity, answer, sealing)


def _invoke(
    activity: Invocable,
    input: str | None,
    status: StatusRecord,
    middleware: Sequence[Middleware],
    converter: Converter | None,
    sealing: Sealing | None,
) -> Answer:
    arguments = opened_arguments(activity, input, converter, sealing)
    if not isinstance(arguments, tuple):
        return arguments
    args, kwargs = arguments
    try:
        if middleware:
            value = _chain(middleware, _Link, _last)(_run_of(activity, args, kwargs))
        else:
            value = _call_run(activity, args, kwargs)
    except BaseException as error:
        return answer_to_error(error, status)
    return _answer_to_value(activity, value, status, converter, sealing)


async def invoke_async(
    activity: Invocable,
    input: str | None,
    status: StatusRecord,
    middleware: Sequence[Middleware] = (),
    converter: Converter | None = None,
    sealing: Sealing | None = None,
) -> Answer:
    """Run an activity whose ``run`` is a coroutine, like ``invoke``; encode in a thread."""
    return await off_loop(await run_async(activity, input, status, middleware, converter, sealing))


async def run_async(
    activity: Invocable,
    input: str | None,
    status: StatusRecord,
    middleware: Sequence[Middleware] = (),
    converter: Converter | None = None,
    sealing: Sealing | None = None,
) -> Callable[[], Answer]:
    """Run a coroutine, and return a function that makes the answer, which may take long."""
    conclude = await _run_async(activity, input, status, middleware, converter, sealing)
    return lambda: on_wire(activity, conclude(), sealing)


async def _run_async(
    activity: Invocable,
    input: str | None,
    status: StatusRecord,
    middleware: Sequence[Middleware],
    converter: Converter | None,
    sealing: Sealing | None,
) -> Callable[[], Answer]:
    last = functools.partial(_await_run, status)
    try:
        arguments = await opened_arguments_async(activity, input, converter, sealing)
        if not isinstance(arguments, tuple):
            answer = arguments
            return lambda: answer
        run = _run_of(activity, *arguments)
        value = await (_chain(middleware, _AsyncLink, last) if middleware else last)(run)
    except asyncio.CancelledError as error:
        told = status.tell_interruption()
        if told is not TaskStatus.ACTIVE:
            return functools.partial(answer_of_giving_up, told)
        return functools.partial(answer_to_error, error, status)
    except BaseException as error:
        return functools.partial(answer_to_error, error, status)
    return functools.partial(_answer_to_value, activity, value, status, converter, sealing)


def answer_to_error(error: BaseException, status: StatusRecord) -> Answer:
    """Return the answer for a run that raised *error*."""
    try:
        free_memory(error, run_by=_RUN_BY)
        steering = steering_of(error)
        if isinstance(steering, SuspendTask):
            return Suspended()
        if isinstance(steering, HandOverTask):
            return HandedOver()
        if isinstance(steering, CancelTask):
            return _answer_to_cancel(steering, status)
    except BaseException as second:  # an attribute of the author's exception may raise anything
        return Failed(reason_of(second), details_of(second, run_by=_RUN_BY), error)
    return Failed(reason_of(error), details_of(error, run_by=_RUN_BY), error)


def _answer_to_cancel(error: CancelTask, status: StatusRecord) -> Answer:
    told = status.told
    if told is TaskStatus.ACTIVE:
        reason = "CancelTask was raised, but the activity was told of no request to cancel."
        details = details_of(error, run_by=_RUN_BY)
        return Failed(reasons.CANCEL_NOT_REQUESTED + reason, details, error)
    return answer_of_giving_up(told, None if error.details is None else str(error.details))


def _answer_to_value(
    activity: Invocable,
    value: Any,
    status: StatusRecord,
    converter: Converter | None,
    sealing: Sealing | None,
) -> Answer:
    if value is None and status.told is not TaskStatus.ACTIVE:
        return answer_of_giving_up(status.told)
    return answer_of_value(activity, value, converter, sealing)


def answer_of_giving_up(told: TaskStatus, details: str | None = None) -> Answer:
    """Return the answer of an activity that was told to give up, and did."""
    if told is TaskStatus.CANCEL_REQUESTED:
        return Canceled(details)
    if told is TaskStatus.LOST:
        reason = "the activity gave up because SWF accepted no heartbeat for too long."
        return Failed(reasons.HEARTBEAT_LOST + reason)
    return NoAnswer(told)


# The run, and middleware around it


def _run_of(activity: Invocable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Run:
    return Run(activity, current_or_none(), args, kwargs)


def _call_run(activity: Invocable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``run``; if the activity forked, its child ends here."""
    guard = ProcessGuard()
    try:
        value = activity.run(*args, **kwargs)
    except BaseException as error:
        guard.end_child(error)
        raise
    guard.end_child()
    return value


async def _await_run(status: StatusRecord, run: Run) -> Any:
    """Await ``run``; if the activity forked, its child ends here, or when it awaits something."""
    guard = ProcessGuard()
    try:
        value = await _steps(run.activity.run(*run.args, **run.kwargs), status, guard)
    except BaseException as error:
        guard.end_child(error)
        raise
    guard.end_child()
    return value


@types.coroutine
def _steps(
    run: Coroutine[Any, Any, Any], status: StatusRecord, guard: ProcessGuard
) -> Generator[Any, Any, Any]:
    """Await *run*, and note each CancelledError that is thrown into it.

    An activity that catches it and returns None has still been told to give up.
    """
    resume: Callable[[Any], Any] = run.send
    sent: Any = None
    while True:
        try:
            awaited = resume(sent)
        except StopIteration as end:
            return end.value
        if guard.is_forked:  # its copy of the loop would run all other activities, too
            guard.end_child(RuntimeError("Cannot await in a forked child of a coroutine."))
        try:
            resume, sent = run.send, (yield awaited)
        except BaseException as error:
            if type(error) is asyncio.CancelledError:
                status.tell_interruption()
            resume, sent = run.throw, error


class _Link:
    """One middleware, and what it calls next."""

    def __init__(self, middleware: Middleware, call_next: Callable[[Run], Any]) -> None:
        self._middleware = middleware
        self._next = call_next

    def __call__(self, run: Run) -> Any:
        return self._middleware.run(run, self._next)


class _AsyncLink(_Link):
    async def __call__(self, run: Run) -> Any:
        following: Callable[[Run], Awaitable[Any]] = self._next
        return await self._middleware.run_async(run, following)


def _last(run: Run) -> Any:
    return _call_run(run.activity, run.args, run.kwargs)


def _chain(
    middleware: Sequence[Middleware], link: type[_Link], last: Callable[[Run], Any]
) -> Callable[[Run], Any]:
    call_next = last
    for each in reversed(middleware):
        call_next = link(each, call_next)
    return call_next


#: The code that calls the author's code; the tracebacks for SWF leave its frames out.
_RUN_BY = frozenset(
    each.__code__
    for each in (
        _invoke, _run_async, _call_run, _await_run, _steps, _last,
        _Link.__call__, _AsyncLink.__call__, around.run, around.run_async,
    )
)  # fmt: skip
