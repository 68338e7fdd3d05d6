"""The store of suspended tasks, in SQL."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...invocation.failure import sendable
from ...invocation.outcome import TaskOutcome
from ..suspended_task import SuspendedTask
from .file import StoreFile
from .rows import OPEN, row_of, state_of, task_of

#: How long one operation waits until others have finished with the file, in seconds.
BUSY_SECONDS = 10.0

#: A heartbeat that would come after the deadline comes this many seconds after it instead: by then
#: SWF has timed the task out, and says so.
AFTER_DEADLINE_SECONDS = 1.0


class SQLiteTokenStore:
    """A ``flowy.tokens.TokenStore`` in one file; safe across processes, threads and forks.

    Args:
        path: the file, on a local disk; if there is none it is made, readable by its owner alone.
        busy_timeout: how long an operation waits until others have finished with the file, in
            seconds, 0 or more.
        clock: the wall clock, in seconds since the epoch.

    Raises:
        TokenStoreError: the file cannot be opened, others than its owner may read it, it is not a
            store of suspended tasks, or a newer Flowy made it. All methods raise it, too.
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

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        """Keep *task* durably: ``TokenStore.keep``."""
        values = row_of(task)
        with self._file.changing() as database:
            row = database.execute(
                "SELECT id FROM task WHERE token = ? AND state = ?", (task.token, OPEN)
            ).fetchone()
            if row is not None:
                task = dataclasses.replace(task, id=row["id"])
                database.execute(
                    "UPDATE task SET note = ?, deadline = ? WHERE id = ?",
                    (values["note"], task.deadline, task.id),
                )
                return task
            values["beat_at"] = self._clock()
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
                (OPEN, domain),
            )
        )

    def closed(self, limit: int = 50, domain: str | None = None) -> list[SuspendedTask]:
        """Return closed tasks, the latest first: ``TokenStore.closed``."""
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
        outcome: TaskOutcome,
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
                    state_of(outcome),
                    None if reason is None else sendable(reason),
                    self._clock(),
                    learned,
                    sendable(task_id),
                    learned,
                ),
            )
            return changed.rowcount > 0

    def claim_due(
        self, domain: str, lease_seconds: float, *, longest_seconds: float = math.inf
    ) -> SuspendedTask | None:
        """Return an open task whose heartbeat is due: ``TokenStore.claim_due``."""
        due = "state = ? AND domain = ? AND (beat_at <= ? OR beat_at > ?) ORDER BY beat_at LIMIT 1"
        now = self._clock()
        # Read first, without the lock for writing: a keeper looks often and mostly finds none.
        if next(self._tasks(due, (OPEN, domain, now, now + longest_seconds)), None) is None:
            return None
        with self._file.changing() as database:
            now = self._clock()
            row = database.execute(
                f"SELECT * FROM task WHERE {due}",  # noqa: S608 - a text of ours
                (OPEN, domain, now, now + longest_seconds),
            ).fetchone()
            if row is None:  # another keeper was faster
                return None
            database.execute(
                "UPDATE task SET beat_at = ? WHERE id = ?", (now + lease_seconds, row["id"])
            )
            return task_of(row)

    def beat_in(
        self, task_id: str, seconds: float, *, cancel_requested: bool | None = None
    ) -> None:
        """Set when the next heartbeat of a task is due: ``TokenStore.beat_in``."""
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
        """Drop the tasks that were closed longer ago than this: ``TokenStore.drop_closed``."""
        with self._file.changing() as database:
            dropped = database.execute(
                "DELETE FROM task WHERE closed_at < ?", (self._clock() - older_than_seconds,)
            )
            return dropped.rowcount

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
        """Record that a handle may be used again: ``TokenStore.return_handle``."""
        with self._file.changing() as database:
            database.execute("DELETE FROM used_handle WHERE id = ?", (handle_id,))

    def _tasks(self, where: str, values: tuple[Any, ...]) -> Iterator[SuspendedTask]:
        # SQLite refuses half a surrogate pair, which an id from a shell may have. No task has it.
        values = tuple(sendable(value) if isinstance(value, str) else value for value in values)
        with self._file.opened() as database:
            rows = database.execute(
                f"SELECT * FROM task WHERE {where}",  # noqa: S608 - texts of ours
                values,
            ).fetchall()
        return map(task_of, rows)

    def _beat_at(self, seconds: float, deadline: float | None) -> float:
        now = self._clock()
        at = now + seconds
        if deadline is None or deadline + AFTER_DEADLINE_SECONDS <= now:
            return at
        return min(at, deadline + AFTER_DEADLINE_SECONDS)
