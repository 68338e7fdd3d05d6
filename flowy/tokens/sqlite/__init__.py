"""The store of suspended tasks in one SQLite file, with the standard library alone.

Tokens are credentials, so only the owner can read the file. When ``keep`` returns, the task is on
the disk: a task that is suspended and forgotten would hang until a timeout. So the store uses
SQLite's default, a rollback journal that is synced at each commit; the write-ahead log has further
files and shared memory, which a crashed host or a network share can damage.

Each operation opens the file and closes it again, which takes some tenths of a millisecond. Nothing
stays open, so any thread may use a store, after any fork, and for years.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...exception import TokenStoreError
from .file import StoreFile
from .tasks import BUSY_SECONDS, SQLiteTokenStore

__all__ = ["SQLiteTokenStore", "downgrade"]


def downgrade(path: str | os.PathLike[str], *, allow_group: bool = False) -> None:
    """Take the file of a store one version back, before the Flowy before is installed again.

    Stop everything that uses the store first: this Flowy takes the file up again when it opens it.

    Args:
        path: the file.
        allow_group: as for ``SQLiteTokenStore``.

    Raises:
        TokenStoreError: it cannot be used.
    """
    if not Path(path).exists():
        raise TokenStoreError(f"Cannot use the token store {path}: there is no such file.")
    StoreFile(path, BUSY_SECONDS, allow_group=allow_group).downgrade()
