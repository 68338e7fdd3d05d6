"""What a worker may be told: its arguments, checked before anything is started."""

from __future__ import annotations

import math
from typing import Any


def check_worker_options(
    *, concurrency: Any, pollers: Any, grace: Any, on_stop: Any, on_unknown: Any
) -> None:
    """Check what ``ActivityWorker`` is told of its slots and of its stop.

    Raises:
        ValueError: one of them cannot be used; the text says what can.
    """
    check_count("concurrency", concurrency)
    if pollers is not None:
        check_count("pollers", pollers)
    if grace is not None and not (isinstance(grace, int | float) and 0 <= grace < math.inf):
        raise ValueError(f"Cannot use grace={grace!r}: give seconds, 0 or more, or None.")
    for name, choice in (("on_stop", on_stop), ("on_unknown", on_unknown)):
        if choice not in ("abandon", "fail"):
            raise ValueError(f"Cannot use {name}={choice!r}: give 'fail' or 'abandon'.")


def check_count(name: str, number: Any) -> None:
    """Check how many of something there are to be.

    Raises:
        ValueError: it is no whole number, or less than 1.
    """
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"Cannot use {name}={number!r}: give a whole number, 1 or more.")


def check_processes(processes: Any, polls: int) -> None:
    """Check how many processes there are to be, and that they can count the polls.

    Raises:
        ValueError: it is no count, or each would count its own polls.
    """
    check_count("processes", processes)
    if processes > 1 and polls > 0:
        raise ValueError(f"Cannot use loop={polls} with {processes} processes: give processes=1.")


def polls_to_answer(loop: Any) -> int:
    """Return how many polls a worker ends after; -1 for no end.

    Args:
        loop: whatever ``int()`` takes.

    Raises:
        ValueError: it is no number, or less than -1.
    """
    try:
        polls = int(loop)
    except (TypeError, ValueError, OverflowError):
        polls = -2
    if polls < -1:
        raise ValueError(
            f"Cannot use loop={loop!r}: give -1 for no end, 0 to register only, or how many polls."
        )
    return polls
