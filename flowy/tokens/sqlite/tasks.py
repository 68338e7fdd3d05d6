"""The store of suspended tasks, in SQL."""

from __future__ import annotations

import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import Any

from ...exception import TokenStoreError
from ...invocation.outcome import TaskOutcome
from ...safe_logging import get_logger
from ...texts import sendable
from ..suspended_task import SuspendedTask
from .file import StoreFile
from .rows import OPEN, row_of, state_of, task_of

logger = get_logger(__name__)

#: How long one operation waits until others have finished with the file, in seconds.
BUSY_SECONDS = 10.0

#: No heartbeat is due later than this many seconds after the deadline: by then SWF has timed the
#: task out, and its answer says so.
AFTER_DEADLINE_SECONDS = 1.0


class SQLiteTokenStore:
    """A ``flowy.tokens.TokenStore`` in one file; safe across processes, threads and forks.

    Args:
        path: the file, on a local disk. If it does not exist, it is created, and only its owner can
            read it.
        busy_timeout: how long an operation waits for others that use the file, in seconds, 0 or
            more.
        allow_group: whether a group of this process may read and write the file, and root may own
            it, as with Kubernetes' ``fsGroup``. All others must have no access.
        clock: the wall clock, in seconds since the epoch.

    Raises:
        TokenStoreError: the file cannot be opened, it belongs to another user, other users may read
            it, it is not a store of suspended tasks, or a newer Flowy made it. All methods raise
            it, too.

    ``pending``, ``closed`` and ``claim_due`` skip a row that cannot be read, and log it once as an
    ERROR; ``get`` and ``find`` raise ``TokenStoreError`` for it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        busy_timeout: float = BUSY_SECONDS,
        allow_group: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = StoreFile(path, busy_timeout, allow_group=allow_group)
        self._clock = clock
        self._unreadable: set[int] = set()  # rows that were logged

    def __repr__(self) -> str:
        return f"<SQLiteTokenStore {str(self._file.path)!r}>"

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        """Keep *task* durably: ``TokenStore.keep``."""
        values = row_of(task)
        with self._file.changing() as database:
            row = database.execute(
                "SELECT rowid, * FROM task WHERE token = ? AND state = ?", (task.token, OPEN)
            ).fetchone()
            if row is None:
                values["beat_at"] = self._clock()
                database.execute(
                    f"INSERT INTO task ({', '.join(values)}) "  # noqa: S608 - our own names
                    f"VALUES ({', '.join('?' * len(values))})",
                    tuple(values.values()),
                )
                return task
            if self._task(row) is None:  # unreadable: write all columns again
                changed = {**values, "id": row["id"], "beat_at": self._clock()}
            else:
                changed = {"note": values["note"], "deadline": task.deadline}
            database.execute(
                f"UPDATE task SET {', '.join(f'{name} = ?' for name in changed)} "  # noqa: S608
                "WHERE rowid = ?",
                (*changed.values(), row["rowid"]),
            )
            return self._readable(
                database.execute(
                    "SELECT rowid, * FROM task WHERE rowid = ?", (row["rowid"],)
                ).fetchone()
            )

    def get(self, task_id: str) -> SuspendedTask | None:
        """Return the task with this id: ``TokenStore.get``."""
        return self._one("id = ?", (task_id,))

    def find(
        self,
        workflow_id: str,
        activity_id: str,
        run_id: str | None = None,
        *,
        domain: str | None = None,
    ) -> SuspendedTask | None:
        """Return the task with these ids of SWF's: ``TokenStore.find``."""
        return self._one(
            "workflow_id = ? AND activity_id = ? AND run_id = coalesce(?, run_id) "
            "AND domain = coalesce(?, domain) "
            "ORDER BY state = 'open' DESC, suspended_at DESC, rowid DESC LIMIT 1",
            (workflow_id, activity_id, run_id, domain),
        )

    def pending(self, domain: str | None = None) -> list[SuspendedTask]:
        """Return the open tasks, oldest first: ``TokenStore.pending``."""
        # Not by the state alone, so that a row with a damaged state is logged.
        found = self._tasks(
            "(closed_at IS NULL OR state = ?) AND domain = coalesce(?, domain) "
            "ORDER BY suspended_at, rowid",
            (OPEN, domain),
        )
        return [task for task in found if task.is_open]

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
        # Read first, without the write lock: a keeper looks often, and mostly finds none.
        if not self._rows(due, (OPEN, domain, now, now + longest_seconds)):
            return None
        with self._file.changing() as database:
            skipped: set[int] = set()
            while True:
                now = self._clock()
                row = database.execute(
                    f"SELECT rowid, * FROM task WHERE {due}",  # noqa: S608 - our own text
                    (OPEN, domain, now, now + longest_seconds),
                ).fetchone()
                if row is None or row["rowid"] in skipped:
                    return None  # another keeper was faster, or all due rows are unreadable
                database.execute(
                    "UPDATE task SET beat_at = ? WHERE rowid = ?",
                    (now + lease_seconds, row["rowid"]),
                )
                task = self._task(row)
                if task is not None:
                    return task
                skipped.add(row["rowid"])

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
        """Record atomically that a handle is used: ``TokenStore.use_handle``."""
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

    def _rows(self, where: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        # SQLite refuses lone surrogates, which an id from a shell may contain, but no task's id.
        values = tuple(sendable(value) if isinstance(value, str) else value for value in values)
        with self._file.opened() as database:
            return database.execute(
                f"SELECT rowid, * FROM task WHERE {where}",  # noqa: S608 - our own texts
                values,
            ).fetchall()

    def _tasks(self, where: str, values: tuple[Any, ...]) -> Iterator[SuspendedTask]:
        for row in self._rows(where, values):
            task = self._task(row)
            if task is not None:
                yield task

    def _one(self, where: str, values: tuple[Any, ...]) -> SuspendedTask | None:
        return next(map(self._readable, self._rows(where, values)), None)

    def _readable(self, row: sqlite3.Row) -> SuspendedTask:
        """Return the task of a row that the caller asked for by id."""
        try:
            return task_of(row)
        except ValueError as error:
            raise TokenStoreError(
                f"Cannot read task {_named(row)} of the token store {self._file.path}: {error}. It "
                "stays in the file, but gets no heartbeats."
            ) from None

    def _task(self, row: sqlite3.Row) -> SuspendedTask | None:
        """Return the task of a row; if it is unreadable, log that once and return None."""
        try:
            return task_of(row)
        except ValueError as error:
            if row["rowid"] not in self._unreadable:
                self._unreadable.add(row["rowid"])
                logger.error(
                    "Cannot read task %s of the token store %s: %s. It is skipped: it stays in the "
                    "file, but gets no heartbeats.",
                    _named(row),
                    self._file.path,
                    error,
                )
            return None

    def _beat_at(self, seconds: float, deadline: float | None) -> float:
        now = self._clock()
        at = now + seconds
        if deadline is None or deadline + AFTER_DEADLINE_SECONDS <= now:
            return at
        return min(at, deadline + AFTER_DEADLINE_SECONDS)


def _named(row: sqlite3.Row) -> str:
    return row["id"] if isinstance(row["id"], str) else f"in row {row['rowid']}"
