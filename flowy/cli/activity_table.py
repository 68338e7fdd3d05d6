"""What ``flowy executions show`` shows of activities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..swf.history import ActivityRecord
from ..texts import printable
from .execution_text import value_lines as _value_lines
from .moments import span_between, table_time

#: The columns of the table.
HEADINGS = ("ACTIVITY", "TYPE", "STATE", "REASON", "SCHEDULED", "WAITED", "RAN", "WORKER")

#: The fields that hold what activities take and return.
VALUES = frozenset({"input", "result", "details", "heartbeat"})

#: The keys of an activity in ``--json``; programs rely on them.
KEYS = (
    "activity_id",
    "name",
    "version",
    "task_list",
    "state",
    "reason",
    "cancel_requested",
    "scheduled_at",
    "started_at",
    "closed_at",
    "worker",
    "input",
    "result",
    "details",
    "heartbeat",
)


def shown(activity: ActivityRecord) -> dict[str, Any]:
    """Return the fields of an activity for ``--json``; times are seconds since the epoch."""
    return {
        "activity_id": activity.activity_id,
        "name": activity.type.name,
        "version": activity.type.version,
        "task_list": activity.task_list or None,
        "state": "open" if activity.outcome is None else activity.outcome.value,
        "reason": activity.reason or None,
        "cancel_requested": activity.cancel_requested,
        "scheduled_at": activity.scheduled_at,
        "started_at": activity.started_at,
        "closed_at": activity.closed_at,
        "worker": activity.identity or None,
        "input": activity.input,
        "result": activity.result,
        "details": activity.details,
        "heartbeat": activity.heartbeat,
    }


def row(activity: ActivityRecord) -> tuple[str, ...]:
    """Return the cells of an activity, one for each heading."""
    return (
        activity.activity_id,
        str(activity.type),
        _state(activity),
        activity.reason,
        table_time(activity.scheduled_at),
        span_between(activity.scheduled_at, activity.started_at or activity.closed_at),
        span_between(activity.started_at, activity.closed_at),
        activity.identity,
    )


def value_lines(activity: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values of an activity as lines, below a line that names it; none without any."""
    values = [(key, activity[key]) for key in KEYS if key in VALUES and activity[key] is not None]
    if values:
        yield ""
        type_ = f"{activity['name']} {activity['version']}"
        yield printable(f"Activity {activity['activity_id']}, {type_}")
    for key, value in values:
        yield from _value_lines(key, value)


def _state(activity: ActivityRecord) -> str:
    if activity.outcome is not None:
        return activity.outcome.value
    state = "running" if activity.started_at else f"waiting on {activity.task_list}"
    return f"{state}, cancel requested" if activity.cancel_requested else state
