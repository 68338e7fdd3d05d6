"""The store of suspended tasks in one SQLite file, with the standard library alone.

Tokens are credentials, so only the owner can read the file. When ``keep`` returns, the task is on
the disk: a suspended task that is not stored would hang until a timeout. So the store uses SQLite's
default, a rollback journal that is synced at each commit; a write-ahead log needs more files and
shared memory, which a crashed host or a network share can damage.

Each operation opens the file and closes it again, which takes some tenths of a millisecond. So any
thread may use a store, also after a fork.
"""

from __future__ import annotations

import os
from pathlib import Path

from ...exception import TokenStoreError
from .file import StoreFile
from .tasks import BUSY_SECONDS, SQLiteTokenStore

__all__ = ["SQLiteTokenStore", "downgrade"]


def downgrade(path: str | os.PathLike[str], *, allow_group: bool = False) -> None:
    """Convert a store's file to the previous version, to go back to the previous Flowy.

    Stop everything that uses the store first: this Flowy upgrades the file whenever it opens it.

    Args:
        path: the file.
        allow_group: as for ``SQLiteTokenStore``.

    Raises:
        TokenStoreError: the file cannot be used.
    """
    if not Path(path).exists():
        raise TokenStoreError(f"Cannot use the token store {path}: the file does not exist.")
    StoreFile(path, BUSY_SECONDS, allow_group=allow_group).downgrade()
