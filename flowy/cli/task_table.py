"""What ``flowy tokens list`` shows of suspended tasks: everything except their tokens."""

from __future__ import annotations

import time
from typing import Any

from ..tokens import SuspendedTask
from .moments import span
from .terminal import json_text

#: The columns of the table.
HEADINGS = ("WORKFLOW", "ACTIVITY", "TYPE", "SUSPENDED", "STATE", "NOTE")

#: The keys of a task in ``--json``; programs rely on them.
KEYS = (
    "id",
    "domain",
    "workflow_id",
    "run_id",
    "activity_id",
    "name",
    "version",
    "note",
    "suspended_at",
    "deadline",
    "state",
    "reason",
    "closed_at",
    "cancel_requested",
)


def shown(task: SuspendedTask) -> dict[str, Any]:
    """Return the fields of a task for ``--json``: everything except its token."""
    return {
        "id": task.id,
        "domain": task.info.domain,
        "workflow_id": task.workflow_id,
        "run_id": task.run_id,
        "activity_id": task.activity_id,
        "name": task.info.name,
        "version": task.info.version,
        "note": task.note,
        "suspended_at": task.suspended_at,
        "deadline": task.deadline,
        "state": "open" if task.outcome is None else task.outcome.value,
        "reason": task.reason,
        "closed_at": task.closed_at,
        "cancel_requested": task.cancel_requested,
    }


def row(task: SuspendedTask) -> tuple[str, ...]:
    """Return the cells of a task, one for each heading."""
    now = time.time()
    if task.outcome is not None:
        state = task.outcome.value + (f": {task.reason}" if task.reason else "")
    elif task.cancel_requested:
        state = "cancel requested"
    else:
        left = task.remaining(now)
        state = "no deadline" if left is None else f"{span(left)} left"
    return (
        task.workflow_id,
        task.activity_id,
        str(task.info.name),
        f"{span(max(0.0, now - task.suspended_at))} ago",
        state,
        "" if task.note is None else json_text(task.note),
    )
