"""The slots of a worker: which polls are out and which tasks run in them.

SWF counts a task as started when a poll brings it. So a slot is taken before the poll goes out, and
each task that a poll brings can run at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.retry import Deadline
from ...concurrency.stop import StopFlag
from .task_run import TaskRun


class Slots:
    """Counts the slots taken, the polls out and the tasks running; thread-safe.

    Args:
        size: the number of slots.
        stop: when it is raised, ``take`` gives out no more slots.
    """

    def __init__(self, size: int, stop: StopFlag, clock: Clock = SYSTEM_CLOCK) -> None:
        self._size = size
        self._stop = stop
        self._clock = clock
        # Two conditions of one lock: pollers wait for a slot, a stop waits for tasks. Waking only
        # those concerned keeps the interpreter free for the activities.
        lock = threading.RLock()
        self._slot_free = threading.Condition(lock)
        self._change = threading.Condition(lock)
        self._taken = 0
        self._polls_out = 0
        self._running: set[TaskRun] = set()

    @property
    def running(self) -> set[TaskRun]:
        """The tasks that have no outcome yet."""
        with self._change:
            return set(self._running)

    @property
    def polls_out(self) -> int:
        """How many polls are out."""
        return self._polls_out

    @property
    def has_polls(self) -> bool:
        """Whether a poll is out, about to be sent, or just returned."""
        with self._change:
            return self._taken > len(self._running)

    def take(self) -> bool:
        """Wait for a slot and take it; return False if a stop was requested first."""
        with self._slot_free:
            while self._taken >= self._size and not self._stop.is_set():
                self._clock.wait(self._slot_free, None)
            if self._stop.is_set():
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        """Give back a slot whose poll brought no task."""
        with self._slot_free:
            self._taken -= 1
            self._slot_free.notify()
            self._tell_change()

    def poll_began(self) -> None:
        """Count a poll that is about to be sent."""
        with self._change:
            self._polls_out += 1

    def poll_ended(self, run: TaskRun | None) -> None:
        """Count a poll that is back and the task that it brought, in one step.

        So whatever ends the worker finds either the poll or the task.
        """
        with self._change:
            self._polls_out -= 1
            if run is not None:
                self._running.add(run)
            self._tell_change()

    def settled(self, run: TaskRun) -> None:
        """Free the slot of a task whose outcome is recorded."""
        with self._change:
            if run in self._running:
                self._running.discard(run)
                self._taken -= 1
                self._slot_free.notify()
                self._tell_change(always=self._size == 1)

    def wait_until_settled(self, runs: Collection[TaskRun], seconds: float) -> set[TaskRun]:
        """Wait up to *seconds* until all *runs* are settled; return those that are not."""
        deadline = Deadline(seconds, clock=self._clock)
        self.wait_while(lambda: bool(self._running.intersection(runs)), deadline)
        return self.running.intersection(runs)

    def wait_while(
        self,
        condition: Callable[[], bool],
        deadline: Deadline | None = None,
        *,
        look_seconds: float | None = None,
    ) -> None:
        """Wait until *condition* is false or *deadline* has passed.

        Args:
            condition: checked under the lock, whenever something has changed.
            deadline: None for no limit.
            look_seconds: how often it is also checked without a change; None for never.
        """
        with self._change:
            while condition():
                limits = [look_seconds, deadline.remaining_seconds() if deadline else None]
                seconds = min((each for each in limits if each is not None), default=None)
                if deadline is not None and deadline.passed:
                    return
                self._clock.wait(self._change, seconds)

    def wake_all(self) -> None:
        """Wake all waiting threads."""
        with self.changing():
            self._slot_free.notify_all()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Change something in the block, and wake the threads that wait for changes."""
        with self._change:
            yield
            self._change.notify_all()

    def _tell_change(self, *, always: bool = False) -> None:
        # Before a stop, only the thread that runs a single coroutine waits for changes.
        if always or self._stop.is_set():
            self._change.notify_all()
