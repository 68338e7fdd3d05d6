"""A worker on the local SWF, in the threads of a test's own process.

In its own process, a test can patch what the activities use, count what they did, and debug them;
and the worker starts within milliseconds. Signals and crashes, which need a separate process, are
covered by Flowy's own tests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from ..concurrency.stop import StopLevel
from ..safe_logging import get_logger
from ..swf.calling import CallOptions, call_with
from ..swf.client import connect
from ..swf.registration import register
from ..swf.scanner import Scanner, activities_in, declared_by, one_each
from ..swf.values import ActivityImplementation, ActivityType
from ..swf.worker import ActivityWorker, StopReport
from ..task import Activity

if TYPE_CHECKING:
    from ..local import LocalSWF

logger = get_logger(__name__)

#: How many activities a worker runs at once, for each task list.
CONCURRENCY = 10

#: How long a call may take by default, in seconds, so that a hanging test fails.
CALL_SECONDS = 30

#: How often a stop lets the local SWF answer the polls that it keeps open, in seconds.
RELEASE_SECONDS = 0.05

#: What a worker serves: a module, a package, a dotted name, a class; or some of these.
Served: TypeAlias = "ModuleType | str | type[Activity]"


class LocalWorker:
    """Serves activities on a local SWF, from its start to its stop; a context manager.

    It polls the default task list of each activity, so workflows find them as usual.

    Args:
        swf: a running local SWF.
        domain: one of its domains, in which the types are registered.
        activities: the activities to serve: a module, a package or a dotted name to scan; an
            activity's class; or a list of these.
        options: options of ``flowy.swf.worker.ActivityWorker``; ``concurrency`` is 10 by default.

    Raises:
        ScanError: *activities* contains no activity, or two implementations of one type.
        RegistrationError: the domain already has one of the types, with other values.
    """

    def __init__(
        self, swf: LocalSWF, domain: str, activities: Served | Iterable[Served], **options: Any
    ) -> None:
        self.domain = domain
        #: How its tasks ended; complete after ``stop()``.
        self.report = StopReport()
        self._swf = swf
        self._layer1 = swf.client()
        self._activities = collect(activities)
        options = {"concurrency": CONCURRENCY, **options, "signals": False}
        client = connect(self._layer1)
        register(client, domain, self._activities.values())
        lists = sorted({found.defaults.task_list for found in self._activities.values()})
        self._workers = [
            ActivityWorker(client, domain, task_list, self._activities, **options)
            for task_list in lists
        ]
        self._threads = [
            threading.Thread(
                target=self._run, args=(worker,), name="flowy-local-worker", daemon=True
            )
            for worker in self._workers
        ]
        self._errors: list[BaseException] = []
        self._lock = threading.Lock()

    def __enter__(self) -> LocalWorker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start to poll, in its own threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> StopReport:
        """Stop, and return how the tasks ended.

        Activities that still run are asked to give up. After 2 s, they are abandoned to their
        timeouts.

        Raises:
            Exception: the exception that had ended the worker, such as a SWFError.
        """
        for worker in self._workers:
            worker.stop(StopLevel.CANCEL)
        for thread in self._threads:
            while thread.is_alive():
                self._swf.release_polls()  # again, because a poll may have been on its way
                thread.join(RELEASE_SECONDS)
        if self._errors:
            raise self._errors[0]
        return self.report

    def call(
        self,
        activity: object,
        /,
        *args: Any,
        **keywords: Any,
    ) -> Any:
        """Call an activity as ``call_activity`` does, by its class or by name and version.

        ``call(Echo, "x")`` and ``call("echo", 1, "x")`` are the same. The timeout of a call is 30 s
        by default.

        Args:
            activity: a decorated class; or a type's name, followed by its version.
            args: the positional arguments.
            keywords: the keyword arguments, and options of ``call_activity``.

        Returns:
            The activity's value.

        Raises:
            CallError: as for ``call_activity``.
            ScanError: the class is not decorated.
        """
        defaults = CallOptions(timeout=CALL_SECONDS, layer1=self._layer1)
        return call_with(self.domain, activity, args, keywords, defaults)

    def _run(self, worker: ActivityWorker) -> None:
        try:
            report = worker.run()
        except BaseException as error:
            logger.error("The worker of the test ended (%s).", error)
            self._errors.append(error)
        else:
            with self._lock:
                self.report += report


def collect(
    activities: Served | Iterable[Served],
) -> Mapping[ActivityType, ActivityImplementation]:
    """Return the implementations that *activities* name, by type.

    Raises:
        ScanError: *activities* names none, or two for one type.
    """
    one = isinstance(activities, str | type) or not isinstance(activities, Iterable)
    found: list[ActivityImplementation] = []
    for served in [activities] if one else activities:  # type: ignore[union-attr]
        scanned = declared_by([served]) if isinstance(served, type) else Scanner(served).scan()  # type: ignore[arg-type]
        found.extend(scanned.values())
    return one_each(found, "an empty list")


def known_to(module: ModuleType) -> list[type[Activity]]:
    """Return the activities that a module defines or imports."""
    return list(dict.fromkeys(found.factory for found in activities_in(module)))  # type: ignore[misc]
