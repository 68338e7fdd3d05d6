"""The folder in which all worker processes of a supervisor count, for Prometheus.

With the variable ``PROMETHEUS_MULTIPROC_DIR``, prometheus_client keeps the values of each process
in files and combines them for a scrape. It reads the variable only when it is imported. Here files
are named by the supervisor's slot, not by the process id: a process that replaces another continues
its files, so counters never fall, and the number of files does not grow with restarts.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exception import ObserverError
from ..observer import Starting

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: The variable that names the folder, for prometheus_client and for child processes.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

#: The name of the supervisor itself in file names, because it does not have a slot.
_SUPERVISOR = "supervisor"

#: How the names of slots begin in file names.
_SLOT = "slot"

#: The folder that this process has made, if any.
_own: Path | None = None


def enter(event: Starting) -> None:
    """Let this process count in the shared folder if there are several processes.

    Raises:
        ObserverError: prometheus_client was imported too early, or the folder cannot be used.
    """
    if event.slot is None:
        leave()
    if event.processes == 1 and VARIABLE not in os.environ:
        return
    _check_import()
    if event.supervises and VARIABLE not in os.environ:
        _make()
    folder = Path(os.environ[VARIABLE])
    if not (folder.is_dir() and os.access(folder, os.R_OK | os.W_OK | os.X_OK)):
        raise ObserverError(
            f"Cannot count in {folder}, the folder of {VARIABLE}: it does not exist, or this "
            "process may not write there. Make it, or unset the variable: then a supervisor makes "
            "a private one."
        )
    if event.processes == 1:
        return  # other software starts the processes; their files are named by process id
    if event.supervises:
        # Another supervisor may have left its files: it was killed, or had more processes, or was
        # of another version.
        for name in (_SUPERVISOR, f"{_SLOT}*"):
            _mark_dead(name)
    from prometheus_client import values

    values.ValueClass = _value_class(_SUPERVISOR if event.slot is None else _name_of(event.slot))


def mark_dead(slot: int, pid: int) -> None:
    """Drop the current values of a process, such as its running tasks."""
    _mark_dead(_name_of(slot))
    _mark_dead(str(pid))  # the author's own metrics use the id


def _name_of(slot: int) -> str:
    """Return the name of a slot in file names.

    A number alone would be that of another process's id: in a container, these are small.
    """
    return f"{_SLOT}{slot}"


def _mark_dead(name: str) -> None:
    """Drop the current values in the files of a name, which may be a pattern."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(name)  # type: ignore[no-untyped-call]


def registry(folder: str) -> CollectorRegistry:
    """Return a registry with the combined values of all processes in a folder."""
    from prometheus_client import CollectorRegistry

    found = CollectorRegistry()
    found.register(_Files(folder))
    return found


class _Files:
    """Collects from files as prometheus_client does, but skips empty ones.

    A file is empty for a moment after a process has made it, and stays empty if the process is
    killed then.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def collect(self) -> Iterable[Any]:
        """Return the metrics of all processes, as a registry asks for them."""
        from prometheus_client.multiprocess import MultiProcessCollector

        files = [str(file) for file in self._folder.glob("*.db") if _has_bytes(file)]
        return MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call,no-any-return]


def _has_bytes(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:  # its process has just died
        return False


def leave() -> None:
    """Remove the folder if this process made it."""
    global _own
    if _own is not None:
        if os.environ.get(VARIABLE) == str(_own):
            del os.environ[VARIABLE]
        shutil.rmtree(_own, ignore_errors=True)
        _own = None


def _make() -> None:
    global _own
    try:
        _own = Path(tempfile.mkdtemp(prefix="flowy-metrics-"))  # for this user alone
    except OSError as error:  # a file system may be full, or read-only as in a container
        raise ObserverError(
            "Cannot count for several processes: no folder can be made for their files "
            f"({error.strerror or error}). Set TMPDIR to a folder that this process may write to."
        ) from error
    os.environ[VARIABLE] = str(_own)
    atexit.register(_leave_at_exit, os.getpid())


def _leave_at_exit(maker: int) -> None:
    if os.getpid() == maker:  # not in a forked child
        leave()


def _check_import() -> None:
    values = sys.modules.get("prometheus_client.values")
    if values is not None and not values.ValueClass._multiprocess:
        raise ObserverError(
            "Cannot count for several processes: prometheus_client was imported before "
            f"{VARIABLE} was set, so metrics that were made since then would be missing. Import it "
            "later, or set the variable to an empty folder before Python starts: "
            f"{VARIABLE}=$(mktemp -d)."
        )


def _value_class(identifier: str) -> Any:
    from prometheus_client.values import MultiProcessValue

    return MultiProcessValue(lambda: identifier)  # type: ignore[no-untyped-call]
