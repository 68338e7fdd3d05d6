"""The store of suspended tasks in one SQLite file, from the standard library.

Tokens are credentials, so the file is its owner's alone. What ``keep`` has returned from is on
the disk: a task that is suspended and forgotten hangs until a timeout. So SQLite's own rollback
journal is used, with its default of syncing at each commit, rather than the write-ahead log,
whose files and shared memory a crashed host or a network share can disturb.

Each operation opens the file and closes it again, some tenths of a millisecond: such a store has
nothing to lose at a fork, holds nothing open in a web app for years, and any thread may use it.
"""

from __future__ import annotations

from .tasks import SQLiteTokenStore

__all__ = ["SQLiteTokenStore"]
