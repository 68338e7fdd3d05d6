"""The clock by which everything in a worker waits and times out; tests pass in their own.

It is the monotonic clock, because the wall clock may jump.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Lock(Protocol):
    """A lock, or anything else that is acquired with a timeout."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Acquire it within *timeout* seconds, -1 for no limit."""


class Clock:
    """Tells the time and waits, by the system's monotonic clock.

    It does not use ``time.monotonic``, which tests that freeze time replace: a frozen worker would
    never time out.
    """

    def now(self) -> float:
        """Return the time in seconds, from an arbitrary start."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

    def wait(self, condition: threading.Condition, seconds: float | None) -> bool:
        """Wait on *condition*, acquired by the caller; False after *seconds*, None for no limit."""
        return condition.wait(seconds)

    def acquire(self, lock: Lock, seconds: float | None) -> bool:
        """Acquire *lock*; False after *seconds*, None for no limit."""
        limit = -1 if seconds is None else max(0.0, min(seconds, threading.TIMEOUT_MAX))
        return lock.acquire(timeout=limit)


#: The default wherever a clock can be passed in.
SYSTEM_CLOCK = Clock()
