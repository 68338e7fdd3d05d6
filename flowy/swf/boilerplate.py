"""The entry points: ``start_activity_worker`` and ``async_scheduler``."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ..concurrency.processes import is_imported_by_child, leave_unguarded
from ..concurrency.threads import run_logged
from ..exception import ScanError
from ..options import documented
from .client import Layer1, connect
from .limits import name_text
from .registration import register
from .suspended.async_scheduler import AsyncScheduler
from .values import ActivityImplementation, ActivityType
from .worker import ActivityWorker, StopReport, WorkerOptions
from .worker.child import WorkerSpec
from .worker.supervisor import Supervisor
from .worker.worker import calls_at_once

if TYPE_CHECKING:
    from ..claims import Store
    from ..codecs import Codec

#: How many threads can use an ``AsyncScheduler`` at once and keep their connections between calls:
#: more than a web app's server has. Connections are made when they are needed.
ASYNC_CALLS_AT_ONCE = 100

#: How long a process that must end waits until its health file and port are closed, in seconds.
LEAVE_SECONDS = 2.0

P = ParamSpec("P")
T = TypeVar("T")


def _takes(
    options: Callable[P, WorkerOptions],
) -> Callable[[Callable[[WorkerOptions], T]], Callable[P, T]]:
    """Give a function of ``WorkerOptions`` their signature, and their descriptions as its docs."""
    signature = inspect.signature(options)

    def decorate(function: Callable[[WorkerOptions], T]) -> Callable[P, T]:
        """Return *function* with that signature."""

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            given = options(*args, **kwargs)
            if given.package is None and given.activities is None:
                given = replace(given, package=_module_of(sys._getframe(1).f_globals))
            return function(given)

        call.__doc__ = documented(function.__doc__, WorkerOptions)
        call.__signature__ = signature.replace(  # type: ignore[attr-defined]
            return_annotation=inspect.signature(function).return_annotation
        )
        return call

    return decorate


@_takes(WorkerOptions)
def start_activity_worker(options: WorkerOptions) -> StopReport:
    """Start the main loop that polls *task_list* of *domain* and runs its activities.

    It returns after a stop. After SIGINT, SIGTERM or SIGHUP, it lets running activities finish, and
    waits for open polls (up to 60 s) and the tasks that they bring. A second signal ends the grace;
    a third one ends all waiting.

    Args:
        {options}

    Returns:
        How the tasks ended, and what the stop left.

    Raises:
        ValueError: an argument cannot be used.
        ScanError: the scan found no activity, or one type twice.
        ObserverError: an observer cannot work.
        RegistrationError: a type is registered with other values than the code declares or is
            deprecated, or the domain does not exist. The error lists everything that is wrong.
        ProcessError: worker processes cannot be started.
        ThreadError: the system cannot start the worker's threads.
        HealthError: the health cannot be served or written.
        SWFError: no client can be made, or the first polls are refused.
        TransientError: with ``loop=0``, types could not be registered or compared within 30 s.
        KeyboardInterrupt, SystemExit: an activity raised it in the serial loop; its task has
            failed.
    """
    return run_worker(options)


def run_worker(
    options: WorkerOptions,
    *,
    activities: Mapping[ActivityType, ActivityImplementation] | None = None,
    registering: AbstractContextManager[None] | None = None,
    leave: Callable[[StopReport], None] | None = None,
    initialize: Callable[[], None] | None = None,
    last: bool = False,
) -> StopReport:
    """Do what ``start_activity_worker`` does, for a process that is only a worker.

    Args:
        options: the options of ``start_activity_worker``.
        activities: what ``options.load()`` returned; None to call it.
        registering: entered while types are registered and compared, to show progress for example.
        leave: called at the end of a stop if the calling thread hangs in an activity; it ends
            the process.
        initialize: called first in each worker process, to configure logging for example.
        last: whether the process ends afterwards, so that later signals are ignored.
    """
    if is_imported_by_child():
        leave_unguarded()
    if activities is None:
        activities = options.load()
    client = connect(
        options.layer1,
        calls_at_once=calls_at_once(options.concurrency),
        observers=options.all_observers,
    )
    worker: ActivityWorker | Supervisor
    shown = ExitStack()
    if options.processes > 1:
        worker = Supervisor(client, WorkerSpec(options.by_name(), initialize), last=last)
    else:
        served = (options.domain, options.task_list, activities)
        leaving = None if leave is None else functools.partial(_leave, shown, leave)
        given = {"loop": options.loop, "leave": leaving, "last": last, **options.serving}
        worker = ActivityWorker(client, *served, **given)
    with shown:
        shown.enter_context(_health_of(worker, options))
        if options.reg_remote:
            with registering or nullcontext():
                # A deployment that only registers must learn if that failed.
                register(client, options.domain, activities.values(), required=options.loop == 0)
        return StopReport() if options.loop == 0 else worker.run()


def _health_of(
    worker: ActivityWorker | Supervisor, options: WorkerOptions
) -> AbstractContextManager[None]:
    """Show the health of a worker in the block, from before its types are registered."""
    if options.health is None or options.loop == 0:
        return nullcontext()
    from ..health.watch import health_shown  # needed only to show the health

    return health_shown(options.health, worker.state)


def _leave(shown: ExitStack, leave: Callable[[StopReport], None], report: StopReport) -> None:
    """End the process although its main thread hangs; its health is shown no longer."""
    closing = threading.Thread(target=lambda: run_logged(shown.close), daemon=True)
    with suppress(RuntimeError):  # no thread is left: the health file gets old
        closing.start()
        closing.join(LEAVE_SECONDS)
    leave(report)


def async_scheduler(
    domain: object,
    layer1: Layer1 | None = None,
    *,
    codecs: Sequence[Codec] = (),
    claims: Store | None = None,
    hide_reasons: bool = False,
) -> AsyncScheduler:
    """Return an object that controls suspended activities by their tokens.

    Args:
        domain: the domain of the activities. Only its form is checked, because a token names its
            task in any domain.
        layer1: a boto3 ``swf`` client to use as it is, or any object with its methods; None makes
            one from the default session.
        codecs: the codecs of the activities, in the order in which they encode.
        claims: stores results that are too long for SWF; None stores nothing.
        hide_reasons: whether reasons of failures are sent as details, which are encrypted.

    Raises:
        ValueError: an argument cannot be used, such as a *domain* that SWF does not accept as name.
        SWFError: no client can be made.
    """
    checked = name_text(domain, "domain", trimmed=True)
    envelope = None
    if codecs or claims is not None or hide_reasons:
        from ..codecs import check_codecs  # needed only by those who have codecs or a store
        from ..envelope import Envelope

        envelope = Envelope(check_codecs(codecs), claims, hide_reasons)
        envelope.check()
    client = connect(layer1, polls=False, calls_at_once=ASYNC_CALLS_AT_ONCE)
    return AsyncScheduler(client, envelope, checked)


def _module_of(its_globals: dict[str, object]) -> ModuleType:
    """Return the module that called ``start_activity_worker``."""
    name = its_globals.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is None:
        raise ScanError(
            f"Cannot scan the calling module: {name!r} is not an imported module. Name what to "
            "scan: start_activity_worker(..., package='my.activities')."
        )
    return module
