"""The tables of the file, and the steps from each version of them to the next and back.

Suspended tasks wait for months, so a file outlives the Flowy that wrote it. Flowy opens files of
its own version, and upgrades those of the previous version. A file can also be converted to the
previous version, if a release is rolled back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

#: The version of the tables; each change adds 1.
SCHEMA_VERSION = 2

#: SQLite's ``application_id`` of these files: "Flwy".
APPLICATION_ID = 0x466C7779

#: The statements that create the tables.
SCHEMA = (
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
        beat_at REAL NOT NULL,
        format INTEGER NOT NULL DEFAULT 1
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


def _add_format(database: sqlite3.Connection) -> None:
    # A file that was downgraded still has the column: SQLite before 3.35 cannot drop one.
    if "format" not in {row["name"] for row in database.execute("PRAGMA table_info(task)")}:
        database.execute("ALTER TABLE task ADD COLUMN format INTEGER NOT NULL DEFAULT 1")
    database.execute("PRAGMA user_version = 2")


def _leave_format(database: sqlite3.Connection) -> None:
    # Version 1 names its columns when it writes, and ignores this one when it reads.
    database.execute("PRAGMA user_version = 1")


#: The upgrade to each version from the one before, called in a transaction.
UP: Mapping[int, Callable[[sqlite3.Connection], None]] = {2: _add_format}

#: The downgrade from each version to the one before, called in a transaction.
DOWN: Mapping[int, Callable[[sqlite3.Connection], None]] = {2: _leave_format}
