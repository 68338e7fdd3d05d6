"""What the pages call things: how a request ended, and lengths of time."""

from __future__ import annotations

import time

from flowy.invocation.outcome import TaskOutcome

#: What became of a request that is closed.
VERDICTS = {
    TaskOutcome.COMPLETED: "approved",
    TaskOutcome.FAILED: "rejected",
    TaskOutcome.CANCELED: "withdrawn",
    TaskOutcome.TIMED_OUT: "expired",
    TaskOutcome.EXECUTION_CLOSED: "cut off",
    TaskOutcome.CLOSED: "closed",
}


def verdict(outcome: TaskOutcome) -> str:
    """Say in one word or two how a request ended."""
    return VERDICTS.get(outcome, outcome.value)


def span(seconds: float) -> str:
    """Say a length of time in its two largest units, as ``static/app.js`` does."""
    left = int(seconds)
    days, hours, minutes = left // 86_400, left // 3_600 % 24, left // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {left % 60} s" if minutes else f"{left} s"


def ago(at: float) -> str:
    """Say how long ago a time was; *at* is in seconds since the epoch."""
    return f"{span(max(0.0, time.time() - at))} ago"


def utc(at: float) -> str:
    """Write a time as HTML's ``datetime`` attribute has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
