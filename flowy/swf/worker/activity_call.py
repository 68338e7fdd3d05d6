"""Constructs an activity for one task, and runs it.

A run is surrounded by the context in which ``flowy.context`` knows the task, by heartbeats in the
background, and by middleware.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ... import reasons
from ...context import RunningActivity, entered
from ...invocation import (
    Answer,
    Canceled,
    Failed,
    NoAnswer,
    Scheduler,
    Sealing,
    StatusRecord,
    TaskStatus,
    invoke,
    run_async,
)
from ...observer import TaskStarted
from ...task import Activity, AsyncActivity
from ..values import ActivityImplementation, ActivityTask
from .heartbeats import Heartbeats
from .worker_context import WorkerContext

if TYPE_CHECKING:
    from .task_history import TaskHistoryRead

#: The methods that ``invoke`` replaces here, unless an author overrides them.
_CALLS = (Activity.__call__, AsyncActivity.__call__)


@dataclass(frozen=True)
class ActivityCall:
    """One call of an implementation.

    Attributes:
        worker: the context of its worker.
        implementation: the implementation to call.
        task: its task.
        running: what ``flowy.context`` shows of the task.
        scheduler: sends the activity's heartbeats, and its answer if it overrides ``__call__``.
        status: what is known about the task.
        heartbeats: sends the heartbeats of the task.
        heartbeat_sent: called after each heartbeat in the background.
        sealing: seals the texts of the task, or None.
        history_read: returns what reads the history for the task.
    """

    worker: WorkerContext
    implementation: ActivityImplementation
    task: ActivityTask
    running: RunningActivity
    scheduler: Scheduler
    status: StatusRecord
    heartbeats: Heartbeats
    heartbeat_sent: Callable[[], object]
    sealing: Sealing | None = None
    history_read: Callable[[], TaskHistoryRead] | None = None

    def answer(self) -> Answer | None:
        """Run the activity in this thread, in a context of its own, and return its answer.

        Returns:
            None if the author overrode ``__call__``, which answers by itself.

        Raises:
            BaseException: from a constructor or a ``__call__`` that the author overrode.
        """
        return self.worker.context.copy().run(self._answer)

    async def conclusion(self) -> Callable[[], Answer | None]:
        """Run the activity on the event loop; return a function that makes the answer.

        That function may be slow, so it must not run on the loop. It must be called, because
        heartbeats go on until it has ended.

        Raises:
            BaseException: as for ``answer``.
        """
        with contextlib.ExitStack() as heartbeats:
            with entered(self.running):
                if (read := self._read_before_run()) and (over := await read.before_run_async()):
                    return lambda: over
                heartbeats.enter_context(self._background_heartbeats())
                conclude = await self._run_coroutine()
            going_on = heartbeats.pop_all()

        def concluded() -> Answer | None:
            """Make the answer."""
            with going_on:
                return conclude()

        return concluded

    async def _run_coroutine(self) -> Callable[[], Answer | None]:
        context = contextvars.copy_context()
        activity, standard = self._made()
        if not standard:
            await activity()
            return lambda: None
        middleware = (*self.worker.middleware, *activity.middleware)
        converter = self.implementation.converter
        conclude = await run_async(
            activity, self.task.input, self.status, middleware, converter, self.sealing
        )
        return functools.partial(context.run, conclude)

    def _answer(self) -> Answer | None:
        with entered(self.running):
            if (read := self._read_before_run()) and (over := read.before_run()):
                return over
            return self._run()

    def _run(self) -> Answer | None:
        with self._background_heartbeats():
            activity, standard = self._made()
            if not standard:
                activity()
                return None
            middleware = (*self.worker.middleware, *activity.middleware)
            converter = self.implementation.converter
            return invoke(
                activity, self.task.input, self.status, middleware, converter, self.sealing
            )

    def _made(self) -> tuple[Any, bool]:
        """Return the activity, and whether its ``__call__`` is Flowy's own."""
        activity = self.implementation.factory(
            self.task.input, self.scheduler, self.task.task_token
        )
        if self.worker.observers:
            self.worker.observers.task_started(TaskStarted(self.running.info))
        return activity, isinstance(activity, Activity) and type(activity).__call__ in _CALLS

    def _read_before_run(self) -> TaskHistoryRead | None:
        if self.implementation.history == "no" or self.history_read is None:
            return None
        return self.history_read()

    def _background_heartbeats(self) -> AbstractContextManager[None]:
        interval = self.implementation.auto_heartbeat_seconds
        if interval is None:
            return contextlib.nullcontext()
        if self.running.history is not None:
            from .timeouts_in_force import interval_in_force

            in_force = self.running.info.heartbeat
            interval = interval_in_force(self.implementation, in_force) or interval
        return self.worker.auto_heartbeats.during(
            self.heartbeats,
            interval_seconds=interval,
            max_stall_seconds=self.implementation.max_stall_seconds,
            sent=self.heartbeat_sent,
        )


def answer_of_silence(status: StatusRecord) -> Answer:
    """Return the answer for an activity whose own ``__call__`` ended without one."""
    if status.current in (TaskStatus.CLOSED, TaskStatus.STOPPING):
        return NoAnswer(status.current)
    if status.told is TaskStatus.CANCEL_REQUESTED:
        return Canceled()
    return Failed(f"{reasons.NO_ANSWER}its __call__ ended without an answer.")


def answer_to_unknown(task: ActivityTask, served: str, identity: str) -> Failed:
    """Return the answer for a task of a type that the worker does not serve."""
    reason = f"{reasons.UNKNOWN_ACTIVITY_TYPE}{task.type}. This worker serves {served}."
    return Failed(reason, f"Worker {identity} serves {served}.")


def is_async(implementation: ActivityImplementation) -> bool:
    """Return whether the ``run`` of an implementation is a coroutine."""
    factory = implementation.factory
    return isinstance(factory, type) and issubclass(factory, AsyncActivity)
