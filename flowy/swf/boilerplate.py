"""Where the parts are put together: start a worker, or make an ``async_scheduler``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from ..exception import ScanError
from ..processes import is_imported_by_child, leave_unguarded
from .client import Layer1, connect
from .options import check_processes, check_worker_options, polls_to_answer
from .registration import register
from .report import StopReport
from .scanner import Ignored, Package, Scanner
from .scheduler import ActivityScheduler, AsyncScheduler
from .supervisor import Supervisor, WorkerSpec
from .values import name_text
from .worker import ActivityWorker, calls_at_once

#: Threads that may use what ``async_scheduler`` returns without a connection thrown away after
#: each call: more than a web app's server has. Connections are made as they are needed.
ASYNC_CALLS_AT_ONCE = 100


def start_activity_worker(
    domain: object,
    task_list: object,
    layer1: Layer1 | None = None,
    reg_remote: bool = True,
    loop: Any = -1,
    package: Package | Iterable[Package] | None = None,
    ignore: Ignored | Iterable[Ignored] | None = None,
    *,
    concurrency: int = 1,
    pollers: int | None = None,
    processes: int = 1,
    grace: float | None = None,
    on_stop: str = "abandon",
    on_unknown: str = "fail",
    signals: bool = True,
) -> StopReport:
    """Start the main loop that polls *task_list* of *domain* and runs the activities it brings.

    It returns when a stop was asked for: SIGINT or SIGTERM lets running activities finish, and
    waits for the polls that are out (up to 60 s) and for what they bring; a second signal ends
    the grace; a third waits for nothing more.

    Args:
        domain: the SWF domain, which must exist.
        task_list: the list to poll. Every activity scanned is served, whatever its default list.
        layer1: a boto3 ``swf`` client to use as it is, or any object with its methods; a
            callable that returns one, which with several processes must be importable; None
            makes clients of the default session whose timeouts fit.
        reg_remote: register the types first, and compare those that SWF has already. With False
            nothing is registered or compared: for large fleets, which register once.
        loop: end after so many polls that got an answer, a task or an empty one; 0 registers
            only, -1 goes on until stopped.
        package: what to scan: a module, a package, a dotted name, or a list of these; None scans
            the module that calls.
        ignore: what to skip, as for ``venusian.Scanner.scan``; None skips nothing.
        concurrency: activities at once in a process. 1 is a plain loop in the calling thread.
        pollers: polls out at once in a process; None for 14, or *concurrency* where that is
            less; never more than *concurrency*, for a task that is polled must find a slot.
        processes: worker processes. With more than 1 they run under a supervisor, which replaces
            one that dies and fails its tasks; a script must then guard its call with
            ``if __name__ == "__main__":``, and *loop* must be -1 or 0.
        grace: how many seconds running activities may go on after the first signal, 0 or more;
            None for as long as they like. Then ``heartbeat()`` answers False and coroutines are
            canceled.
        on_stop: what becomes of what still runs a moment after the grace: ``"abandon"`` leaves it
            to its timeout, which deciders commonly retry; ``"fail"`` fails it with a reason that
            begins with ``flowy.reasons.WORKER_STOPPED``.
        on_unknown: ``"fail"`` fails a task of a type that this worker does not have, naming what
            it has; ``"abandon"`` leaves it to its timeout, as for a rolling deploy.
        signals: let SIGINT and SIGTERM stop the worker, where it runs on the main thread; the
            handlers before are put back at the end. False leaves all signals alone.

    Returns:
        What came of the tasks, and what the stop left.

    Raises:
        ValueError: an argument that cannot be used.
        ScanError: the scan found nothing, or one type twice.
        RegistrationError: SWF holds a type otherwise than the code declares it, a type is
            deprecated, or there is no such domain: all that is wrong, in one error.
        ProcessError: worker processes cannot be started.
        SWFError: no client can be made, or the first polls are refused for good.
        KeyboardInterrupt, SystemExit: an activity raised it, in the serial loop; its task was
            failed.
    """
    return run_worker(
        domain,
        task_list,
        layer1,
        reg_remote=reg_remote,
        loop=loop,
        package=_caller() if package is None else package,
        ignore=ignore,
        processes=processes,
        signals=signals,
        concurrency=concurrency,
        pollers=pollers,
        grace=grace,
        on_stop=on_stop,
        on_unknown=on_unknown,
    )


def run_worker(
    domain: object,
    task_list: object,
    layer1: Layer1 | None = None,
    *,
    reg_remote: bool = True,
    loop: Any = -1,
    package: Package | Iterable[Package],
    ignore: Ignored | Iterable[Ignored] | None = None,
    processes: int = 1,
    signals: bool = True,
    leave: Callable[[StopReport], None] | None = None,
    initialize: Callable[[], None] | None = None,
    **options: Any,
) -> StopReport:
    """Do what ``start_activity_worker`` does, for a process that is a worker and nothing else.

    Args:
        leave: called at the end of a stop where the calling thread hangs in an activity; it ends
            the process.
        initialize: called first in each worker process, to configure logging, say.

    The others are those of ``start_activity_worker``.
    """
    if is_imported_by_child():
        leave_unguarded()
    domain = name_text(domain, "domain", trimmed=True)
    task_list = name_text(task_list, "task_list", trimmed=True)
    polls = polls_to_answer(loop)
    check_worker_options(**options)
    check_processes(processes, polls)
    _check_shared(layer1, processes)
    scanner = Scanner(package, ignore)
    activities = scanner.scan()
    client = connect(layer1, calls_at_once=calls_at_once(options["concurrency"]))
    if reg_remote:
        register(client, domain, activities.values())
    if polls == 0:
        return StopReport()
    if processes > 1:
        spec = WorkerSpec(
            domain, task_list, scanner.names, ignore, layer1, options, initialize=initialize
        )
        return Supervisor(client, spec, processes, signals=signals).run()
    worker = ActivityWorker(
        client,
        domain,
        task_list,
        activities,
        loop=polls,
        signals=signals,
        leave=leave,
        **options,
    )
    return worker.run()


def async_scheduler(domain: object, layer1: Layer1 | None = None) -> AsyncScheduler:
    """Return what controls suspended activities: heartbeat, complete, fail and cancel, by token.

    Args:
        domain: the domain of the activities. A token says which task it means, in whichever
            domain; the name is checked all the same.
        layer1: a boto3 ``swf`` client to use as it is, or any object with its methods; None
            makes one of the default session.

    Raises:
        ValueError: *domain* is no name that SWF takes.
        SWFError: no client can be made.
    """
    name_text(domain, "domain", trimmed=True)
    client = connect(layer1, polls=False, calls_at_once=ASYNC_CALLS_AT_ONCE)
    return AsyncScheduler(ActivityScheduler(client))


def _check_shared(layer1: Layer1 | None, processes: int) -> None:
    if processes > 1 and layer1 is not None and not callable(layer1):
        raise ValueError(
            f"Cannot share a client between {processes} processes: give layer1 a function that "
            "returns one, importable by name, or None for the default clients."
        )


def _caller() -> ModuleType:
    """Return the module that called ``start_activity_worker``."""
    name = sys._getframe(2).f_globals.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is None:
        raise ScanError(
            f"Cannot scan the calling module: {name!r} is no imported module. Name what to scan: "
            "start_activity_worker(..., package='my.activities')."
        )
    return module
