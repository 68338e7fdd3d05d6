"""``flowy worker --check``: what would be served, and whether SWF holds it as the code declares it.

Types never change at SWF, so a difference stops a worker when it starts. A check before the
deployment finds it earlier; it registers nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from ..exception import SWFError, UnknownResourceError
from ..swf.client import connect
from ..swf.registration import compare
from ..swf.values import ActivityImplementation, ActivityType
from .exit_codes import ExitCode
from .terminal import printable
from .wording import in_options

_HEADINGS = ("NAME", "VERSION", "TASK LIST", "AT SWF", "DECLARED AT")


def check(
    activities: Mapping[ActivityType, ActivityImplementation], domain: str | None
) -> ExitCode:
    """Print what would be served, compared with *domain* if SWF is reachable.

    Args:
        activities: what the scan found.
        domain: None to compare nothing.

    Returns:
        ``REFUSED`` if a worker would not start; ``FINE`` also if nothing could be compared.
    """
    compared: Mapping[ActivityType, Sequence[str] | None] | None = None
    trouble = "give --domain" if domain is None else ""
    code = ExitCode.FINE
    if domain is not None:
        try:
            compared = compare(connect(polls=False), domain, activities.values())
        except UnknownResourceError:
            trouble, code = f"there is no domain {domain!r} in this region", ExitCode.REFUSED
        except SWFError as error:
            trouble = str(error).rstrip(".")
    rows = [_HEADINGS, *(_row(each, compared) for each in activities.values())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())
    if trouble:
        print(f"flowy: Not compared with SWF: {printable(trouble)}.", file=sys.stderr)
    for type_, differences in (compared or {}).items():
        for difference in differences or ():
            code = ExitCode.REFUSED
            text = f"{type_} at {activities[type_].place}: {in_options(difference)}"
            print(f"flowy: {text}.", file=sys.stderr)
    return code


def _row(
    activity: ActivityImplementation,
    compared: Mapping[ActivityType, Sequence[str] | None] | None,
) -> tuple[str, ...]:
    if compared is None:
        state = "not compared"
    elif (differences := compared[activity.type]) is None:
        state = "new"
    else:
        state = "differs" if differences else "the same"
    name, version = activity.type
    cells = (name, version, activity.defaults.task_list, state, activity.place)
    return tuple(map(printable, cells))
