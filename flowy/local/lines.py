"""Waiting lines: the long polls of a local SWF, first come first served.

"The service holds the HTTP connection open and responds as soon as a task becomes
available.  The maximum time [...] is 60 seconds" (API reference, PollForActivityTask;
PollForDecisionTask alike); moto sleeps for a second and answers without one.  "You can have a
maximum of 1,000 pollers which simultaneously poll a particular task list" (developer guide,
Amazon SWF Quotas).

AWS does not say which poller a task goes to.  Here each task list has one line for each kind
of task.  Only the poller at its head may take, and it is the only one to be woken, so a task
goes to one poller, and to the one that has waited longest.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Task = TypeVar("Task")

#: Which line: the kind of task, the domain, the task list.
Key = tuple[str, str, str]

#: Longest time a waiting poller sleeps before it looks at its connection, in seconds.
LOOK_SECONDS = 1.0


class LineFullError(Exception):
    """As many pollers wait in a line as may."""


@dataclass(frozen=True, eq=False)
class Poller:
    """One poll that is held.

    Attributes:
        identity: what it calls itself; None where it does not say.
        since: when it came, in seconds of ``time.monotonic()``.
    """

    identity: str | None
    since: float
    turn: threading.Condition


class WaitingLines:
    """The lines of one local SWF, guarded by its one lock.

    Args:
        lock: that lock.
        most: how many may stand in one line.
    """

    def __init__(self, lock: threading.RLock, *, most: int = 1000) -> None:
        self._lock = lock
        self._most = most
        self._lines: dict[Key, deque[Poller]] = {}
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
        """Stand in line until there is a task, the time is up, or all are released.

        Args:
            key: which line.
            take: gives this poller a task, or None; called with the lock held.
            seconds: how long to wait; 0 looks once.
            gone: whether the poller hung up. Asked every LOOK_SECONDS, and right before
                a task is handed out, since SWF has no acknowledgement: what a poller
                that has gone takes is stuck until a timeout.
            identity: the poller's, to show who waits.

        Returns:
            The task, or None where the wait ended without one.

        Raises:
            LineFullError: too many wait already.
        """
        with self._lock:
            line = self._lines.setdefault(key, deque())
            if len(line) >= self._most:
                raise LineFullError(f"{len(line)} pollers wait on the task list {key[2]!r}")
            poller = Poller(identity, time.monotonic(), threading.Condition(self._lock))
            line.append(poller)
            before = self._releases
            try:
                while not self._released and self._releases == before:
                    # Whoever has gone makes room, wherever in the line: it is full at some point.
                    if gone():
                        return None
                    if line[0] is poller:
                        task = take()
                        if task is not None:
                            return task
                    left = poller.since + seconds - time.monotonic()
                    if left <= 0:
                        return None
                    poller.turn.wait(min(left, LOOK_SECONDS))
                return None
            finally:
                line.remove(poller)
                if line:
                    # The next one: there may be a second task.
                    line[0].turn.notify()
                else:
                    del self._lines[key]

    def wake(self, key: Key) -> None:
        """Something was put where this line takes from."""
        with self._lock:
            if key in self._lines:
                self._lines[key][0].turn.notify()

    def pollers(self) -> Iterator[tuple[Key, Poller]]:
        """Who waits where, the one at the head of a line first; call it with the lock held."""
        for key, line in self._lines.items():
            for poller in line:
                yield key, poller

    def release_once(self) -> None:
        """Answer every poll that waits with nothing; later ones wait as ever."""
        with self._lock:
            self._releases += 1
            for line in self._lines.values():
                for poller in line:
                    poller.turn.notify()

    def release(self) -> None:
        """Answer every poll that waits, and every later one at once, with nothing."""
        with self._lock:
            self._released = True
            self.release_once()

    def reopen(self) -> None:
        """Hold polls again, after a release."""
        with self._lock:
            self._released = False
