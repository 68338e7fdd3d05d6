"""The file of the store: made for its owner alone, checked, opened and closed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from ...exception import TokenStoreError

#: The version of the tables, one higher with each change.
SCHEMA_VERSION = 1

#: SQLite's ``application_id`` of these files: "Flwy".
APPLICATION_ID = 0x466C7779

_SCHEMA = (
    """CREATE TABLE task (
        id TEXT PRIMARY KEY,
        token TEXT NOT NULL,
        domain TEXT NOT NULL,
        workflow_id TEXT NOT NULL,
        run_id TEXT NOT NULL,
        activity_id TEXT NOT NULL,
        info TEXT NOT NULL,
        note TEXT NOT NULL,
        suspended_at REAL NOT NULL,
        deadline REAL,
        state TEXT NOT NULL,
        reason TEXT,
        closed_at REAL,
        learned INTEGER NOT NULL,
        cancel_requested INTEGER NOT NULL,
        beat_at REAL NOT NULL
    )""",
    "CREATE UNIQUE INDEX task_of_token ON task (token) WHERE state = 'open'",
    "CREATE INDEX task_by_ids ON task (workflow_id, activity_id)",
    "CREATE INDEX task_by_beat ON task (state, domain, beat_at)",
    "CREATE INDEX task_by_end ON task (closed_at)",
    """CREATE TABLE used_handle (
        id TEXT PRIMARY KEY,
        task_id TEXT NOT NULL REFERENCES task (id) ON DELETE CASCADE,
        used_at REAL NOT NULL
    )""",
    "CREATE INDEX used_handle_of_task ON used_handle (task_id)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class StoreFile:
    """One SQLite file with the tables of suspended tasks.

    Args:
        path: where it is; if there is none it is made.
        busy_seconds: how long an operation waits until others have finished with it.

    Raises:
        TokenStoreError: it cannot be used. All methods raise it, too.
    """

    def __init__(self, path: str | os.PathLike[str], busy_seconds: float) -> None:
        self.path = Path(path).absolute()
        self._busy_seconds = busy_seconds
        try:
            with contextlib.suppress(FileExistsError):
                flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
                os.close(os.open(self.path, flags, 0o600))
            mode = stat.S_IMODE(self.path.stat().st_mode)
        except OSError as error:
            raise self._error(error.strerror or "unknown") from error
        if mode & 0o077:
            raise self._error(
                f"others than its owner may read it (its mode is {mode:o}), and it has "
                f"tokens in it; chmod 600 {self.path}"
            )
        with self._opened_unchecked() as database, _transaction(database):
            if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in _SCHEMA:
                    database.execute(statement)
            self._check(database)

    @contextlib.contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file while the block runs, to read."""
        with self._opened_unchecked() as database:
            self._check(database)
            yield database

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Open the file while the block runs, in the only transaction that may write."""
        with self.opened() as database, _transaction(database):
            yield database

    @contextlib.contextmanager
    def _opened_unchecked(self) -> Iterator[sqlite3.Connection]:
        try:
            # mode=rw: a file that is gone is an error; SQLite would make it readable for others.
            with contextlib.closing(
                sqlite3.connect(
                    f"{self.path.as_uri()}?mode=rw",
                    uri=True,
                    timeout=self._busy_seconds,
                    isolation_level=None,
                )
            ) as database:
                database.row_factory = sqlite3.Row
                database.execute("PRAGMA foreign_keys = ON")
                database.execute("PRAGMA secure_delete = ON")  # overwrites dropped tokens
                yield database
        except sqlite3.Error as error:
            raise self._error(f"{error}") from error
        except UnicodeEncodeError:
            # The error has the whole value, which may be a token; so it is not even chained.
            raise self._error("half of a surrogate pair in a text has no UTF-8 form") from None

    def _check(self, database: sqlite3.Connection) -> None:
        application = database.execute("PRAGMA application_id").fetchone()[0]
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if application != APPLICATION_ID:
            raise self._error("it is not a store of suspended tasks; name another file")
        if version != SCHEMA_VERSION:
            raise self._error(
                f"its tables are of version {version}, and this Flowy knows {SCHEMA_VERSION}; "
                "use the Flowy that made it"
            )

    def _error(self, why: str) -> TokenStoreError:
        return TokenStoreError(f"Cannot use the token store {self.path}: {why}.")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE locks for writing at once, so that nobody changes what this transaction reads.
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if database.in_transaction:  # SQLite rolls back by itself if the disk is full
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
