"""The keys of log records. They are flat, because most log stores can search only flat keys.

``docs/indepth/log_keys.rst`` has the same tables; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..context import ActivityInfo

#: The keys of each record within an activity, with the attributes of ``ActivityInfo`` they contain.
ACTIVITY_KEYS: Mapping[str, str] = {
    "flowy_activity": "name",
    "flowy_version": "version",
    "flowy_activity_id": "activity_id",
    "flowy_workflow_id": "workflow_id",
    "flowy_run_id": "run_id",
    "flowy_domain": "domain",
    "flowy_task_list": "task_list",
    "flowy_started_event_id": "started_event_id",
}

#: The keys of Flowy's own records.
OWN_KEYS = ("flowy_event", "flowy_outcome", "flowy_seconds", "flowy_fault")

#: The values of ``flowy_event`` in Flowy's own records.
LogEvent = Literal[
    "worker_started",
    "worker_stopped",
    "stop_requested",
    "stop_waiting",
    "task_started",
    "task_ended",
    "task_closed",
    "task_lost",
    "task_broke",
    "status_changed",
    "unknown_type",
    "heartbeat_failed",
    "value_waits",
    "history_missing",
    "answer_failed",
    "poll_failed",
    "poll_recovered",
    "process_started",
    "process_ended",
    "worker_not_live",
    "worker_live",
    "loop_blocked",
    "loop_unblocked",
]


def log_keys(
    event: LogEvent,
    info: ActivityInfo | None = None,
    *,
    outcome: str | None = None,
    seconds: float | None = None,
    fault: str | None = None,
) -> dict[str, object]:
    """Return the ``extra`` of one of Flowy's own records.

    Args:
        event: the kind of record.
        info: the task of the record, if it has one.
        outcome: how the task ended, in lower case.
        seconds: how long the event took.
        fault: the error: SWF's code, the name of an exception, or a constant of
            ``flowy.reasons``.
    """
    keys: dict[str, object] = {"flowy_event": event}
    if info is not None:
        keys.update({key: getattr(info, name) for key, name in ACTIVITY_KEYS.items()})
    if outcome is not None:
        keys["flowy_outcome"] = outcome
    if seconds is not None:
        keys["flowy_seconds"] = round(seconds, 3)
    if fault is not None:
        keys["flowy_fault"] = fault
    return keys
