"""Which local SWFs of this user run: each is announced, so that other commands find it.

SWF has one endpoint for each region. A local SWF listens on any port, and whoever starts a worker
for it would have to carry its address from one terminal to the next.

An announcement is a file that is locked for as long as its local SWF runs, so that what a kill
left is known. Other users could lead a worker to an SWF of theirs, so only a folder of this user's
own that is closed to others is used.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

#: An address has fewer bytes than this.
_MAX_BYTES = 1024


@contextmanager
def announced(url: str) -> Iterator[None]:
    """Let ``running()`` find a local SWF while the block runs.

    If the folder cannot be used, it is not found, and the block runs all the same.

    Args:
        url: its endpoint.
    """
    path, fd = None, -1
    try:
        folder = _folder()
        fd, name = tempfile.mkstemp(prefix=".", dir=folder)
        os.write(fd, url.encode())
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = folder / f"{os.getpid()}-{url.rpartition(':')[2]}"
        Path(name).replace(path)  # locked already when it can be seen
    except OSError as error:
        logger.debug("The local SWF is not announced: %s.", error)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path is not None:
                path.unlink()
            if fd >= 0:
                os.close(fd)


def running() -> list[str]:
    """Return the endpoints of the local SWFs of this user that are announced, in any order."""
    try:
        files = [each for each in _folder().iterdir() if not each.name.startswith(".")]
    except OSError:
        return []
    return [url for file in files if (url := _url(file))]


def _url(file: Path) -> str | None:
    """Return what a file announces; None, and the file is gone, if nobody has it locked."""
    with contextlib.suppress(OSError), file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return opened.read(_MAX_BYTES).decode(errors="replace")
        file.unlink()
    return None


def _folder() -> Path:
    """Return the folder of the announcements.

    Raises:
        OSError: it cannot be made, or it is not this user's alone.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        folder = Path(runtime) / "flowy"
    else:
        folder = Path(tempfile.gettempdir()) / f"flowy-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a folder of this user's alone")
    return folder
