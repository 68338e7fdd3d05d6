"""The machine's own time, whatever a test in this process does to the ``time`` module.

freezegun replaces the functions of ``time`` in every module, and lets them tell the real time to
some callers and the frozen time to others, as their stacks happen to be. A poll would be held for
ever, and a timeout be due here and not due there. ``time.clock_gettime`` stays as it is.
"""

from __future__ import annotations

import time


def wall_us() -> int:
    """The wall clock, in whole microseconds since the epoch."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000


def monotonic_seconds() -> float:
    """A clock that only goes forward, in seconds from an arbitrary start."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
