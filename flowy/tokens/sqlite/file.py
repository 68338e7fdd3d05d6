"""The file of the store: made for its owner alone, checked, opened and closed."""

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
        path: where it is; if there is none it is made.
        busy_seconds: how long an operation waits until others have finished with it.
        allow_group: whether a group of this process may read and write it, and root may own it.

    Raises:
        TokenStoreError: it cannot be used. All methods raise it, too.
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
            raise self._error(f"it has tokens in it, and {why}")
        with self._opened_unchecked() as database, _transaction(database):
            if not database.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in SCHEMA:
                    database.execute(statement)
            elif _version(database) == SCHEMA_VERSION - 1 and self._is_store(database):
                UP[SCHEMA_VERSION](database)
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
                database.text_factory = _text
                database.execute("PRAGMA foreign_keys = ON")
                database.execute("PRAGMA secure_delete = ON")  # overwrites dropped tokens
                yield database
        except sqlite3.Error as error:
            raise self._error(f"{error}") from error
        except UnicodeEncodeError:
            # The error has the whole value, which may be a token; so it is not even chained.
            raise self._error("half of a surrogate pair in a text has no UTF-8 form") from None

    def downgrade(self) -> None:
        """Take the tables one version back, for the Flowy before; it cannot be used here then."""
        with self.changing() as database:
            DOWN[SCHEMA_VERSION](database)

    def _check(self, database: sqlite3.Connection) -> None:
        if not self._is_store(database):
            raise self._error("it is not a store of suspended tasks; name another file")
        version = _version(database)
        if version != SCHEMA_VERSION:
            raise self._error(
                f"its tables are of version {version}, and this Flowy knows {SCHEMA_VERSION}; "
                "use the Flowy that made it, whose `flowy.tokens.sqlite.downgrade` takes a file "
                "one version back"
            )

    def _is_store(self, database: sqlite3.Connection) -> bool:
        application: int = database.execute("PRAGMA application_id").fetchone()[0]
        return application == APPLICATION_ID

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


def _version(database: sqlite3.Connection) -> int:
    version: int = database.execute("PRAGMA user_version").fetchone()[0]
    return version


def _text(stored: bytes) -> str | bytes:
    """Return a text; damaged bytes as they are, because an error would hide all other rows."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored
