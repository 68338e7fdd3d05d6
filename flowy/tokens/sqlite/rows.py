"""How a suspended task is written into a row of the file, and read from it."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from ...context import ActivityInfo
from ...invocation.outcome import TaskOutcome
from ...transport import encode_result
from ..suspended_task import SuspendedTask

#: In the column ``state`` while a task is open.
OPEN = "open"

#: In the column ``state`` where it differs from the outcome's value: files of an earlier Flowy have
#: these texts, and an earlier Flowy can read the files of this one.
_STATES: Mapping[TaskOutcome, str] = {
    TaskOutcome.CLOSED: "closed",
    TaskOutcome.EXECUTION_CLOSED: "workflow closed",
}

_OUTCOMES = {state: outcome for outcome, state in _STATES.items()}


def state_of(outcome: TaskOutcome | None) -> str:
    """Return what the column ``state`` has for this outcome; None is that of an open task."""
    return OPEN if outcome is None else _STATES.get(outcome, outcome.value)


def row_of(task: SuspendedTask) -> dict[str, Any]:
    """Return the columns of *task* with their values, all but ``beat_at``.

    Raises:
        SerializationError: its note has no JSON form.
    """
    return {
        "id": task.id,
        "token": task.token,
        "domain": task.info.domain,
        "workflow_id": task.info.workflow_id,
        "run_id": task.info.run_id,
        "activity_id": task.info.activity_id,
        "info": json.dumps(dataclasses.asdict(task.info)),
        "note": encode_result(task.note),
        "suspended_at": task.suspended_at,
        "deadline": task.deadline,
        "state": state_of(task.outcome),
        "reason": task.reason,
        "closed_at": task.closed_at,
        "learned": task.learned,
        "cancel_requested": task.cancel_requested,
    }


def task_of(row: sqlite3.Row) -> SuspendedTask:
    """Return the task of a row."""
    state = row["state"]
    return SuspendedTask(
        token=row["token"],
        info=ActivityInfo(**json.loads(row["info"])),
        note=json.loads(row["note"]),
        suspended_at=row["suspended_at"],
        deadline=row["deadline"],
        id=row["id"],
        outcome=None if state == OPEN else _OUTCOMES.get(state) or TaskOutcome(state),
        reason=row["reason"],
        closed_at=row["closed_at"],
        learned=bool(row["learned"]),
        cancel_requested=bool(row["cancel_requested"]),
    )
