"""The machine's own time, whatever a test in this process does to the ``time`` module.

freezegun replaces the functions of ``time`` in every module, and they return the real or the frozen
time depending on the caller's stack. A poll would stay open forever, and a timeout would be due for
one caller and not for another. ``time.clock_gettime`` is not replaced.
"""

from __future__ import annotations

import time


def wall_us() -> int:
    """Return the time of the wall clock, in whole microseconds since the epoch."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME) // 1000


def monotonic_seconds() -> float:
    """Return the time of a clock that only goes forward, in seconds from an arbitrary start."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
