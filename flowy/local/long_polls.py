"""Long polls: pollers wait in queues, and the one that came first gets the next task.

"The service holds the HTTP connection open and responds as soon as a task becomes available. The
maximum time [...] is 60 seconds" (API reference, PollForActivityTask; PollForDecisionTask alike).
moto sleeps for a second instead and answers without a task. "You can have a maximum of 1,000
pollers which simultaneously poll a particular task list" (developer guide, Amazon SWF Quotas).

AWS does not say which poller gets a task. Here each task list has one queue of pollers for each
kind of task. Only the first poller of a queue may take a task, and only that one is woken when a
task comes. So a task goes to the poller that has waited longest.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from .real_time import monotonic_seconds

Task = TypeVar("Task")

#: The key of a queue: the kind of task, the domain, the task list.
Key = tuple[str, str, str]

#: Longest time in seconds that a waiting poller sleeps before its connection is checked.
CHECK_SECONDS = 1.0


class TooManyPollersError(Exception):
    """A task list has as many waiting pollers as SWF allows."""


@dataclass(frozen=True, eq=False)
class Poller:
    """One open poll.

    Attributes:
        identity: the name that the poller gives itself, or None.
        since: when the poll came, in seconds of ``monotonic_seconds()``.
        wake: notified when there may be a task for this poller.
    """

    identity: str | None
    since: float
    wake: threading.Condition


class LongPolls:
    """The open polls of one local SWF, guarded by its lock.

    Args:
        lock: the lock of the local SWF.
        max_pollers: how many pollers may wait on one task list for one kind of task.
    """

    def __init__(self, lock: threading.RLock, *, max_pollers: int = 1000) -> None:
        self._lock = lock
        self._max_pollers = max_pollers
        self._queues: dict[Key, deque[Poller]] = {}
        self._released = False
        self._releases = 0

    def wait(
        self,
        key: Key,
        take: Callable[[], Task | None],
        *,
        seconds: float,
        gone: Callable[[], bool],
        identity: str | None = None,
    ) -> Task | None:
        """Keep a poll open until there is a task, the time is up, or the polls are released.

        Args:
            key: the queue to wait in.
            take: returns a task for this poller, or None; called under the lock.
            seconds: how long to wait, in seconds; 0 tries once.
            gone: returns whether the poller has hung up. It is called every CHECK_SECONDS and right
                before a task is sent: SWF has no acknowledgement, so a task for a poller that has
                gone is stuck until a timeout.
            identity: the name that the poller gives itself, shown on the page.

        Returns:
            The task; None if the wait ended without one.

        Raises:
            TooManyPollersError: the queue is full.
        """
        with self._lock:
            queue = self._queues.get(key, deque())
            poller = self._join(queue, key, identity)
            # Only now, so that a queue is never empty, even if the quota refuses every poller.
            self._queues[key] = queue
            try:
                return self._until_task(queue, poller, take, gone, poller.since + seconds)
            finally:
                queue.remove(poller)
                if queue:
                    queue[0].wake.notify()  # this poller took one task, there may be a second one
                else:
                    del self._queues[key]

    def _join(self, queue: deque[Poller], key: Key, identity: str | None) -> Poller:
        if len(queue) >= self._max_pollers:
            raise TooManyPollersError(
                f"Cannot poll the task list {key[2]!r}: {len(queue)} pollers wait on it already, "
                "the quota of SWF."
            )
        poller = Poller(identity, monotonic_seconds(), threading.Condition(self._lock))
        queue.append(poller)
        return poller

    def _until_task(
        self,
        queue: deque[Poller],
        poller: Poller,
        take: Callable[[], Task | None],
        gone: Callable[[], bool],
        deadline: float,
    ) -> Task | None:
        releases = self._releases
        while not self._released and self._releases == releases:
            # Not only the first poller checks, because all that have gone count as waiting.
            if gone():
                return None
            if queue[0] is poller and (task := take()) is not None:
                return task
            left = deadline - monotonic_seconds()
            if left <= 0:
                return None
            poller.wake.wait(min(left, CHECK_SECONDS))
        return None

    def wake(self, key: Key) -> None:
        """Wake the first poller of a queue, because a task has come."""
        with self._lock:
            if key in self._queues:
                self._queues[key][0].wake.notify()

    def pollers(self) -> Iterator[tuple[Key, Poller]]:
        """Yield every waiting poller, in the order of its queue; call this under the lock."""
        for key, queue in self._queues.items():
            for poller in queue:
                yield key, poller

    def release_once(self) -> None:
        """Answer every poll that waits now, without a task; later polls wait again."""
        with self._lock:
            self._releases += 1
            for _, poller in self.pollers():
                poller.wake.notify()

    def release(self) -> None:
        """Answer every poll that waits now, and every later one at once, without a task."""
        with self._lock:
            self._released = True
            self.release_once()

    def reopen(self) -> None:
        """Keep polls open again after ``release``."""
        with self._lock:
            self._released = False
