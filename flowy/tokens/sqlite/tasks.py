"""The store: what is asked of it, in SQL."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...context import ActivityInfo
from ...failure import sendable
from ...transport import encode_result
from ..store import SuspendedTask, TaskState
from .file import StoreFile

#: How long one operation waits for others to finish with the file, in seconds.
BUSY_SECONDS = 10.0

#: A beat that would come after the deadline comes so many seconds after it instead: by then SWF
#: has timed the task out, and says so.
AFTER_DEADLINE_SECONDS = 1.0

_OPEN = TaskState.OPEN.value


class SQLiteTokenStore:
    """A ``flowy.tokens.TokenStore`` in one file; safe across processes, threads and forks.

    Args:
        path: the file, on a local disk; it is made, readable by its owner alone, where it is not
            there.
        busy_timeout: how long an operation waits for others to finish, in seconds, 0 or more.
        clock: the wall clock, in seconds since the epoch.

    Raises:
        TokenStoreError: it cannot be opened, others than its owner may read it, it is no such
            store, or a newer Flowy made it. So do all methods, later.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        busy_timeout: float = BUSY_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = StoreFile(path, busy_timeout)
        self._clock = clock

    def __repr__(self) -> str:
        return f"<SQLiteTokenStore {str(self._file.path)!r}>"

    # For activities and applications

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        """Keep *task* durably: ``TokenStore.keep``."""
        info, note = json.dumps(dataclasses.asdict(task.info)), encode_result(task.note)
        with self._file.changing() as database:
            row = database.execute(
                "SELECT id FROM task WHERE token = ? AND state = ?", (task.token, _OPEN)
            ).fetchone()
            if row is not None:
                task = dataclasses.replace(task, id=row["id"])
                database.execute(
                    "UPDATE task SET note = ?, deadline = ? WHERE id = ?",
                    (note, task.deadline, task.id),
                )
                return task
            values = {
                "id": task.id,
                "token": task.token,
                "domain": task.info.domain,
                "workflow_id": task.info.workflow_id,
                "run_id": task.info.run_id,
                "activity_id": task.info.activity_id,
                "info": info,
                "note": note,
                "suspended_at": task.suspended_at,
                "deadline": task.deadline,
                "state": task.state.value,
                "reason": task.reason,
                "closed_at": task.closed_at,
                "learned": task.learned,
                "cancel_requested": task.cancel_requested,
                "beat_at": self._clock(),
            }
            database.execute(
                f"INSERT INTO task ({', '.join(values)}) "  # noqa: S608 - names of ours
                f"VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            )
        return task

    def get(self, task_id: str) -> SuspendedTask | None:
        """Return the task of this id: ``TokenStore.get``."""
        return next(self._tasks("id = ?", (task_id,)), None)

    def find(
        self,
        workflow_id: str,
        activity_id: str,
        run_id: str | None = None,
        *,
        domain: str | None = None,
    ) -> SuspendedTask | None:
        """Return the task that people know by these ids: ``TokenStore.find``."""
        found = self._tasks(
            "workflow_id = ? AND activity_id = ? AND run_id = coalesce(?, run_id) "
            "AND domain = coalesce(?, domain) "
            "ORDER BY state = 'open' DESC, suspended_at DESC, rowid DESC LIMIT 1",
            (workflow_id, activity_id, run_id, domain),
        )
        return next(found, None)

    def pending(self, domain: str | None = None) -> list[SuspendedTask]:
        """Return the open tasks, oldest first: ``TokenStore.pending``."""
        return list(
            self._tasks(
                "state = ? AND domain = coalesce(?, domain) ORDER BY suspended_at, rowid",
                (_OPEN, domain),
            )
        )

    def closed(self, limit: int = 50, domain: str | None = None) -> list[SuspendedTask]:
        """Return those that were closed, the latest first: ``TokenStore.closed``."""
        return list(
            self._tasks(
                "closed_at IS NOT NULL AND domain = coalesce(?, domain) "
                "ORDER BY closed_at DESC, rowid DESC LIMIT ?",
                (domain, limit),
            )
        )

    def close(
        self,
        task_id: str,
        state: TaskState,
        reason: str | None = None,
        *,
        learned: bool = False,
    ) -> bool:
        """Mark a task as ended: ``TokenStore.close``."""
        with self._file.changing() as database:
            changed = database.execute(
                "UPDATE task SET state = ?, reason = ?, closed_at = ?, learned = ? "
                "WHERE id = ? AND (state = 'open' OR (learned AND NOT ?))",
                (
                    state.value,
                    None if reason is None else sendable(reason),
                    self._clock(),
                    learned,
                    sendable(task_id),
                    learned,
                ),
            )
            return changed.rowcount > 0

    # For the keeper

    def claim_due(
        self, domain: str, lease_seconds: float, *, longest_seconds: float = math.inf
    ) -> SuspendedTask | None:
        """Return an open task whose beat is due: ``TokenStore.claim_due``."""
        due = "state = ? AND domain = ? AND (beat_at <= ? OR beat_at > ?) ORDER BY beat_at LIMIT 1"
        now = self._clock()
        # Looked at first without the right to write: a keeper looks often and mostly finds none.
        if next(self._tasks(due, (_OPEN, domain, now, now + longest_seconds)), None) is None:
            return None
        with self._file.changing() as database:
            now = self._clock()
            row = database.execute(
                f"SELECT * FROM task WHERE {due}",  # noqa: S608 - a text of ours
                (_OPEN, domain, now, now + longest_seconds),
            ).fetchone()
            if row is None:  # another keeper was faster
                return None
            database.execute(
                "UPDATE task SET beat_at = ? WHERE id = ?", (now + lease_seconds, row["id"])
            )
            return _task(row)

    def beat_in(
        self, task_id: str, seconds: float, *, cancel_requested: bool | None = None
    ) -> None:
        """Set when the next beat of a task is due: ``TokenStore.beat_in``."""
        with self._file.changing() as database:
            row = database.execute("SELECT deadline FROM task WHERE id = ?", (task_id,)).fetchone()
            if row is None:
                return
            database.execute(
                "UPDATE task SET beat_at = ?, cancel_requested = coalesce(?, cancel_requested) "
                "WHERE id = ?",
                (self._beat_at(seconds, row["deadline"]), cancel_requested, task_id),
            )

    def drop_closed(self, older_than_seconds: float) -> int:
        """Forget what was closed longer ago than this: ``TokenStore.drop_closed``."""
        with self._file.changing() as database:
            dropped = database.execute(
                "DELETE FROM task WHERE closed_at < ?", (self._clock() - older_than_seconds,)
            )
            return dropped.rowcount

    # For handles

    def use_handle(self, handle_id: str, task_id: str) -> bool:
        """Record, atomically, that a handle is used: ``TokenStore.use_handle``."""
        with self._file.changing() as database:
            recorded = database.execute(
                "INSERT INTO used_handle (id, task_id, used_at) VALUES (?, ?, ?) "
                "ON CONFLICT (id) DO NOTHING",
                (handle_id, task_id, self._clock()),
            )
            return recorded.rowcount > 0

    def return_handle(self, handle_id: str) -> None:
        """Record that its use came to nothing: ``TokenStore.return_handle``."""
        with self._file.changing() as database:
            database.execute("DELETE FROM used_handle WHERE id = ?", (handle_id,))

    def _tasks(self, where: str, values: tuple[Any, ...]) -> Iterator[SuspendedTask]:
        # An id with half of a surrogate pair, as a shell may give one, is that of no task.
        values = tuple(sendable(value) if isinstance(value, str) else value for value in values)
        with self._file.opened() as database:
            rows = database.execute(
                f"SELECT * FROM task WHERE {where}",  # noqa: S608 - texts of ours
                values,
            ).fetchall()
        return map(_task, rows)

    def _beat_at(self, seconds: float, deadline: float | None) -> float:
        now = self._clock()
        at = now + seconds
        if deadline is None or deadline + AFTER_DEADLINE_SECONDS <= now:
            return at
        return min(at, deadline + AFTER_DEADLINE_SECONDS)


def _task(row: sqlite3.Row) -> SuspendedTask:
    return SuspendedTask(
        token=row["token"],
        info=ActivityInfo(**json.loads(row["info"])),
        note=json.loads(row["note"]),
        suspended_at=row["suspended_at"],
        deadline=row["deadline"],
        id=row["id"],
        state=TaskState(row["state"]),
        reason=row["reason"],
        closed_at=row["closed_at"],
        learned=bool(row["learned"]),
        cancel_requested=bool(row["cancel_requested"]),
    )
