"""The folder in which the worker processes of one supervisor count together, for Prometheus.

prometheus_client keeps the values of several processes in files, one for each process, and puts
them together for whoever asks. It decides at its import whether it does so, by the variable
``PROMETHEUS_MULTIPROC_DIR``. Files are named by the supervisor's slot here, not by the process id:
a process that replaces another goes on in its files, so that counters never fall, and the files do
not become more with each restart.
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

#: Names the folder, for prometheus_client and for the child processes.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

#: Stands in file names for the supervisor itself, which has no slot.
_SUPERVISOR = "supervisor"

#: The folder that this process has made; None for none.
_own: Path | None = None


def enter(event: Starting) -> None:
    """Let this process count where the others do, if there are several.

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
        return  # somebody else starts several processes, and each is named by its id
    if event.supervises:
        for slot in range(event.processes):  # of a supervisor that was killed
            mark_dead(slot)
    from prometheus_client import values

    identifier = _SUPERVISOR if event.slot is None else str(event.slot)
    values.ValueClass = _value_class(identifier)


def mark_dead(process: int) -> None:
    """Forget what a process has just now, such as the tasks that run; by its slot or its id."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process)  # type: ignore[no-untyped-call]


def registry(folder: str) -> CollectorRegistry:
    """Return a registry with what all processes have counted in a folder."""
    from prometheus_client import CollectorRegistry

    found = CollectorRegistry()
    found.register(_Files(folder))
    return found


class _Files:
    """Collects from files as prometheus_client does, but for those that are empty still.

    A file has no bytes for a moment when a process makes it, and for longer if the process is
    killed then.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def collect(self) -> Iterable[Any]:
        from prometheus_client.multiprocess import MultiProcessCollector

        files = [str(file) for file in self._folder.glob("*.db") if _has_bytes(file)]
        return MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call,no-any-return]


def _has_bytes(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:  # that of a process that has just died
        return False


def leave() -> None:
    """Remove the folder if this process has made it."""
    global _own
    if _own is not None:
        if os.environ.get(VARIABLE) == str(_own):
            del os.environ[VARIABLE]
        shutil.rmtree(_own, ignore_errors=True)
        _own = None


def _make() -> None:
    global _own
    _own = Path(tempfile.mkdtemp(prefix="flowy-metrics-"))  # for this user alone
    os.environ[VARIABLE] = str(_own)
    atexit.register(_leave_at_exit, os.getpid())


def _leave_at_exit(maker: int) -> None:
    if os.getpid() == maker:  # and not a child that it has forked
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
