"""``flowy worker --check``: what would be served, and whether SWF holds it as the code declares it.

Types never change at SWF, so a difference stops a worker when it starts. A check before the
deployment finds it earlier; it registers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..exception import SWFError, UnknownResourceError
from ..nouns import counted
from ..swf.client import connect
from ..swf.registration import compare
from ..swf.values import ActivityImplementation, ActivityType
from .exit_codes import ExitCode
from .tables import print_json, print_table
from .terminal import say
from .waiting import waiting
from .wording import in_options

_HEADINGS = ("NAME", "VERSION", "TASK LIST", "AT SWF", "DECLARED AT")

#: The keys of an activity in ``--json``; programs rely on them.
KEYS = ("name", "version", "task_list", "at_swf", "declared_at", "differences")

Compared = Mapping[ActivityType, Sequence[str] | None]


def check(
    activities: Mapping[ActivityType, ActivityImplementation],
    domain: str | None,
    *,
    as_json: bool = False,
) -> ExitCode:
    """Print what would be served, compared with *domain* if SWF is reachable.

    Args:
        activities: what the scan found.
        domain: None to compare nothing.
        as_json: whether to print a JSON list instead of a table.

    Returns:
        ``REFUSED`` if a worker would not start; ``FINE`` also if nothing could be compared.
    """
    compared: Compared | None = None
    trouble = "give --domain" if domain is None else ""
    code = ExitCode.FINE
    if domain is not None:
        try:
            client = connect(polls=False)
            try:
                with waiting(f"Comparing {counted(len(activities), 'activity type')}"):
                    compared = compare(client, domain, activities.values())
            except UnknownResourceError:
                trouble = f"the domain {domain!r} does not exist in this region.{client.place}"
                trouble, code = trouble.rstrip("."), ExitCode.REFUSED
        except SWFError as error:
            trouble = str(error).rstrip(".")
    shown = [_shown(each, compared) for each in activities.values()]
    if as_json:
        print_json(shown)
    else:
        print_table(_HEADINGS, ([str(each[key]) for key in KEYS[:-1]] for each in shown))
    if trouble:
        say(f"Not compared with SWF: {trouble}.")
    return _told_differences(activities, compared or {}) or code


def _told_differences(
    activities: Mapping[ActivityType, ActivityImplementation], compared: Compared
) -> ExitCode:
    """Print the differences, and return ``REFUSED`` if there are any."""
    code = ExitCode.FINE
    for type_, differences in compared.items():
        for difference in differences or ():
            code = ExitCode.REFUSED
            say(f"{type_} at {activities[type_].place}: {in_options(difference)}.")
    return code


def _shown(activity: ActivityImplementation, compared: Compared | None) -> dict[str, Any]:
    """Return the fields of an activity for ``--json``; all but the last are the table's cells."""
    differences: Sequence[str] | None = None
    if compared is None:
        state = "not compared"
    elif (differences := compared[activity.type]) is None:
        state = "new"
    else:
        state = "differs" if differences else "the same"
    name, version = activity.type
    return {
        "name": name,
        "version": version,
        "task_list": activity.defaults.task_list,
        "at_swf": state,
        "declared_at": activity.place,
        "differences": list(map(in_options, differences or ())),
    }
