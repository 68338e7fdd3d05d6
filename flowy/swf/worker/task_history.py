"""Reads what SWF's history tells of one task, and lets the timeouts in force rule its run.

Histories are throttled and eventually consistent, so a read may fail although nothing is wrong.
Only tasks of activities that ask for their history come here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ... import reasons
from ...attempts import TaskHistory
from ...concurrency.event_loop import off_loop
from ...concurrency.retry import Backoff, Deadline
from ...concurrency.stop import StopLevel
from ...context import ActivityInfo, RunningActivity
from ...exception import HistoryError, RefusedError, ServiceError, ValidationError
from ...invocation import (
    Answer,
    Failed,
    StatusRecord,
    TaskStatus,
    answer_of_giving_up,
)
from ...logs import log_keys
from ...observer import TaskWaited
from ...safe_logging import get_logger
from ..client.caller import ANSWER_DEADLINE_SECONDS
from ..values import ActivityImplementation, ActivityTask
from .heartbeats import Heartbeats
from .history_reader import NotThereYetError, TaskRecords
from .past_attempts import UnreadableDetailsError, told_by
from .responder import Responder
from .timeouts_in_force import interval_in_force, queue_seconds, seconds_from_start
from .worker_context import WorkerContext

if TYPE_CHECKING:
    from .task_envelope import TaskEnvelope

logger = get_logger(__name__)

#: After how long a read is tried once more if the task can run without it, in seconds.
AGAIN_SECONDS = 0.5

#: How long a task that can run without its history waits for its turn in the budget, in seconds.
WANTED_SECONDS = 5.0

#: How long a task that cannot run without its history waits for it, in seconds; half of the time
#: that the declared timeouts leave if that is less.
NEEDED_SECONDS = 300.0

#: The steps of a read: how long to wait before each next one, and at the end what was read.
Steps: TypeAlias = Generator[float, None, TaskHistory]


class Run(Protocol):
    """The part of a ``TaskRun`` that the read of its history uses."""

    info: ActivityInfo
    running: RunningActivity
    status: StatusRecord
    heartbeats: Heartbeats
    responder: Responder
    sealing: TaskEnvelope | None
    started_at: float


class TaskHistoryRead:
    """Reads the history for one task.

    Args:
        worker: the context of its worker.
        task: the task.
        implementation: the implementation of its type.
        run: the run of the task, whose timeouts are set.
        sent: called after each heartbeat that is sent while the history is waited for.
    """

    def __init__(
        self,
        worker: WorkerContext,
        task: ActivityTask,
        implementation: ActivityImplementation,
        run: Run,
        *,
        sent: Callable[[], object],
    ) -> None:
        self._worker = worker
        self._task = task
        self._implementation = implementation
        self._run = run
        self._sent = sent
        self._needed = implementation.history == "needed"

    def now(self) -> TaskHistory:
        """Read the history for an activity that runs, in its thread.

        Raises:
            HistoryError: it is not available at the moment.
        """
        if self._run.running.history is not None:
            return self._run.running.history  # type: ignore[no-any-return]
        return self._drive(self._steps(needed=False))

    def before_run(self) -> Answer | None:
        """Read the history in this thread; return the task's answer if it must not run."""
        try:
            self._drive(self._steps_before_run())
        except HistoryError as error:
            return self._without(error)
        return self._given_up(self._run.status.learned)

    async def before_run_async(self) -> Answer | None:
        """Read the history in threads, and wait on the event loop; like ``before_run``."""
        steps = self._steps_before_run()
        try:
            while isinstance(pause := await off_loop(lambda: _next(steps)), float):
                await asyncio.sleep(pause)
        except HistoryError as error:
            return self._without(error)
        except asyncio.CancelledError:
            if answer := self._given_up(self._run.status.tell_interruption()):
                return answer
            raise
        finally:
            steps.close()
        return self._given_up(self._run.status.learned)

    def _drive(self, steps: Steps) -> TaskHistory:
        while isinstance(pause := _next(steps), float):
            self._worker.policy.flag.wait(pause, StopLevel.CANCEL)
        return pause

    def _steps_before_run(self) -> Steps:
        """Read the history while heartbeats go on: a call may take half a minute."""
        with self._beating():
            return (yield from self._steps(needed=self._needed))

    def _steps(self, *, needed: bool) -> Steps:
        deadline = Deadline(NEEDED_SECONDS if needed else WANTED_SECONDS, clock=self._worker.clock)
        if (left := self._seconds_left()) is not None:
            deadline.shorten(left / 2)
        backoff = Backoff(first_seconds=AGAIN_SECONDS, cap_seconds=10.0)
        tries = 0
        while True:
            pause = self._turn_seconds()
            error: HistoryError | ServiceError | None = None
            if not pause:
                try:
                    return self._read(strict=needed)
                except (HistoryError, ServiceError) as raised:
                    error = raised
                tries += 1
                if _is_final(error, needed) or (tries > 1 and not needed):
                    raise _unavailable(error) from error
                pause = backoff.next_seconds() if needed else AGAIN_SECONDS
            if pause > (deadline.remaining_seconds() or 0.0):
                raise _unavailable(error)
            if (status := self._run.status.current) is not TaskStatus.ACTIVE:
                raise HistoryError(f"{status.value}.")
            yield pause

    def _seconds_left(self) -> float | None:
        """Return how long the task may run, as far as that is known; None for no limit."""
        return self._run.running.deadline.remaining_seconds()

    def _turn_seconds(self) -> float:
        histories = self._worker.histories
        return 0.0 if histories.known(self._task) else histories.turn_seconds()

    def _beating(self) -> AbstractContextManager[object]:
        """Return a context manager in which heartbeats go on, if any are declared."""
        timeout = self._run.info.heartbeat
        interval = self._implementation.auto_heartbeat_seconds or (timeout and timeout / 3)
        if interval is None:
            return contextlib.nullcontext()
        return self._worker.auto_heartbeats.during(
            self._run.heartbeats,
            interval_seconds=interval,
            max_stall_seconds=None,
            sent=self._sent,
        )

    def _read(self, *, strict: bool) -> TaskHistory:
        histories = self._worker.histories
        records = histories.known(self._task) or self._read_now()
        history = told_by(records, self._implementation, self._run.info, strict=strict)
        self._known(history)
        return history

    def _read_now(self) -> TaskRecords:
        # A call that hangs, or two of them, must leave time for the answer.
        left, longest = self._seconds_left(), ANSWER_DEADLINE_SECONDS
        seconds = longest if left is None else min(longest, left / 4)
        return self._worker.histories.read(self._task, seconds)

    def _known(self, history: TaskHistory) -> None:
        """Let the timeouts in force rule, counted from when the poll brought the task."""
        run, worker = self._run, self._worker
        if run.running.history is not None:
            return
        info = replace(
            run.info,
            **{name: getattr(history, name) for name in (*_TIMEOUTS, "control")},
            scheduled_at=history.scheduled_at,
            started_at=history.started_at,
        )
        left = seconds_from_start(history)
        if left is not None:
            left -= worker.clock.now() - run.started_at
        run.info = run.running.info = info
        run.running.deadline = Deadline(left, clock=worker.clock)
        run.running.history = history
        run.responder.task_ends_in(left)
        if run.sealing is not None:
            run.sealing.task_ends_in(left)
        run.heartbeats.timeouts_known(
            history.heartbeat, history.heartbeat or history.start_to_close
        )
        interval = interval_in_force(self._implementation, history.heartbeat)
        if interval is not None:
            worker.auto_heartbeats.change(run.heartbeats, interval)
        if worker.observers and (waited := queue_seconds(history)) is not None:
            worker.observers.task_waited(TaskWaited(info, waited))

    def _given_up(self, status: TaskStatus) -> Answer | None:
        """Return the answer of a task that must not run any more; None if it may."""
        return None if status is TaskStatus.ACTIVE else answer_of_giving_up(status)

    def _without(self, error: HistoryError) -> Answer | None:
        """Return the answer of a task whose history cannot be had; None if it runs without."""
        info, status = self._run.info, self._run.status
        if answer := self._given_up(status.current if self._needed else status.learned):
            return answer
        if self._needed:
            return Failed(f"{reasons.HISTORY_UNAVAILABLE}{error}", None, error)
        logger.warning(
            "%s runs by its declared timeouts, without its history: %s",
            info,
            error,
            extra=log_keys("history_missing", info),
        )
        return None


#: The fields of ``ActivityInfo`` that are timeouts in force, once the history is known.
_TIMEOUTS = ("heartbeat", "schedule_to_close", "schedule_to_start", "start_to_close")


def _next(steps: Steps) -> float | TaskHistory:
    try:
        return next(steps)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _is_final(error: HistoryError | ServiceError, needed: bool) -> bool:
    """Return whether another try would be useless."""
    if isinstance(error, HistoryError):
        return not isinstance(error, NotThereYetError)
    return isinstance(error, ValidationError if needed else RefusedError)


def _unavailable(error: HistoryError | ServiceError | None) -> HistoryError:
    if error is None:
        return HistoryError(
            "this process reads no more histories a second than history_rate, and others are first."
        )
    if isinstance(error, UnreadableDetailsError) or not isinstance(error, ServiceError):
        return error if isinstance(error, HistoryError) else HistoryError(str(error))
    return HistoryError(f"{error.fault}. {error}")
