"""The state of a local SWF in a file, one line for each call that changed something.

The line is written before the call is answered, so a kill loses nothing that a client was told
of. Lines are only appended: a line is complete or missing, and an incomplete last line belongs to
a call that was never answered. The lines are JSON, so reading a journal runs no code. Writing one
costs what the call changed, however long the file is.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..exception import LocalSWFError

#: The first record of a journal: its name and the version of its format.
_HEAD = ["flowy-local-swf", 1]

#: One change: its kind, followed by its values.
Record = list[Any]


class Journal:
    """An open journal, locked against other processes.

    Args:
        path: the file, created if it is missing; None keeps nothing.

    Raises:
        LocalSWFError: the file cannot be opened, or another process has it open.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path = path and path.resolve()
        self._pending: list[Record] = []
        self._reading = False
        self._fd = -1 if path is None else self._open(path, os.O_CREAT)
        #: Length of the complete lines, in bytes.
        self._length = 0

    def __bool__(self) -> bool:
        return self._fd >= 0

    def read(self) -> Iterator[Record]:
        """Yield every record, oldest first; call this once, before anything is written.

        Raises:
            LocalSWFError: the file is not a journal, or a line of it is damaged.
        """
        if not self:
            return
        # Restoring a record adds it again; what is read must not be written a second time.
        self._reading = True
        with os.fdopen(os.dup(self._fd), "rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                try:
                    records = json.loads(line)
                except ValueError:
                    raise self._damaged(number) from None
                if number == 1 and records != [_HEAD]:
                    raise self._damaged(number)
                self._length += len(line)
                yield from records if number > 1 else ()
        self._reading = False
        # An incomplete last line is what a kill left of a call that was never answered.
        os.ftruncate(self._fd, self._length)
        if not self._length:
            self._write(_line([_HEAD]))

    def add(self, *record: Any) -> None:
        """Add a change; :meth:`commit` writes it."""
        if self and not self._reading:
            self._pending.append(list(record))

    def commit(self) -> None:
        """Write the changes that were added, in one line.

        Raises:
            OSError: the line could not be written; the next commit tries again.
        """
        if self._pending:
            self._write(_line(self._pending))
            self._pending.clear()

    def _write(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._fd, data[written:], self._length + written)
        except OSError:
            # The next line would be appended to half a line, and neither could be read.
            os.ftruncate(self._fd, self._length)
            raise
        self._length += len(data)

    def rewrite(self, records: Iterable[Record]) -> None:
        """Replace the file by one with these records; a kill leaves the old or the new one."""
        assert self._path is not None
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.unlink(missing_ok=True)
        fd = self._open(fresh, os.O_CREAT | os.O_EXCL)
        with os.fdopen(os.dup(fd), "wb") as file:
            file.write(_line([_HEAD]))
            file.writelines(_line([record]) for record in records)
            file.flush()
            os.fsync(fd)
        fresh.replace(self._path)
        os.close(self._fd)
        self._fd, self._length = fd, os.fstat(fd).st_size

    def close(self) -> None:
        """Close the file, so that another process may open it."""
        if self:
            os.close(self._fd)
            self._fd = -1

    @staticmethod
    def _open(path: Path, flags: int) -> int:
        fd = -1
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            in_use = isinstance(error, BlockingIOError)
            why = "another local SWF uses it" if in_use else error.strerror
            raise LocalSWFError(
                f"Cannot keep the state of the local SWF in {path}: {why}. Name another file."
            ) from error
        return fd

    def _damaged(self, number: int) -> LocalSWFError:
        return LocalSWFError(
            f"Cannot read the state of a local SWF from {self._path}: this version of Flowy cannot "
            f"read line {number}. Name another file, or move this one away."
        )


def _line(records: list[Record]) -> bytes:
    return json.dumps(records, separators=(",", ":")).encode() + b"\n"
