"""What is counted and timed for OpenTelemetry, by an observer that is fed with events."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from flowy import __version__
from flowy.exception import ObserverError
from flowy.invocation import TaskOutcome
from flowy.metrics.otel import OBSERVER, OpenTelemetryObserver
from flowy.metrics.otel_instruments import OTEL_INSTRUMENTS
from flowy.observer import CallEnded, ProcessEnded, ProcessStarted, Starting, TaskEnded
from tests.unit.metrics.lives import CHARGE, busy, stop

#: Attributes and value of a data point.
Point = tuple[Mapping[str, Any], float]


class Case:
    """An observer, and what a reader gets of it."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader])
        self.observer = OpenTelemetryObserver(self.provider)

    def metrics(self) -> dict[str, Any]:
        data = self._reader.get_metrics_data()
        assert data is not None
        (scope,) = data.resource_metrics[0].scope_metrics
        assert (scope.scope.name, scope.scope.version) == ("flowy", __version__)
        return {metric.name: metric for metric in scope.metrics}

    def points(self, name: str) -> list[Point]:
        """Return the points of a metric; of a histogram the sum."""
        return [
            (dict(point.attributes), point.sum if hasattr(point, "sum") else point.value)
            for point in self.metrics()[name].data.data_points
        ]


@pytest.fixture
def case() -> Iterator[Case]:
    case = Case()
    yield case
    case.provider.shutdown()


SYSTEM = {"messaging.system": "aws_swf"}
ORDERS = {"messaging.destination.name": "orders"}


def test_a_busy_worker(case: Case) -> None:
    """The names of the messaging conventions, or Flowy's own if they have none."""
    case.observer.starting(Starting("shop", "orders"))
    busy(case.observer)
    poll = {**SYSTEM, **ORDERS, "messaging.operation.name": "PollForActivityTask"}
    receive = {**poll, "messaging.operation.type": "receive"}
    settle = {"messaging.operation.type": "settle"}
    failed = {"messaging.operation.name": "RespondActivityTaskFailed"}
    charge = {"flowy.activity": "charge", "flowy.version": "1"}
    process = {"messaging.operation.name": "process", "messaging.operation.type": "process"}
    heartbeat = {"flowy.action": "RecordActivityTaskHeartbeat", "error.type": "Throttled"}
    assert case.points("messaging.client.consumed.messages") == [(poll, 2)]
    assert case.points("messaging.client.operation.duration") == [
        (receive, 6.0),
        ({**receive, "error.type": "Timeout"}, 2.0),
        ({**SYSTEM, **failed, **settle}, 0.25),
    ]
    assert case.points("messaging.process.duration") == [
        (
            {**SYSTEM, **ORDERS, **charge, **process, "flowy.outcome": "failed",
             "error.type": "KeyError"},
            20.0,
        )
    ]  # fmt: skip
    assert case.points("flowy.swf.call.duration") == [(heartbeat, 0.5)]
    assert case.points("flowy.task.answer.duration") == [({}, 0.3)]
    assert case.points("flowy.task.queue.duration") == [(charge, 7.0)]
    assert case.points("flowy.tasks.running") == [
        (charge, 0),
        ({"flowy.activity": "ship", "flowy.version": "2"}, 1),
    ]
    for name, value in (("slots", 10), ("slots.used", 1), ("polls.out", 1)):
        assert case.points(f"flowy.{name}") == [({}, value)]
    polls = [({**ORDERS, "flowy.result": result}, count) for result, count in
             (("task", 2), ("empty", 1), ("lost", 1))]  # fmt: skip
    assert case.points("flowy.polls") == polls
    accepted, failed_ = ({"flowy.result": "accepted"}, 1), ({"flowy.result": "failed"}, 1)
    assert case.points("flowy.heartbeats") == [accepted, failed_]
    assert case.points("flowy.task.status") == [({"flowy.status": "cancel_requested"}, 1)]


def test_a_worker_that_has_ended(case: Case) -> None:
    """Nothing runs, and nothing is out."""
    busy(case.observer)
    stop(case.observer)
    for name in ("flowy.slots", "flowy.slots.used", "flowy.polls.out", "flowy.tasks.running"):
        assert {value for _, value in case.points(name)} == {0}


def test_processes(case: Case) -> None:
    """A supervisor counts replacements, and the tasks of processes that died."""
    case.observer.starting(Starting("shop", "orders", 2))
    case.observer.process_ended(ProcessEnded(1, 0, "exit code 3", expected=False))
    case.observer.process_started(ProcessStarted(2, 0))
    case.observer.task_ended(TaskEnded(CHARGE, TaskOutcome.FAILED, 3.0, 0.1))
    assert case.points("flowy.worker.restarts") == [({"flowy.reason": "exit code 3"}, 1)]
    assert "flowy.slots.used" not in case.metrics()
    assert "flowy.tasks.running" not in case.metrics()


def test_the_metrics_are_those_of_the_table(case: Case) -> None:
    """Names, kinds, units, texts and attributes, and the buckets."""
    busy(case.observer)
    case.observer.process_ended(ProcessEnded(1, 0, "exit code 3", expected=False))
    case.observer.process_started(ProcessStarted(2, 0))
    case.observer.call_ended(CallEnded("RespondActivityTaskCompleted", 0.1, "Throttled"))
    metrics = case.metrics()
    assert set(metrics) == {each.name for each in OTEL_INSTRUMENTS}
    for each in OTEL_INSTRUMENTS:
        metric = metrics[each.name]
        assert (metric.unit, metric.description) == (each.unit, each.help)
        points = metric.data.data_points
        assert {name for point in points for name in point.attributes} == set(each.attributes)
        if each.kind == "histogram":
            assert points[0].explicit_bounds == each.buckets
        else:
            assert metric.data.is_monotonic == (each.kind == "counter")


def test_a_process_is_handed_a_new_one() -> None:
    """The global provider is set in each process."""
    busy(OBSERVER)  # nobody has set a provider: nothing is counted, and nothing fails
    assert isinstance(pickle.loads(pickle.dumps(OBSERVER)), OpenTelemetryObserver)


def test_the_library_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
    with pytest.raises(ObserverError, match="Install opentelemetry-api, Flowy's extra otel"):
        OpenTelemetryObserver().starting(Starting("shop", "orders"))
