"""The running local SWFs of this user, which are announced so that other commands find them.

SWF has one endpoint for each region. A local SWF listens on any port, and without an announcement
its user would have to copy the address from one terminal to the next.

An announcement is a file that is locked while its local SWF runs, so that one left by a kill is
recognized. Other users could lead a worker to an SWF of theirs, so the folder must belong to this
user and be closed to others.
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

#: How many bytes of an announcement are read; an address is shorter.
_MAX_BYTES = 1024


@contextmanager
def announced(url: str) -> Iterator[None]:
    """Let ``running()`` find a local SWF while the block runs.

    If the folder cannot be used, the local SWF cannot be found, but the block runs.

    Args:
        url: the endpoint of the local SWF.
    """
    path, fd = None, -1
    try:
        folder = _folder()
        fd, name = tempfile.mkstemp(prefix=".", dir=folder)
        os.write(fd, url.encode())
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = folder / f"{os.getpid()}-{url.rpartition(':')[2]}"
        Path(name).replace(path)  # locked before it is visible
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
    """Return the endpoints of this user's announced local SWFs, in any order."""
    try:
        files = [each for each in _folder().iterdir() if not each.name.startswith(".")]
    except OSError:
        return []
    return [url for file in files if (url := _url(file))]


def _url(file: Path) -> str | None:
    """Return the endpoint in a file; remove the file and return None if it is not locked."""
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
        OSError: it cannot be created, or others can use it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        folder = Path(runtime) / "flowy"
    else:
        folder = Path(tempfile.gettempdir()) / f"flowy-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a folder that only this user can use")
    return folder
