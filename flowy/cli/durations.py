"""Durations on the command line: a number, or numbers with units, such as ``1h30m``.

SWF's timeouts are seconds, and people think of them in minutes, hours and days. Every option that
takes a duration is added by ``add_duration``, so all of them read the same texts and say so.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from typing import Any

from ..swf.limits import MAX_TIMEOUT_CHARS

#: The units and their lengths in seconds, the longest first.
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}

#: The longest duration in days, a thousand years: a larger number is a mistake.
MAX_DAYS = 365_000

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_ALONE = re.compile(_NUMBER)
_WITH_UNITS = re.compile("".join(f"(?:({_NUMBER}){unit})?" for unit in UNITS))

Read = Callable[[str], float]


def _duration(
    rule: str, least: float, most: float, *, alone: str = "s", whole: bool = True
) -> Read:
    """Return a function that reads a duration as seconds.

    Args:
        rule: what can be given, for the text of the error.
        least: the shortest duration, in seconds.
        most: the longest duration, in seconds.
        alone: the unit of a number without one.
        whole: whether fractions are refused; the function then returns an int.
    """

    def read(text: str) -> float:
        """Return the seconds."""
        found = _WITH_UNITS.fullmatch(f"{text}{alone}" if _ALONE.fullmatch(text) else text)
        if found and text and not (whole and "." in text):
            numbers = zip(found.groups("0"), UNITS.values(), strict=True)
            seconds = sum(float(number) * length for number, length in numbers)
            if least <= seconds <= most:
                return int(seconds) if whole else seconds
        raise argparse.ArgumentTypeError(f"Cannot use {text!r}: give {rule}")

    return read


#: A timeout as SWF takes it, an int.
timeout = _duration(
    f"whole seconds from 1 to {10**MAX_TIMEOUT_CHARS - 1}, such as 90, or units, such as 5m, 2h or "
    "1h30m",
    1,
    10**MAX_TIMEOUT_CHARS - 1,
)

#: Any time, a float.
any_time = _duration(
    "seconds, 0 or more, such as 90, or units, such as 5m, 2h or 1h30m",
    0,
    math.nextafter(math.inf, 0),
    whole=False,
)

#: A long time: a number alone is days. An int, in seconds.
days = _duration(
    f"whole days, 0 to {MAX_DAYS:,}, such as 90, or units, such as 36h or 90d",
    0,
    MAX_DAYS * UNITS["d"],
    alone="d",
)


def add_duration(
    parser: argparse.ArgumentParser,
    flag: str,
    read: Read,
    help: str,
    *,
    default: Any = None,
) -> None:
    """Add an option that takes a duration.

    Args:
        parser: the parser of the verb.
        flag: the option.
        read: which durations can be given: ``timeout``, ``any_time`` or ``days``.
        help: what the duration is for. How to write one, and the default, are added.
        default: seconds, a float or an int; None if *help* says what happens without the option.
    """
    units = "days, or units as in 36h" if read is days else "seconds, or units as in 1h30m"
    told = f"{help}; give {units}"
    if default is not None:
        told += f" (default: {in_units(default)})"
    parser.add_argument(flag, type=read, default=default, metavar="DURATION", help=told)


def in_units(seconds: float) -> str:
    """Return whole seconds as the command line takes them, such as ``1h30m``."""
    parts, left = "", round(seconds)
    for unit, length in UNITS.items():
        number, left = divmod(left, length)
        parts += f"{number}{unit}" if number else ""
    return parts or "0s"
