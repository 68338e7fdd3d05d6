"""Run one activity in a unit test: no SWF, no worker, no network.

The worker's own code runs and answers the task: arguments and results are encoded and decoded,
limits apply, and an answer is what SWF would get. Only SWF itself is replaced, by what the test
says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Literal

from ..concurrency.stop import StopLevel
from ..context import ActivityInfo
from ..exception import ActivityFailedError, CancelTask, HandOverTask, SuspendTask, TooLongError
from ..invocation import TaskOutcome, TaskStatus, envelope_of
from ..invocation.steering import steering_of
from ..middleware import Middleware, check_middleware
from ..swf.calling import input_text
from ..task import Activity, AsyncActivity
from .declarations import PLAIN_INFO, info_of, reads_history
from .histories import history_at, told_of
from .outcomes import (
    Answer,
    Canceled,
    HandedOver,
    Suspended,
    Unanswered,
    opened_details,
    opened_result,
)
from .scripted import Script, ScriptedTask, steps_at

if TYPE_CHECKING:
    from ..convert import RunTypes
    from ..envelope import Envelope


class ActivityEnvironment:
    """Runs activities, each as one task of its own.

    For example::

        env = ActivityEnvironment(cancel_at=3)
        assert env.run(Countdown, 10) == Canceled("7 left")
        assert env.heartbeats == ["9 left", "8 left", "7 left"]

    The ``..._at`` arguments say what happens at which heartbeat, counted from 1, in every run. An
    activity with ``auto_heartbeat`` learns of it at the same moment, although no background
    heartbeats are sent. ``cancel``, ``close``, ``lose`` and ``stop`` do the same from outside, to
    the running task, or to the next one if none runs. Any thread may call them.

    Args:
        cancel_at: from this heartbeat on, the task's cancellation is requested; None for never.
        close_at: from this heartbeat on, the task is closed: it timed out, or its workflow ended.
        lose_at: from this heartbeat on, no heartbeat is accepted, until the task counts as lost.
        stop_at: from this heartbeat on, the worker stops and its grace is over.
        on_heartbeat: called with the details of each heartbeat before it is answered.
        info: the value of ``Activity.info``: an ``ActivityInfo``, or a mapping with some of its
            fields. The others come from the decorator, or have simple defaults.
        token: the value of ``Activity.token``, 1 to 1,024 characters.
        on_stop: what a stopping worker does with a task that gave up: ``"abandon"`` or ``"fail"``.
        serialize_arguments: makes the wire text of ``(args, kwargs)``, for classes with their own
            ``_deserialize_arguments``. None uses the class's ``_serialize_arguments``, which writes
            JSON unless the base class has another format.
        deserialize_result: makes the value of a result's wire text, for classes with their own
            ``_serialize_result``. None uses the class's ``_deserialize_result``.
        middleware: middleware around ``run``, like a worker's: outside the middleware of the class.
        attempt: the value of ``Activity.attempt``, if the activity asks for its history; the
            earlier attempts have timed out. None means that the history is not available.
        previous_details: the value of ``Activity.previous_details``: the details of the previous
            attempt's last heartbeat.
    """

    def __init__(
        self,
        *,
        cancel_at: int | None = None,
        close_at: int | None = None,
        lose_at: int | None = None,
        stop_at: int | None = None,
        on_heartbeat: Callable[[str | None], object] | None = None,
        info: ActivityInfo | Mapping[str, Any] | None = None,
        token: str = "token",  # noqa: S107 - opens nothing
        on_stop: Literal["abandon", "fail"] = "abandon",
        serialize_arguments: Callable[[Any, Any], str] | None = None,
        deserialize_result: Callable[[str], Any] | None = None,
        middleware: Sequence[Middleware] = (),
        attempt: int | None = 1,
        previous_details: object = None,
    ) -> None:
        self._steps = steps_at(
            (cancel_at, ScriptedTask.request_cancel),
            (close_at, ScriptedTask.close),
            (lose_at, ScriptedTask.lose),
            (stop_at, lambda task: task.stop_worker(StopLevel.CANCEL)),
        )
        self.token = token
        self._on_heartbeat = on_heartbeat or (lambda _details: None)
        self._info = asdict(info) if isinstance(info, ActivityInfo) else dict(info or {})
        replace(PLAIN_INFO, **self._info)  # an unknown field is an error here, not at the run
        self._on_stop: Literal["abandon", "fail"] = on_stop
        self._middleware = check_middleware(middleware)
        self._history = history_at(attempt, previous_details)
        self._serialize_arguments = serialize_arguments
        self._deserialize_result = deserialize_result
        self._task: ScriptedTask | None = None
        self._types: RunTypes | None = None
        self._runs = False
        self._next: list[Callable[[ScriptedTask], None]] = []

    @property
    def heartbeats(self) -> list[str | None]:
        """The details of each heartbeat of the latest run: text, not encrypted, or None."""
        return list(self._task.client.heartbeats) if self._task else []

    @property
    def progress(self) -> list[str | None]:
        """The details of each ``progress()`` of the latest run: text, or None."""
        return list(self._task.reports) if self._task else []

    @property
    def answer(self) -> Answer | None:
        """The answer that SWF got at the end of the latest run; None if it got none."""
        return self._task.client.answer if self._task else None

    @property
    def suspended(self) -> bool:
        """Whether the latest run ended in ``SuspendTask``."""
        return self._task is not None and self._task.run.outcome is TaskOutcome.SUSPENDED

    def cancel(self) -> None:
        """Request the task's cancellation, which its next heartbeat reports."""
        self._happen(ScriptedTask.request_cancel)

    def close(self) -> None:
        """Close the task: its next heartbeat returns False, and its answer is refused."""
        self._happen(ScriptedTask.close)

    def lose(self) -> None:
        """Refuse all heartbeats until the task counts as lost."""
        self._happen(ScriptedTask.lose)

    def stop(self, *, hurry: bool = False) -> None:
        """Ask the worker to stop: ``flowy.context.worker_stopping()`` becomes True.

        Args:
            hurry: if True, the grace is over, too: heartbeats return False, and coroutines are
                canceled.
        """
        level = StopLevel.CANCEL if hurry else StopLevel.DRAIN
        self._happen(lambda task: task.stop_worker(level))

    def run(self, activity: type[Activity], /, *args: Any, **kwargs: Any) -> Any:
        """Run an activity to its end; a coroutine on its own event loop.

        Returns:
            Its value as a workflow reads it: encoded as JSON and decoded, so that a tuple becomes a
            list; with a converter, as ``call_activity`` returns it. Or ``Suspended``,
            ``HandedOver``, ``Canceled`` or ``Unanswered``, if the run ended in this way.

        Raises:
            SerializationError, TooLongError: the arguments cannot be encoded.
            ConversionError, TypeError: with a converter: the arguments do not fit ``run``.
            ScanError: the converter cannot use an annotation of ``run``.
            ActivityFailedError: Flowy itself failed the task: the arguments do not fit ``run``, or
                the result is not JSON-serializable or too long. Its ``reason`` is the one that SWF
                would get.
            Exception: any other exception that ``run`` raised.
        """
        if issubclass(activity, AsyncActivity):
            _check_no_loop()
            return asyncio.run(self.run_async(activity, *args, **kwargs))
        with self._task_of(activity, args, kwargs) as task:
            task.run.run()
        return self._outcome(activity, task)

    async def run_async(self, activity: type[AsyncActivity], /, *args: Any, **kwargs: Any) -> Any:
        """Run a coroutine activity on the running event loop, like ``run``."""
        with self._task_of(activity, args, kwargs) as task:
            future = asyncio.ensure_future(task.run.run_async())
            loop = asyncio.get_running_loop()

            def interrupt() -> None:
                """Cancel the coroutine; any thread may call this."""
                loop.call_soon_threadsafe(future.cancel)

            if task.status is not TaskStatus.ACTIVE:  # something happened before the run
                for _ in range(3):  # let the coroutine reach its first await
                    await asyncio.sleep(0)
                future.cancel()
            task.interrupt = interrupt
            try:
                await asyncio.wait([future])
            finally:
                task.interrupt = None
                future.cancel()  # in case this very coroutine was canceled
            end = future.result()
            end()
        return self._outcome(activity, task)

    @contextmanager
    def _task_of(
        self, activity: type[Activity], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Iterator[ScriptedTask]:
        info, declaration = info_of(activity, self._info)
        beats = declaration.auto_heartbeat_seconds if declaration else activity.auto_heartbeat
        converter = declaration.converter if declaration else activity.converter
        self._types = None if converter is None else converter.types_of(activity)
        if self._types is not None:
            args, kwargs = self._types.to_wire(args, kwargs)
        script = Script(
            self._steps,
            self._on_heartbeat,
            bool(beats),
            self._on_stop,
            self._middleware,
            converter,
            envelope_of(activity),
            told_of(self._history, info),
            reads_history(activity, declaration),
        )
        text = self._input(activity, args, kwargs, script.envelope)
        task = ScriptedTask(activity, text, self.token, info, script)
        self._task, self._runs = task, True
        happened, self._next = self._next, []
        for happen in happened:
            happen(task)
        try:
            yield task
        finally:
            self._runs = False

    def _input(
        self,
        activity: type[Activity],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        envelope: Envelope | None,
    ) -> str | None:
        if self._serialize_arguments is not None:
            return self._serialize_arguments(args, kwargs)
        required = envelope if envelope is not None and envelope.require_encryption else None
        try:
            return input_text(args, kwargs, required, activity=activity)
        except TooLongError:  # unless it is compressed, or stored
            return input_text(args, kwargs, envelope, activity=activity)

    def _happen(self, what: Callable[[ScriptedTask], None]) -> None:
        if self._runs and self._task is not None:
            what(self._task)
        else:
            self._next.append(what)

    def _outcome(self, activity: type[Activity], task: ScriptedTask) -> Any:
        """Return what ``run`` returned, or raise what it raised."""
        answer, error, outcome = task.client.answer, task.error, task.run.outcome
        if error is not None and not isinstance(steering_of(error), _STEERING):
            raise error
        envelope = envelope_of(activity)
        if outcome is TaskOutcome.SUSPENDED:
            return Suspended(self.token)
        if outcome is TaskOutcome.HANDED_OVER:
            return HandedOver(self.token)
        if answer is None:
            closed = outcome is TaskOutcome.CLOSED
            return Unanswered((TaskStatus.CLOSED if closed else task.status).value)
        if answer.kind == "completed":
            text = answer.result or ""
            read = self._deserialize_result or activity._deserialize_result
            value = read(opened_result(envelope, text))
            return value if self._types is None else self._types.result_from_wire(value)
        details = opened_details(envelope, answer.details)
        if answer.kind == "canceled":
            return Canceled(details)
        raise ActivityFailedError(
            f"Activity {activity.__qualname__} failed: {answer.reason}",
            reason=answer.reason or "",
            details=details,
        ) from error


#: Exceptions that an activity raises or lets pass to end its run; not the author's errors.
_STEERING = (SuspendTask, CancelTask, HandOverTask, asyncio.CancelledError)


def _check_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "Cannot run a coroutine activity here: an event loop runs already. "
        "Use `await env.run_async(...)`."
    )
