"""What ``flowy tokens list`` shows of suspended tasks: everything except their tokens."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from ..tokens import SuspendedTask
from .terminal import json_text, printable

#: Longer notes are cut in the table, in characters.
_NOTE_CHARS = 48


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


def _row(task: SuspendedTask) -> tuple[str, ...]:
    now = time.time()
    if task.outcome is not None:
        state = task.outcome.value + (f": {task.reason}" if task.reason else "")
    elif task.cancel_requested:
        state = "cancel requested"
    else:
        left = task.remaining(now)
        state = "no deadline" if left is None else f"{_span(left)} left"
    note = "" if task.note is None else json_text(task.note)
    return (
        task.workflow_id,
        task.activity_id,
        str(task.info.name),
        f"{_span(max(0.0, now - task.suspended_at))} ago",
        state,
        note if len(note) <= _NOTE_CHARS else f"{note[: _NOTE_CHARS - 3]}...",
    )


def table(tasks: Iterable[SuspendedTask]) -> Iterator[str]:
    """Yield the lines of a table, its headings first."""
    head = ("WORKFLOW", "ACTIVITY", "TYPE", "SUSPENDED", "STATE", "NOTE")
    rows = [head, *(tuple(map(printable, _row(task))) for task in tasks)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def _span(seconds: float) -> str:
    """Return a duration in its largest unit."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
