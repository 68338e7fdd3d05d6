"""The stop of a worker, in a thread of its own: apply the grace, and end what still runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ...concurrency.retry import Deadline
from ...concurrency.stop import StopLevel
from ...concurrency.threads import Threads
from ...observer import StopRequested
from .responder import ANSWER_SECONDS_AFTER_GRACE
from .slots import Slots
from .stop_log import Awaited, StopLog
from .task_run import TaskRun
from .worker_context import WorkerContext

#: How long activities may take to give up when they were told to, in seconds.
CANCEL_GRACE_SECONDS = 2.0

#: How long the third signal may take to interrupt a poll, in seconds. A signal just before the
#: thread starts to wait for its socket does not interrupt it, so the poll is cut then.
INTERRUPTION_SECONDS = 0.5

#: How long a stop then waits for answers that are under way, in seconds: an answer is tried for
#: ANSWER_SECONDS_AFTER_GRACE, and its last call has a timeout of its own.
LAST_ANSWER_SECONDS = ANSWER_SECONDS_AFTER_GRACE + 15.0

#: How many threads end the tasks that still run, at most.
ENDING_THREADS = 14


@dataclass
class Stopping:
    """Waits for a stop, and carries it out.

    Attributes:
        worker: the context that the tasks share.
        slots: the worker's slots.
        leave: ends the process if the calling thread hangs in an activity or a poll; or None.
        runs_here: returns the task that runs in the calling thread, or None.
        polls_here: the calling thread if it polls; None if other threads do.
        supervised: whether a supervisor logs for all processes what the stop waits for.
    """

    worker: WorkerContext
    slots: Slots
    leave: Callable[[], None] | None
    runs_here: Callable[[], TaskRun | None]
    polls_here: int | None
    supervised: bool = False
    finished: bool = False  #: Set when the worker has ended.
    _told: StopLevel = field(default=StopLevel.NONE, init=False)
    _telling: threading.RLock = field(default_factory=threading.RLock, init=False)

    def finish(self) -> None:
        """Note that the worker has ended, and tell the observers the levels that are still untold.

        They are always told DRAIN, also if the worker ends by itself.
        """
        with self._telling:
            self._tell(max(self.worker.policy.flag.level, StopLevel.DRAIN))
            self.finished = True

    def watch(self) -> None:
        """Wait for a stop, and carry it out."""
        flag = self.worker.policy.flag
        grace = self.worker.policy.grace_seconds
        flag.wait(None)
        log = StopLog(
            flag,
            self._awaited,
            grace_seconds=grace,
            cancel_seconds=CANCEL_GRACE_SECONDS,
            level=logging.DEBUG if self.supervised else logging.INFO,
            is_over=lambda: self.finished,
            clock=self.worker.clock,
        )
        self._reach(StopLevel.DRAIN, log)
        flag.wait(grace, StopLevel.CANCEL)
        if self.finished:
            return
        flag.raise_to(StopLevel.CANCEL, f"the grace of {grace:.0f} s is over" if grace else None)
        self._reach(StopLevel.CANCEL, log)
        running = self.slots.running
        for run in running:
            run.interrupt()
        self._end(self.slots.wait_until_settled(running, CANCEL_GRACE_SECONDS))
        flag.wait(None, StopLevel.KILL)
        self._reach(StopLevel.KILL, log)
        if self.polls_here is not None and self._polls_for(INTERRUPTION_SECONDS):
            self.worker.client.cut_call(self.polls_here)
            if self._polls_for(CANCEL_GRACE_SECONDS) and self.leave is not None:
                self.leave()

    def _polls_for(self, seconds: float) -> bool:
        """Wait for the polls for *seconds*; return whether one is still out."""
        deadline = Deadline(seconds, clock=self.worker.clock)
        self.slots.wait_while(lambda: self.slots.polls_out > 0 and not self.finished, deadline)
        return self.slots.polls_out > 0 and not self.finished

    def _end(self, late: set[TaskRun]) -> None:
        """End the tasks that still run, so that the worker can end without them."""
        threads = Threads(ENDING_THREADS, "flowy-stop-answer")
        for run in late:
            threads.submit(run.end_by_stop)
        threads.close()
        for run in self.slots.wait_until_settled(late, LAST_ANSWER_SECONDS):
            run.give_up()
        if self.runs_here() in late and self.leave is not None:
            self.leave()

    def _awaited(self) -> Awaited:
        return Awaited(tuple(map(str, self.slots.running)), self.slots.polls_out)

    def _reach(self, level: StopLevel, log: StopLog) -> None:
        """Log that the stop has reached a level, and tell the observers."""
        with self._telling:  # nothing is logged after the worker's last line
            log.reached(level)
        self._tell(level)

    def _tell(self, level: StopLevel) -> None:
        """Wake all waiting threads, and tell the observers each level up to this one, once."""
        self.slots.wake_all()
        with self._telling:
            while self._told < level and not self.finished:
                self._told = StopLevel(self._told + 1)
                self.worker.observers.stop_requested(StopRequested(self._told))
