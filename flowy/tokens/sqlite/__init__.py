"""The store of suspended tasks in one SQLite file, with the standard library alone.

Tokens are credentials, so only the owner can read the file. When ``keep`` returns, the task is on
the disk: a task that is suspended and forgotten would hang until a timeout. So the store uses
SQLite's default, a rollback journal that is synced at each commit; the write-ahead log has further
files and shared memory, which a crashed host or a network share can damage.

Each operation opens the file and closes it again, which takes some tenths of a millisecond. Nothing
stays open, so any thread may use a store, after any fork, and for years.
"""

from __future__ import annotations

from .tasks import SQLiteTokenStore

__all__ = ["SQLiteTokenStore"]
