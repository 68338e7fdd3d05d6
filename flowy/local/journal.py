"""The journal: the state of a local SWF in a file, one line for each change.

A line is written before the answer of the call that made the change goes out, so
whatever a client was told of survives a kill.  Nothing is ever overwritten: a line is
there whole or not at all, and a torn last one belongs to a call that nobody was answered.
It is JSON, for people to read and never a program to run, and it costs a call what that
call changed, however long the file is.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from flowy.exception import LocalSWFError

#: The first record of a journal: what it is, and the version of its form.
_HEAD = ["flowy-local-swf", 1]

#: One change: its kind, and what belongs to it.
Record = list[Any]


class Journal:
    """A journal that is open, and this process's alone.

    Args:
        path: the file; it is made where there is none.  None keeps nothing.

    Raises:
        LocalSWFError: the file can't be had, another process has it, or it is no journal.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path = path and path.resolve()
        self._pending: list[Record] = []
        self._silent = False
        self._fd = -1 if path is None else self._open(path, os.O_CREAT)
        #: Length of what was written whole, in bytes.
        self._length = 0

    def __bool__(self) -> bool:
        return self._fd >= 0

    def read(self) -> Iterator[Record]:
        """Every record, oldest first; call it once, before anything is written.

        Raises:
            LocalSWFError: the file is no journal, or something in it can't be read.
        """
        if not self:
            return
        # What is read is not to be written again.
        self._silent = True
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
        self._silent = False
        # What a kill tore off: nobody was told of it.
        os.ftruncate(self._fd, self._length)
        if not self._length:
            self._write(_line([_HEAD]))

    def note(self, *record: Any) -> None:
        """Something changed; it is written with the next commit()."""
        if self and not self._silent:
            self._pending.append(list(record))

    def commit(self) -> None:
        """Write what was noted, in one line.

        Raises:
            OSError: it could not be written; it is tried again the next time.
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
            # Half a line would be taken for the end of the journal.
            os.ftruncate(self._fd, self._length)
            raise
        self._length += len(data)

    def rewrite(self, records: Iterable[Record]) -> None:
        """Put these in the place of all that is there, at once or not at all."""
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
        """Let another process have it."""
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
            why = (
                "another local SWF has it" if isinstance(error, BlockingIOError) else error.strerror
            )
            raise LocalSWFError(
                f"Cannot keep the state of the local SWF in {path}: {why}. Name another file."
            ) from error
        return fd

    def _damaged(self, number: int) -> LocalSWFError:
        return LocalSWFError(
            f"Cannot read the state of a local SWF from {self._path}: line {number} is none "
            "that a local SWF of this version writes. Name another file, or move it away."
        )


def _line(records: list[Record]) -> bytes:
    return json.dumps(records, separators=(",", ":")).encode() + b"\n"
