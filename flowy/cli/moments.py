"""Moments and spans of time: how people give them, and how tables show them."""

from __future__ import annotations

import argparse
import time
from datetime import datetime, timedelta

from .durations import any_time

#: Moments that are further away are shown without their time.
_RECENT = timedelta(days=180)


def moment(text: str) -> float:
    """Return a moment in seconds since the epoch: a date, a date with a time, or how long ago.

    A time without an offset from UTC is this machine's own.
    """
    try:
        return time.time() - any_time(text)
    except argparse.ArgumentTypeError:
        pass
    try:
        # Python 3.10 does not read the Z of UTC.
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(
            f"Cannot use {text!r}: give a date, such as 2026-01-31 or 2026-01-31T10:30, or how "
            "long ago, such as 5m, 2h or 7d"
        ) from None


def add_moment(parser: argparse.ArgumentParser, flag: str, help: str) -> None:
    """Add an option that takes a moment."""
    parser.add_argument(
        flag,
        type=moment,
        metavar="WHEN",
        help=f"{help}, such as 2026-01-31, 2026-01-31T10:30 or 2h for two hours ago",
    )


def local_time(seconds: float | None) -> str:
    """Return a moment as this machine's clock shows it; empty for None."""
    if seconds is None:
        return ""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def table_time(seconds: float | None) -> str:
    """Return a moment as short as it tells it apart, as ``ls -l`` does; empty for None.

    The time today, day and time in the last half year, and the date before that.
    """
    if seconds is None:
        return ""
    when, now = datetime.fromtimestamp(seconds).astimezone(), datetime.now().astimezone()
    if when.date() == now.date():
        return when.strftime("%H:%M:%S")
    recent = abs(now - when) < _RECENT
    return when.strftime("%b %d %H:%M" if recent else "%Y-%m-%d")


def span(seconds: float) -> str:
    """Return a duration in its largest unit, for people."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def span_between(start: float | None, end: float | None) -> str:
    """Return the duration between two moments, until now if there is no end; empty if no start."""
    if start is None:
        return ""
    return span(max(0.0, (time.time() if end is None else end) - start))
