"""Writes a suspended task into a row of the file, and reads it again.

A row may be unreadable, because a newer Flowy wrote it or the disk damaged it. Then the error says
why, without the row's values, and the store goes on with the other rows.
"""

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

#: The value of the column ``format``, for how the other columns are written; each change adds 1.
ROW_FORMAT = 1

#: The types of the columns; each may also be None.
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "id": str,
    "token": str,
    "info": str,
    "note": str,
    "state": str,
    "reason": str,
    "suspended_at": (int, float),
    "deadline": (int, float),
    "closed_at": (int, float),
    "learned": int,
    "cancel_requested": int,
}

#: Columns that repeat a field of ``info``, for searches.
_REPEATED = ("domain", "workflow_id", "run_id", "activity_id")

#: Fields of ``info`` that are seconds, or None for no limit.
_TIMEOUTS = ("heartbeat", "schedule_to_close", "schedule_to_start", "start_to_close")

#: Fields of ``info`` that are not kept, because only the history of the run tells them.
_FROM_HISTORY = frozenset({"scheduled_at", "started_at", "control"})

#: The value of the column ``state`` while a task is open.
OPEN = "open"

#: The values of the column ``state`` that differ from the outcome's value: earlier versions of
#: Flowy write and expect them.
_STATES: Mapping[TaskOutcome, str] = {
    TaskOutcome.CLOSED: "closed",
    TaskOutcome.EXECUTION_CLOSED: "workflow closed",
}

_OUTCOMES = {state: outcome for outcome, state in _STATES.items()}


def state_of(outcome: TaskOutcome | None) -> str:
    """Return the value of the column ``state`` for an outcome; None for an open task."""
    return OPEN if outcome is None else _STATES.get(outcome, outcome.value)


def row_of(task: SuspendedTask) -> dict[str, Any]:
    """Return the columns of *task* with their values, all but ``beat_at``.

    Raises:
        SerializationError: its note is not JSON-serializable.
    """
    return {
        "id": task.id,
        "token": task.token,
        "domain": task.info.domain,
        "workflow_id": task.info.workflow_id,
        "run_id": task.info.run_id,
        "activity_id": task.info.activity_id,
        "info": json.dumps(_kept(task.info)),
        "note": encode_result(task.note),
        "suspended_at": task.suspended_at,
        "deadline": task.deadline,
        "state": state_of(task.outcome),
        "reason": task.reason,
        "closed_at": task.closed_at,
        "learned": task.learned,
        "cancel_requested": task.cancel_requested,
        "format": ROW_FORMAT,
    }


def task_of(row: sqlite3.Row) -> SuspendedTask:
    """Return the task of a row.

    Raises:
        ValueError: the row cannot be read; the text says why, without the row's values.
    """
    _check_columns(row)
    state = row["state"]
    return SuspendedTask(
        token=row["token"],
        info=_info_of(row),
        note=_json_of(row, "note"),
        suspended_at=row["suspended_at"],
        deadline=row["deadline"],
        id=row["id"],
        outcome=None if state == OPEN else _outcome_of(state),
        reason=row["reason"],
        closed_at=row["closed_at"],
        learned=bool(row["learned"]),
        cancel_requested=bool(row["cancel_requested"]),
    )


def _check_columns(row: sqlite3.Row) -> None:
    if row["format"] != ROW_FORMAT:
        raise ValueError(f"its format is {row['format']!r}, and this Flowy reads {ROW_FORMAT}")
    for column, kind in _KINDS.items():
        if row[column] is not None and not isinstance(row[column], kind):
            raise ValueError(f"its column {column} is damaged")
    if row["state"] == OPEN and row["closed_at"] is not None:
        raise ValueError("its columns state and closed_at contradict each other")


def _kept(info: ActivityInfo) -> dict[str, Any]:
    known = dataclasses.asdict(info)
    return {key: value for key, value in known.items() if key not in _FROM_HISTORY}


def _info_of(row: sqlite3.Row) -> ActivityInfo:
    said = _json_of(row, "info")
    names = {each.name for each in dataclasses.fields(ActivityInfo)} - _FROM_HISTORY
    if not isinstance(said, dict):
        raise ValueError("its column info is damaged")
    if said.keys() != names:
        known = "unknown" if said.keys() - names else "missing"
        odd = ", ".join(sorted(map(ascii, said.keys() ^ names)))
        raise ValueError(f"its column info has {known} fields ({odd}): another Flowy wrote it")
    for name, value in said.items():
        if name in _TIMEOUTS:
            fits = value is None or (type(value) is int and value >= 0)
        else:
            fits = isinstance(value, int if name == "started_event_id" else str)
        if not fits or (name in _REPEATED and value != row[name]):
            raise ValueError(f"its field {name} is damaged")
    return ActivityInfo(**said)


def _json_of(row: sqlite3.Row, column: str) -> Any:
    try:
        return json.loads(row[column])
    except (ValueError, RecursionError):
        raise ValueError(f"its column {column} is not JSON") from None


def _outcome_of(state: str) -> TaskOutcome:
    try:
        return _OUTCOMES.get(state) or TaskOutcome(state)
    except ValueError:
        raise ValueError("its column state is unknown") from None
