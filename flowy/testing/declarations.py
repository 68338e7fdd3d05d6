"""What a test's task declares: the values of the decorator, and those of the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ..context import ActivityInfo
from ..swf.scanner import declared
from ..swf.values import ActivityImplementation
from ..task import Activity

#: What ``Activity.info`` is unless the decorator or the test says otherwise.
PLAIN_INFO = ActivityInfo(
    name="activity",
    version="1",
    activity_id="1",
    workflow_id="test-workflow",
    run_id="test-run",
    domain="test",
    task_list="test",
    started_event_id=6,
    identity="ActivityEnvironment",
    heartbeat=None,
    schedule_to_close=420,
    schedule_to_start=120,
    start_to_close=300,
)


def reads_history(activity: type[Activity], declaration: ActivityImplementation | None) -> bool:
    """Return whether the activity knows its history before its run."""
    asked = activity._reads_history if declaration is None else declaration.history
    return asked != "no"


def info_of(
    activity: type[Activity], given: Mapping[str, Any]
) -> tuple[ActivityInfo, ActivityImplementation | None]:
    """Return the activity's ``info``, and the declaration of the type that it names.

    Args:
        activity: the class.
        given: fields of the info that the test wants; they choose among several declarations.
    """
    declarations = declared(activity)
    matching = (
        one
        for one in declarations
        if given.get("name", one.type.name) == one.type.name
        and given.get("version", one.type.version) == one.type.version
    )
    declaration = next(matching, declarations[0] if declarations else None)
    info = replace(PLAIN_INFO, name=activity.__name__)
    if declaration is not None:
        name, version = declaration.type
        defaults = asdict(declaration.defaults)
        del defaults["task_priority"]  # ActivityInfo does not have it
        info = replace(info, name=name, version=version, **defaults)
    return replace(info, **given), declaration
