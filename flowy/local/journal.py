"""The state of a local SWF in a file, one line for each call that changed something.

The line is written before the call is answered, so a kill loses nothing that a client was told.
Lines are only appended, so a line is complete or missing; an incomplete last line belongs to a call
that was never answered. The lines are JSON, so reading a journal runs no code. Each line ends with
its checksum, so a damaged line is detected before any of it is restored. The cost of a line depends
on what the call changed, not on the length of the file.

The file contains inputs and the secret that signs task tokens. So the file must be a regular one
that belongs to this user and is closed to others.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import re
import shlex
import stat
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..exception import LocalSWFError

logger = logging.getLogger(__name__)

#: The first record of a journal: its name and the version of its format.
_HEAD = ["flowy-local-swf", 2]

#: The first line of a journal of version 1, whose lines may lack a checksum.
_UNCHECKED_HEAD = b'[["flowy-local-swf",1]]\n'

#: The end of a line: the last record is the CRC-32 of everything before it.
_CHECKSUM = re.compile(rb',\["crc32",([0-9]{1,10})\]\](.)\Z', re.DOTALL)

#: One change: its kind, followed by its values.
Record = list[Any]


class Journal:
    """An open journal, locked against other processes.

    Args:
        path: the file, created if it is missing; None keeps nothing.

    Raises:
        LocalSWFError: the file cannot be opened, is not a regular file, belongs to another user or
            is open to others, or another process uses it.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path = path and path.absolute()
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
        # Restoring a record adds it again, but it must not be written a second time.
        self._reading = True
        with os.fdopen(os.dup(self._fd), "rb") as file:
            checked = True
            for number, line in enumerate(file, 1):
                found = _CHECKSUM.search(line)
                if not (line.endswith(b"\n") or found):
                    if number == 1 and not _line([_HEAD]).startswith(line):
                        raise self._damaged(number)  # another program's file, of a single line
                    break
                if number == 1:
                    checked = line != _UNCHECKED_HEAD
                records = _records(line, found, checked)
                is_head = checked and records == [_HEAD]
                if records is None or is_head != (number == 1 and checked):
                    raise self._damaged(number)
                self._length += len(line)
                yield from records if number > 1 else ()
        self._reading = False
        # An incomplete last line was left by a kill, during a call that was never answered.
        os.ftruncate(self._fd, self._length)
        if not self._length:
            self._write(_line([_HEAD]))

    def add(self, *record: Any) -> None:
        """Add a change, for ``commit`` to write."""
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
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._length)
            raise
        self._length += len(data)

    def rewrite(self, records: Iterable[Record]) -> None:
        """Replace the file by one with these records; a kill leaves the old or the new one.

        If the new file cannot be written, the old one stays, and a warning is logged.
        """
        assert self._path is not None
        fresh = self._path.with_name(f"{self._path.name}.new")
        fd = -1
        try:
            fresh.unlink(missing_ok=True)
            fd = self._open(fresh, os.O_CREAT | os.O_EXCL)
            with os.fdopen(os.dup(fd), "wb") as file:
                file.write(_line([_HEAD]))
                file.writelines(_line([record]) for record in records)
                file.flush()
                os.fsync(fd)
            fresh.replace(self._path)
        except (OSError, LocalSWFError) as error:
            logger.warning("Cannot shorten %s: %s. The file is used as it is.", self._path, error)
            if fd >= 0:
                os.close(fd)
                with contextlib.suppress(OSError):
                    fresh.unlink()
            return
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
            # Without O_NONBLOCK, opening a fifo may wait for its other end.
            secure = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            fd = os.open(path, os.O_RDWR | secure | flags, 0o600)
            _check(path, os.fstat(fd))
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (OSError, LocalSWFError) as error:
            if fd >= 0:
                os.close(fd)
            if isinstance(error, LocalSWFError):
                raise
            why = error.strerror or str(error)
            if isinstance(error, BlockingIOError):
                why = "another local SWF uses it"
            elif error.errno == errno.ELOOP:
                why = "it is a symbolic link"
            raise _cannot_keep(path, why) from error
        return fd

    def _damaged(self, number: int) -> LocalSWFError:
        return LocalSWFError(
            f"Cannot read the state of a local SWF from {self._path}: line {number} is damaged, or "
            "another version of Flowy wrote it. Name another file, or move this one away."
        )


def _cannot_keep(path: Path, why: str, way_out: str = "Name another file.") -> LocalSWFError:
    return LocalSWFError(f"Cannot keep the state of the local SWF in {path}: {why}. {way_out}")


def _check(path: Path, found: os.stat_result) -> None:
    """Raise LocalSWFError if an open file must not keep the state."""
    if not stat.S_ISREG(found.st_mode):
        raise _cannot_keep(path, "it is not a regular file")
    if found.st_uid != os.geteuid():
        why = f"it belongs to the user with uid {found.st_uid}, not to {os.geteuid()}"
        raise _cannot_keep(path, why)
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        why = f"its mode {mode:04o} opens it to other users, and it contains inputs and a secret"
        way_out = f"Run chmod 600 {shlex.quote(str(path))}, or name another file."
        raise _cannot_keep(path, why, way_out)


def _records(line: bytes, found: re.Match[bytes] | None, checked: bool) -> list[Record] | None:
    """Return the records of a line; None if it is damaged."""
    if found is not None:
        right = int(found[1]) == zlib.crc32(line[: found.start()])
        line = line[: found.start()] + b"]" + found[2]
        if not right or found[2] != b"\n":
            return None
    elif checked:
        return None
    try:
        records = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return records if isinstance(records, list) else None


def _line(records: list[Record]) -> bytes:
    text = json.dumps(records, separators=(",", ":")).encode()[:-1]
    return text + f',["crc32",{zlib.crc32(text)}]]\n'.encode()
