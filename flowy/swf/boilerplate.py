"""Where the parts are put together: start a worker, or make an ``async_scheduler``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from ..exception import ScanError
from .client import Layer1, connect
from .registration import register
from .scanner import Ignored, Package, Scanner
from .scheduler import ActivityScheduler, AsyncScheduler
from .values import name_text
from .worker import ActivityWorker


def start_activity_worker(
    domain: object,
    task_list: object,
    layer1: Layer1 | None = None,
    reg_remote: bool = True,
    loop: Any = -1,
    package: Package | Iterable[Package] | None = None,
    ignore: Ignored | Iterable[Ignored] | None = None,
    *,
    on_unknown: str = "fail",
    signals: bool = True,
) -> None:
    """Start the main loop that polls *task_list* of *domain* and runs the activities it brings.

    It returns when a stop was asked for: SIGINT or SIGTERM lets the running activity finish and
    waits for the poll that is out (up to 60 s) and for what it brings; a second signal lets
    ``heartbeat()`` answer False; a third ends at once, by a KeyboardInterrupt.

    Args:
        domain: the SWF domain, which must exist.
        task_list: the list to poll. Every activity scanned is served, whatever its default list.
        layer1: a boto3 ``swf`` client to use as it is, or any object with its methods; None
            makes clients of the default session whose timeouts fit.
        reg_remote: register the types first, and compare those that SWF has already. With False
            nothing is registered or compared: for large fleets, which register once.
        loop: end after so many polls that got an answer, a task or an empty one; 0 registers
            only, -1 goes on until stopped.
        package: what to scan: a module, a package, a dotted name, or a list of these; None scans
            the module that calls.
        ignore: what to skip, as for ``venusian.Scanner.scan``; None skips nothing.
        on_unknown: ``"fail"`` fails a task of a type that this worker does not have, naming what
            it has; ``"abandon"`` leaves it to its timeout, as for a rolling deploy.
        signals: let SIGINT and SIGTERM stop the worker, where it runs on the main thread; the
            handlers before are put back at the end. False leaves all signals alone.

    Raises:
        ValueError: an argument that cannot be used.
        ScanError: the scan found nothing, or one type twice.
        RegistrationError: SWF holds a type otherwise than the code declares it, a type is
            deprecated, or there is no such domain: all that is wrong, in one error.
        SWFError: no client can be made, or the first polls are refused for good.
        KeyboardInterrupt, SystemExit: an activity raised it; its task was failed.
    """
    domain = name_text(domain, "domain", trimmed=True)
    task_list = name_text(task_list, "task_list", trimmed=True)
    if on_unknown not in ("fail", "abandon"):
        raise ValueError(f"Cannot use on_unknown={on_unknown!r}: give 'fail' or 'abandon'.")
    polls = _polls(loop)
    activities = Scanner(_caller() if package is None else package, ignore).scan()
    client = connect(layer1)
    if reg_remote:
        register(client, domain, activities.values())
    if polls == 0:
        return
    ActivityWorker(
        client,
        domain,
        task_list,
        activities,
        loop=polls,
        on_unknown=on_unknown,
        signals=signals,
    ).run()


def async_scheduler(domain: object, layer1: Layer1 | None = None) -> AsyncScheduler:
    """Return what controls suspended activities: ``heartbeat``, ``complete`` and ``fail``.

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
    return AsyncScheduler(ActivityScheduler(connect(layer1, polls=False)))


def _polls(loop: Any) -> int:
    try:
        polls = int(loop)
    except (TypeError, ValueError, OverflowError):
        polls = -2
    if polls < -1:
        raise ValueError(
            f"Cannot use loop={loop!r}: give -1 for no end, 0 to register only, or how many polls."
        )
    return polls


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
