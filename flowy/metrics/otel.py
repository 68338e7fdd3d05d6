"""Metrics for OpenTelemetry, which need only its API (the extra ``otel``).

``flowy worker --observer flowy.metrics.otel:OBSERVER`` counts and times. A ``MeterProvider``, which
the application configures, decides where the values go. Names and attributes come from
OpenTelemetry's messaging conventions if these define a matching one; a task list is a destination
there. All others begin with ``flowy.``.
"""

from __future__ import annotations

import threading
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
from .in_hand import InHand, Replacements
from .otel_instruments import OTEL_INSTRUMENTS, SYSTEM, OTelInstrument

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider

Attributes = Mapping[str, str]


class OpenTelemetryObserver(Observer):
    """Counts and times what a worker does; ``OBSERVER`` is one for the global provider.

    Args:
        meter_provider: makes the instruments; None for OpenTelemetry's global one, which may be
            set later.
    """

    def __init__(self, meter_provider: MeterProvider | None = None) -> None:
        self._provider = meter_provider
        self._lock = threading.Lock()
        self._instruments: Mapping[str, Any] | None = None
        self._in_hand = InHand()
        self._replacements = Replacements()
        self._supervises = False
        self._slots: list[int] = []  # of the workers in this process

    def __reduce__(self) -> Any:
        """Let another process make a new one."""
        return type(self), (self._provider,)

    def starting(self, event: Starting) -> None:
        """Check that OpenTelemetry's API is installed.

        Raises:
            ObserverError: it is not.
        """
        try:
            import opentelemetry.metrics  # noqa: F401
        except ImportError as error:
            raise ObserverError(
                f"Cannot count for OpenTelemetry: {error}. Install opentelemetry-api, Flowy's "
                "extra otel."
            ) from error
        self._supervises = event.supervises

    def worker_started(self, event: WorkerStarted) -> None:
        """Add the slots of a worker."""
        self._in_hand.serve(event.activity_types)
        self._slots.append(event.concurrency)
        self._add("flowy.slots", event.concurrency)

    def worker_stopped(self, event: WorkerStopped) -> None:
        """Subtract the slots of a worker; a supervisor does not have any."""
        if self._slots:
            self._add("flowy.slots", -self._slots.pop())

    def poll_started(self, event: PollStarted) -> None:
        """Count a poll that is out."""
        self._add("flowy.polls.out", 1)

    def poll_ended(self, event: PollEnded) -> None:
        """Count and time a poll."""
        destination = {"messaging.destination.name": event.task_list}
        self._add("flowy.polls.out", -1)
        self._add("flowy.polls", 1, {**destination, "flowy.result": event.result})
        messaging = {**destination, "messaging.operation.name": "PollForActivityTask"}
        if event.result == "task":
            self._add("flowy.slots.used", 1)
            self._add("messaging.client.consumed.messages", 1, messaging)
        self._record(
            "messaging.client.operation.duration",
            event.seconds,
            {**messaging, "messaging.operation.type": "receive", **_error(event.fault)},
        )

    def call_ended(self, event: CallEnded) -> None:
        """Time a call; the conventions have a name only for answers, which settle a message."""
        if event.action.startswith("RespondActivityTask"):
            attributes = {
                "messaging.operation.name": event.action,
                "messaging.operation.type": "settle",
                **_error(event.fault),
            }
            self._record("messaging.client.operation.duration", event.seconds, attributes)
        else:
            attributes = {"flowy.action": event.action, **_error(event.fault)}
            self._record("flowy.swf.call.duration", event.seconds, attributes)

    def task_started(self, event: TaskStarted) -> None:
        """Count a task that runs."""
        self._in_hand.started(event.info)
        self._add("flowy.tasks.running", 1, self._type_of(event))

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        """Count a heartbeat."""
        result = "accepted" if event.accepted else "failed"
        self._add("flowy.heartbeats", 1, {"flowy.result": result})

    def status_changed(self, event: StatusChanged) -> None:
        """Count a change of a task's status."""
        self._add("flowy.task.status", 1, {"flowy.status": event.status.name.lower()})

    def task_waited(self, event: TaskWaited) -> None:
        """Time how long a task was queued."""
        self._record("flowy.task.queue.duration", event.seconds, self._type_of(event))

    def task_ended(self, event: TaskEnded) -> None:
        """Count and time a task."""
        kind = self._type_of(event)
        if self._in_hand.ended(event.info):
            self._add("flowy.tasks.running", -1, kind)
        if not self._supervises:
            self._add("flowy.slots.used", -1)
        attributes = {
            **kind,
            "messaging.destination.name": event.info.task_list,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "flowy.outcome": event.outcome.name.lower(),
            **_error(None if event.error is None else type(event.error).__qualname__),
        }
        self._record("messaging.process.duration", event.run_seconds, attributes)
        self._record("flowy.task.answer.duration", event.answer_seconds)

    def process_started(self, event: ProcessStarted) -> None:
        """Count a process that replaces another."""
        reason = self._replacements.reason(event.slot)
        if reason is not None:
            self._add("flowy.worker.restarts", 1, {"flowy.reason": reason})

    def process_ended(self, event: ProcessEnded) -> None:
        """Remember how a process ended."""
        self._replacements.ended(event)

    def _type_of(self, event: TaskStarted | TaskWaited | TaskEnded) -> Attributes:
        name, version = self._in_hand.type_of(event.info)
        return {"flowy.activity": name, "flowy.version": version}

    def _add(self, name: str, amount: int, attributes: Attributes | None = None) -> None:
        self._all()[name].add(amount, _with_system(name, attributes))

    def _record(self, name: str, seconds: float, attributes: Attributes | None = None) -> None:
        self._all()[name].record(seconds, _with_system(name, attributes))

    def _all(self) -> Mapping[str, Any]:
        with self._lock:
            if self._instruments is None:
                from opentelemetry.metrics import get_meter

                meter = get_meter("flowy", __version__, self._provider)
                self._instruments = {each.name: _made(meter, each) for each in OTEL_INSTRUMENTS}
            return self._instruments


#: For ``--observer flowy.metrics.otel:OBSERVER``.
OBSERVER = OpenTelemetryObserver()


def _made(meter: Meter, instrument: OTelInstrument) -> Any:
    name, unit, text = instrument.name, instrument.unit, instrument.help
    if instrument.kind == "counter":
        return meter.create_counter(name, unit, text)
    if instrument.kind == "updowncounter":
        return meter.create_up_down_counter(name, unit, text)
    return meter.create_histogram(
        name, unit, text, explicit_bucket_boundaries_advisory=instrument.buckets
    )


def _with_system(name: str, attributes: Attributes | None) -> Attributes | None:
    return {**SYSTEM, **(attributes or {})} if name.startswith("messaging.") else attributes


def _error(kind: str | None) -> Attributes:
    return {} if kind is None else {"error.type": kind}
