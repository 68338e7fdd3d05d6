"""The names of the activities of each execution, for the page of a local SWF.

Only the history of an execution shows which activities it runs. The page asks once a second, so
each event is looked at only once.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

#: By execution: the names found, in the order of their first task, and how many events were seen.
_KNOWN: WeakKeyDictionary[Any, tuple[dict[str, None], int]] = WeakKeyDictionary()


def activity_names(execution: Any) -> list[str]:
    """Return the names of the activity types that an execution has scheduled, each once.

    Args:
        execution: a ``LocalExecution``; the caller has its backend's lock.
    """
    names, seen = _KNOWN.get(execution, ({}, 0))
    events = execution.local_events
    if seen < len(events):
        for event in events[seen:]:
            if event.event_type == "ActivityTaskScheduled":
                names[event.event_attributes["activityType"]["name"]] = None
        _KNOWN[execution] = (names, len(events))
    return list(names)
