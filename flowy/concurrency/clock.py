"""The clock by which everything in a worker waits and times out; tests turn one of their own.

Time is the monotonic clock: the wall clock may jump.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Lock(Protocol):
    """What can be waited for by acquiring it."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire it within *timeout* seconds, -1 for no limit."""


class Clock:
    """Tells the time and waits, by the system's monotonic clock.

    Read past the ``time`` module's own function, which tests that freeze time replace: a frozen
    worker would never time out.
    """

    def now(self) -> float:
        """Return the time in seconds, from an arbitrary start."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def wait(self, condition: threading.Condition, seconds: float | None) -> bool:
        """Wait on a *condition* that is held; False when *seconds* passed, None for no limit."""
        return condition.wait(seconds)

    def acquire(self, lock: Lock, seconds: float | None) -> bool:
        """Acquire *lock*; False when *seconds* passed, None for no limit."""
        limit = -1 if seconds is None else max(0.0, min(seconds, threading.TIMEOUT_MAX))
        return lock.acquire(timeout=limit)


#: The clock of everything that is not given another.
SYSTEM_CLOCK = Clock()
