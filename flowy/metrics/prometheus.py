"""Metrics for Prometheus, made with prometheus_client (the extra ``prometheus``).

``flowy worker --observer flowy.metrics.prometheus:OBSERVER`` counts and times; ``render`` returns
the answer to a scrape. prometheus_client is imported only when a worker starts.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..exception import ObserverError
from ..observer import (
    CallEnded,
    HeartbeatEnded,
    Observer,
    PollEnded,
    PollStarted,
    ProcessEnded,
    ProcessStarted,
    Starting,
    StatusChanged,
    TaskEnded,
    TaskStarted,
    TaskWaited,
    WorkerStarted,
    WorkerStopped,
)
from . import shared_folder
from .in_hand import InHand, Replacements
from .instruments import INSTRUMENTS, Instrument

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_lock = threading.Lock()

#: The metrics of each registry. A registry takes each name only once, so all its workers share
#: them.
_made: weakref.WeakKeyDictionary[CollectorRegistry, Mapping[str, Any]] = weakref.WeakKeyDictionary()


class PrometheusObserver(Observer):
    """Counts and times what a worker does; ``OBSERVER`` is one for the default registry.

    Args:
        registry: the registry of the metrics; None for prometheus_client's default. With several
            processes, the metrics are not registered, and ``render`` returns those of all
            processes.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry
        self._shares = self._supervises = False
        self._slots: list[int] = []  # of the workers in this process
        self._metrics: Mapping[str, Any] | None = None
        self._children: dict[tuple[str, ...], Any] = {}
        self._in_hand = InHand()
        self._replacements = Replacements()

    def __reduce__(self) -> Any:
        """Let another process make a new one."""
        return type(self), (self._registry,)

    def starting(self, event: Starting) -> None:
        """Choose where this process counts: in a registry or in the shared folder.

        Raises:
            ObserverError: prometheus_client is missing, or was imported too early.
        """
        shared_folder.enter(event)
        _check_installed()
        self._shares, self._supervises = event.processes > 1, event.supervises
        self._metrics = None
        self._children = {}
        self._of("flowy_info", __version__).set(1)

    def worker_started(self, event: WorkerStarted) -> None:
        """Add the slots of a worker."""
        self._in_hand.serve(event.activity_types)
        self._of("flowy_info", __version__).set(1)
        self._slots.append(event.concurrency)
        self._of("flowy_slots").inc(event.concurrency)
        # The start stands in for the first answer; 0 would mean 1970.
        self._of("flowy_poll_last_answer_timestamp_seconds").set(time.time())

    def worker_stopped(self, event: WorkerStopped) -> None:
        """Subtract the slots of a worker; a supervisor does not have any."""
        if self._slots:
            self._of("flowy_slots").dec(self._slots.pop())

    def poll_started(self, event: PollStarted) -> None:
        """Count a poll that is out."""
        self._of("flowy_polls_out").inc()

    def poll_ended(self, event: PollEnded) -> None:
        """Count a poll."""
        self._of("flowy_polls_out").dec()
        self._of("flowy_polls_total", event.task_list, event.result).inc()
        if event.fault is None:
            self._of("flowy_poll_last_answer_timestamp_seconds").set(time.time())
        if event.result == "task":
            self._of("flowy_slots_used").inc()

    def call_ended(self, event: CallEnded) -> None:
        """Count and time a call."""
        self._of("flowy_swf_calls_total", event.action, event.fault or "").inc()
        self._of("flowy_swf_call_seconds", event.action).observe(event.seconds)

    def task_started(self, event: TaskStarted) -> None:
        """Count a task that runs."""
        self._in_hand.started(event.info)
        self._of("flowy_tasks_running", *self._in_hand.type_of(event.info)).inc()

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        """Count a heartbeat."""
        self._of("flowy_heartbeats_total", "accepted" if event.accepted else "failed").inc()

    def status_changed(self, event: StatusChanged) -> None:
        """Count a change of a task's status."""
        self._of("flowy_task_status_total", event.status.name.lower()).inc()

    def task_waited(self, event: TaskWaited) -> None:
        """Time how long a task was queued."""
        kind = self._in_hand.type_of(event.info)
        self._of("flowy_task_queue_seconds", *kind).observe(event.seconds)

    def task_ended(self, event: TaskEnded) -> None:
        """Count and time a task."""
        kind = self._in_hand.type_of(event.info)
        if self._in_hand.ended(event.info):
            self._of("flowy_tasks_running", *kind).dec()
        if not self._supervises:
            self._of("flowy_slots_used").dec()
        self._of("flowy_task_run_seconds", *kind).observe(event.run_seconds)
        self._of("flowy_task_answer_seconds").observe(event.answer_seconds)
        # Last: a scrape in between must not show a task that was counted, but not timed.
        self._of("flowy_tasks_total", *kind, event.outcome.name.lower()).inc()

    def process_started(self, event: ProcessStarted) -> None:
        """Count a process that replaces another."""
        reason = self._replacements.reason(event.slot)
        if reason is not None:
            self._of("flowy_worker_restarts_total", reason).inc()

    def process_ended(self, event: ProcessEnded) -> None:
        """Remember how a process ended, and drop its current values."""
        self._replacements.ended(event)
        if self._shares:
            shared_folder.mark_dead(event.slot, event.pid)

    def _of(self, name: str, *labels: str) -> Any:
        """Return a metric with these label values."""
        child = self._children.get((name, *labels))
        if child is None:
            metric = self._all()[name]
            child = metric.labels(*labels) if labels else metric
            self._children[(name, *labels)] = child
        return child

    def _all(self) -> Mapping[str, Any]:
        with _lock:
            if self._metrics is None:
                self._metrics = _in_no_registry() if self._shares else _in_registry(self._registry)
            return self._metrics


#: For ``--observer flowy.metrics.prometheus:OBSERVER``.
OBSERVER = PrometheusObserver()


def render() -> tuple[bytes, str]:
    """Return the answer to a scrape, and its content type.

    The answer has all metrics of prometheus_client's default registry, including your own. With
    several processes, it has the combined values of all processes.

    Raises:
        ObserverError: prometheus_client is missing.
    """
    _check_installed()
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

    folder = os.environ.get(shared_folder.VARIABLE)
    registry = shared_folder.registry(folder) if folder else REGISTRY
    return generate_latest(registry), CONTENT_TYPE_LATEST


def _check_installed() -> None:
    try:
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise ObserverError(
            f"Cannot count for Prometheus: {error}. Install prometheus-client, Flowy's extra "
            "prometheus."
        ) from error


def _in_registry(registry: CollectorRegistry | None) -> Mapping[str, Any]:
    """Return the metrics of a registry; callers have ``_lock``."""
    from prometheus_client import REGISTRY

    chosen = REGISTRY if registry is None else registry
    if chosen not in _made:
        _made[chosen] = {each.name: _metric(each, chosen) for each in INSTRUMENTS}
    return _made[chosen]


def _in_no_registry() -> Mapping[str, Any]:
    return {each.name: _metric(each, None) for each in INSTRUMENTS}


def _metric(instrument: Instrument, registry: CollectorRegistry | None) -> Any:
    from prometheus_client import Counter, Gauge, Histogram

    name, text, labels = instrument.name, instrument.help, instrument.labels
    if instrument.kind == "counter":
        return Counter(name, text, labels, registry=registry)
    if instrument.kind == "histogram":
        return Histogram(name, text, labels, buckets=instrument.buckets, registry=registry)
    assert instrument.processes
    return Gauge(name, text, labels, registry=registry, multiprocess_mode=instrument.processes)
