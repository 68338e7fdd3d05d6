"""Passes events on to several observers, and logs their errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ..exception import ObserverError
from ..importing import imported
from ..safe_logging import get_logger
from .events import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    PollEnded,
    PollStarted,
    ProcessEnded,
    ProcessStarted,
    Starting,
    StatusChanged,
    StopRequested,
    TaskEnded,
    TaskStarted,
    TaskWaited,
    WorkerStarted,
    WorkerStopped,
)
from .observer import Observer

logger = get_logger(__name__)

E = TypeVar("E")


class Observers(Observer):
    """Passes events on to several observers, whatever they raise; false if it has none.

    Args:
        observers: objects, or their names as ``module.name:OBJECT``; they are called in this order.

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
                class_ = type(error)  # `isinstance` also reads `__class__`, which may raise
                if issubclass(class_, KeyboardInterrupt) and _is_main_thread():
                    raise  # it comes from Ctrl-C
                if issubclass(class_, ObserverError) and isinstance(event, Starting):
                    raise
                kind = (getattr(method, "__qualname__", ""), class_)
                if kind not in self._logged:
                    self._logged.add(kind)
                    logger.exception(
                        "Observer method %s raised %s. The worker goes on; this is logged once.",
                        kind[0],
                        class_.__name__,
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

    def call_started(self, event: CallStarted) -> None:
        """Tell all."""
        self._tell((each.call_started for each in self._observers), event)

    def call_ended(self, event: CallEnded) -> None:
        """Tell all."""
        self._tell((each.call_ended for each in self._observers), event)

    def task_started(self, event: TaskStarted) -> None:
        """Tell all."""
        self._tell((each.task_started for each in self._observers), event)

    def task_waited(self, event: TaskWaited) -> None:
        """Tell all."""
        self._tell((each.task_waited for each in self._observers), event)

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
