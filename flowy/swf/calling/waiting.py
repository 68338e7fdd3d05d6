"""What a call waits for, and why its activity timed out, read from the history.

To the caller, a task that no worker takes looks like one that takes long, until a timeout fires, by
default after two minutes. Only the history shows that the task was never started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ..history import Event, attributes

#: For each type of timeout: the attribute of the scheduled task with its seconds, and a text.
_TIMEOUTS: Mapping[str, tuple[str, str]] = {
    "SCHEDULE_TO_START": (
        "scheduleToStartTimeout",
        "no worker took it from task list {list!r} within {seconds}. Does a worker "
        "poll this list, and does it have a free slot?",
    ),
    "SCHEDULE_TO_CLOSE": (
        "scheduleToCloseTimeout",
        "it had not ended within {seconds} of its scheduling, waiting included; {state}",
    ),
    "START_TO_CLOSE": (
        "startToCloseTimeout",
        "it had not ended within {seconds} of its start; {state}",
    ),
    "HEARTBEAT": ("heartbeatTimeout", "no heartbeat came for {seconds}; {state}"),
}


def not_taken(events: Sequence[Event]) -> str:
    """Return a text if no worker has taken the activity, with the time it waits; else empty."""
    scheduled = _scheduled(events)
    if scheduled is None or _started(events) is not None:
        return ""
    since = scheduled.get("eventTimestamp")
    when = f" since {since.astimezone():%H:%M:%S}" if isinstance(since, datetime) else ""
    return f"no worker has taken it from task list {_list(scheduled)!r}{when}"


def why_timed_out(events: Sequence[Event], kind: str) -> str:
    """Return why a timeout of this type fired, as a sentence; empty for an unknown type."""
    scheduled = _scheduled(events)
    if scheduled is None or kind not in _TIMEOUTS:
        return ""
    name, text = _TIMEOUTS[kind]
    limit = attributes(scheduled).get(name)
    started = _started(events)
    state = "no worker had taken it"
    if started is not None:
        state = f"{attributes(started).get('identity') or 'a worker'} had taken it"
    seconds = f"{limit} s" if str(limit).isdigit() else "its time"
    said = text.format(list=_list(scheduled), seconds=seconds, state=state)
    return f"{said[0].upper()}{said[1:]}".rstrip(".?") + ("?" if said.endswith("?") else ".")


def _scheduled(events: Sequence[Event]) -> Event | None:
    return _first(events, "ActivityTaskScheduled")


def _started(events: Sequence[Event]) -> Event | None:
    return _first(events, "ActivityTaskStarted")


def _first(events: Sequence[Event], kind: str) -> Event | None:
    return next((event for event in events if event["eventType"] == kind), None)


def _list(scheduled: Event) -> Any:
    return attributes(scheduled).get("taskList", {}).get("name", "")
