"""Observers: objects that are told what a worker does, by frozen events.

Metrics, health checks and progress displays are observers. They change nothing: an observer that
raises is logged once for each method and exception class, and the worker goes on.

Methods must be quick and thread-safe: the worker's own threads call them, several at once, between
the calls to SWF. With several processes each has observers of its own, and the supervisor's
observers are told about the processes.

An observer that cannot work at all, for example because a library is missing, raises an
``ObserverError`` in ``starting``. This is the only error that ends a worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from .concurrency.stop import StopLevel
from .context import ActivityInfo
from .exception import ObserverError
from .importing import imported
from .invocation.outcome import TaskOutcome
from .invocation.status import TaskStatus
from .safe_logging import get_logger

logger = get_logger(__name__)


@dataclass(frozen=True)
class Starting:
    """A process is about to serve a task list, or to supervise the processes that serve it.

    Attributes:
        domain, task_list: what is polled.
        processes: how many worker processes there will be; with 1 there is no supervisor.
        slot: which of them this is, from 0; a process that replaces it has the same. None for the
            supervisor, and for a worker without one.
    """

    domain: str
    task_list: str
    processes: int = 1
    slot: int | None = None

    @property
    def supervises(self) -> bool:
        """Whether this process is the supervisor."""
        return self.processes > 1 and self.slot is None


@dataclass(frozen=True)
class WorkerStarted:
    """A worker begins to poll. ``activity_types`` are texts such as ``"charge 1"``."""

    domain: str
    task_list: str
    identity: str
    activity_types: tuple[str, ...]
    concurrency: int
    pollers: int


@dataclass(frozen=True)
class StopRequested:
    """A stop has reached a level; each level is told once."""

    level: StopLevel


@dataclass(frozen=True)
class WorkerStopped:
    """A worker, or a supervisor, has ended; ``report`` is its ``StopReport``."""

    report: Any


@dataclass(frozen=True)
class PollStarted:
    """A poll is about to be sent; ``task_list`` is the list that is polled."""

    task_list: str


@dataclass(frozen=True)
class PollEnded:
    """A poll has ended.

    Attributes:
        task_list: the list that was polled.
        result: ``"task"``, ``"empty"``, ``"error"`` if SWF did not carry it out, or ``"lost"`` if
            it may have cost a task.
        seconds: how long the poll took.
        fault: SWF's code, or the name of the client's exception; None if the poll succeeded.
    """

    task_list: str
    result: Literal["task", "empty", "error", "lost"]
    seconds: float
    fault: str | None = None


@dataclass(frozen=True)
class CallEnded:
    """A call other than a poll has ended.

    Attributes:
        action: SWF's name, such as ``"RespondActivityTaskCompleted"``.
        seconds: how long the call took, with the client's own retries.
        fault: SWF's code, or the name of the client's exception; None if SWF accepted the call.
    """

    action: str
    seconds: float
    fault: str | None = None


@dataclass(frozen=True)
class TaskStarted:
    """A poll brought a task, and it is about to run."""

    info: ActivityInfo


@dataclass(frozen=True)
class HeartbeatEnded:
    """A heartbeat was sent, by the activity or in the background.

    Attributes:
        info: the task.
        accepted: whether SWF accepted it.
        fault: why SWF did not, as in ``CallEnded``; None if it did.
    """

    info: ActivityInfo
    accepted: bool
    fault: str | None = None


@dataclass(frozen=True)
class StatusChanged:
    """The answer to a heartbeat changed the status of a task."""

    info: ActivityInfo
    status: TaskStatus


@dataclass(frozen=True)
class TaskEnded:
    """A task has its outcome, and the worker is done with it.

    Attributes:
        info: the task.
        outcome: how it ended, as far as the worker knows.
        run_seconds: from the poll to the end of the run.
        answer_seconds: from the end of the run until SWF took the answer, or it was given up.
        error: the exception behind a failure, or None. An observer sees exceptions only here;
            middleware sees them, too.
    """

    info: ActivityInfo
    outcome: TaskOutcome
    run_seconds: float
    answer_seconds: float
    error: BaseException | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ProcessStarted:
    """A supervisor has started a worker process, in one of its slots, numbered from 0."""

    pid: int
    slot: int


@dataclass(frozen=True)
class ProcessEnded:
    """A worker process has ended.

    Attributes:
        pid: which one.
        slot: its slot; a replacement gets the same one.
        end: an exit code, or a signal and its name.
        expected: whether it ended well: with exit code 0, and all its tasks settled.
    """

    pid: int
    slot: int
    end: str
    expected: bool


class Observer:
    """The base class of observers: override what you need, each method takes one event."""

    def starting(self, event: Starting) -> None:
        """A process is about to serve or to supervise: the first event, before anything else.

        Raises:
            ObserverError: the observer cannot work; the process does not start.
        """

    def worker_started(self, event: WorkerStarted) -> None:
        """A worker begins to poll."""

    def stop_requested(self, event: StopRequested) -> None:
        """A stop has reached a level."""

    def worker_stopped(self, event: WorkerStopped) -> None:
        """A worker has ended."""

    def poll_started(self, event: PollStarted) -> None:
        """A poll is about to be sent."""

    def poll_ended(self, event: PollEnded) -> None:
        """A poll has ended."""

    def call_ended(self, event: CallEnded) -> None:
        """A call other than a poll has ended."""

    def task_started(self, event: TaskStarted) -> None:
        """A task is about to run."""

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        """A heartbeat was sent."""

    def status_changed(self, event: StatusChanged) -> None:
        """The status of a task has changed."""

    def task_ended(self, event: TaskEnded) -> None:
        """A task has its outcome."""

    def process_started(self, event: ProcessStarted) -> None:
        """A supervisor has started a worker process."""

    def process_ended(self, event: ProcessEnded) -> None:
        """A worker process has ended."""


E = TypeVar("E")


class Observers(Observer):
    """Passes events on to several observers, whatever they raise; false if it has none.

    Args:
        observers: who is told, in this order: objects, or their names, ``module.name:OBJECT``.

    Raises:
        ValueError: they are not a list or tuple of ``Observer`` objects.
        ImportError: an object cannot be imported.
    """

    def __init__(self, observers: Sequence[Observer | str] = ()) -> None:
        found = imported(observers)
        several = isinstance(found, tuple)
        for each in found if several else [found]:
            if not (several and isinstance(each, Observer)):
                raise ValueError(
                    f"Cannot use {each!r} as observers: give a list of objects whose class "
                    "derives from flowy.observer.Observer, such as observers=[MyObserver()]."
                )
        self._observers: tuple[Observer, ...] = found
        self._logged: set[tuple[str, type[BaseException]]] = set()

    def __bool__(self) -> bool:
        return bool(self._observers)

    def _tell(self, methods: Iterable[Callable[[E], None]], event: E) -> None:
        for method in methods:
            try:
                method(event)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) and _is_main_thread():
                    raise  # it comes from Ctrl-C
                if isinstance(error, ObserverError) and isinstance(event, Starting):
                    raise
                kind = (getattr(method, "__qualname__", ""), type(error))
                if kind not in self._logged:
                    self._logged.add(kind)
                    logger.exception(
                        "Observer method %s raised %s. The worker goes on; this is logged once.",
                        kind[0],
                        type(error).__name__,
                    )

    def starting(self, event: Starting) -> None:
        """Tell all."""
        self._tell((each.starting for each in self._observers), event)

    def worker_started(self, event: WorkerStarted) -> None:
        """Tell all."""
        self._tell((each.worker_started for each in self._observers), event)

    def stop_requested(self, event: StopRequested) -> None:
        """Tell all."""
        self._tell((each.stop_requested for each in self._observers), event)

    def worker_stopped(self, event: WorkerStopped) -> None:
        """Tell all."""
        self._tell((each.worker_stopped for each in self._observers), event)

    def poll_started(self, event: PollStarted) -> None:
        """Tell all."""
        self._tell((each.poll_started for each in self._observers), event)

    def poll_ended(self, event: PollEnded) -> None:
        """Tell all."""
        self._tell((each.poll_ended for each in self._observers), event)

    def call_ended(self, event: CallEnded) -> None:
        """Tell all."""
        self._tell((each.call_ended for each in self._observers), event)

    def task_started(self, event: TaskStarted) -> None:
        """Tell all."""
        self._tell((each.task_started for each in self._observers), event)

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        """Tell all."""
        self._tell((each.heartbeat_ended for each in self._observers), event)

    def status_changed(self, event: StatusChanged) -> None:
        """Tell all."""
        self._tell((each.status_changed for each in self._observers), event)

    def task_ended(self, event: TaskEnded) -> None:
        """Tell all."""
        self._tell((each.task_ended for each in self._observers), event)

    def process_started(self, event: ProcessStarted) -> None:
        """Tell all."""
        self._tell((each.process_started for each in self._observers), event)

    def process_ended(self, event: ProcessEnded) -> None:
        """Tell all."""
        self._tell((each.process_ended for each in self._observers), event)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
