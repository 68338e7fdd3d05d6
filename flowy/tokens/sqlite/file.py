"""The file of the store: created for its owner alone, checked, opened and closed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from ...exception import TokenStoreError
from ..privacy import why_not_private
from .schema import APPLICATION_ID, DOWN, SCHEMA, SCHEMA_VERSION, UP


class StoreFile:
    """One SQLite file with the tables of suspended tasks.

    Args:
        path: the file, which is created if it does not exist.
        busy_seconds: how long an operation waits until others have finished with it.
        allow_group: whether a group of this process may read and write it, and root may own it.

    Raises:
        TokenStoreError: the file cannot be used. All methods raise it, too.
    """

    def __init__(
        self, path: str | os.PathLike[str], busy_seconds: float, *, allow_group: bool = False
    ) -> None:
        self.path = Path(path).absolute()
        self._busy_seconds = busy_seconds
        try:
            with contextlib.suppress(FileExistsError):
                flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
                os.close(os.open(self.path, flags, 0o600))
            status = self.path.stat()
        except OSError as error:
            raise self._error(error.strerror or "unknown") from error
        if not stat.S_ISREG(status.st_mode):
            raise self._error("it is not a regular file")
        why = why_not_private(status, self.path, allow_group=allow_group)
        if why is not None:
            raise self._error(f"it contains tokens, and {why}")
        with self._opened_unchecked() as database, _transaction(database):
            if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in SCHEMA:
                    database.execute(statement)
            elif _version(database) == SCHEMA_VERSION - 1 and self._is_store(database):
                UP[SCHEMA_VERSION](database)
            self._check(database)

    @contextlib.contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Open the file for reading while the block runs."""
        with self._opened_unchecked() as database:
            self._check(database)
            yield database

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Open the file while the block runs, in a transaction that alone may write."""
        with self.opened() as database, _transaction(database):
            yield database

    @contextlib.contextmanager
    def _opened_unchecked(self) -> Iterator[sqlite3.Connection]:
        try:
            # mode=rw: a missing file is an error. SQLite would create one that others can read.
            with contextlib.closing(
                sqlite3.connect(
                    f"{self.path.as_uri()}?mode=rw",
                    uri=True,
                    timeout=self._busy_seconds,
                    isolation_level=None,
                )
            ) as database:
                database.row_factory = sqlite3.Row
                database.text_factory = _text
                database.execute("PRAGMA foreign_keys = ON")
                database.execute("PRAGMA secure_delete = ON")  # overwrites dropped tokens
                yield database
        except sqlite3.Error as error:
            raise self._error(f"{error}") from error
        except UnicodeEncodeError:
            # The error contains the whole value, which may be a token, so it is not chained.
            raise self._error("half of a surrogate pair in a text has no UTF-8 form") from None

    def downgrade(self) -> None:
        """Convert the tables to the previous version, which this Flowy refuses to use."""
        with self.changing() as database:
            DOWN[SCHEMA_VERSION](database)

    def _check(self, database: sqlite3.Connection) -> None:
        if not self._is_store(database):
            raise self._error("it is not a store of suspended tasks; name another file")
        version = _version(database)
        if version != SCHEMA_VERSION:
            raise self._error(
                f"its tables have version {version}, and this Flowy needs {SCHEMA_VERSION}. Use "
                "the Flowy that wrote it; its `flowy.tokens.sqlite.downgrade` converts a file to "
                "the previous version"
            )

    def _is_store(self, database: sqlite3.Connection) -> bool:
        application: int = database.execute("PRAGMA application_id").fetchone()[0]
        return application == APPLICATION_ID

    def _error(self, why: str) -> TokenStoreError:
        return TokenStoreError(f"Cannot use the token store {self.path}: {why}.")


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE takes the write lock at once: no other process can change what is read here.
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if database.in_transaction:  # SQLite rolls back by itself if the disk is full
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    return version


def _text(stored: bytes) -> str | bytes:
    """Return the text; damaged bytes unchanged, because an error would hide all other rows."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored
