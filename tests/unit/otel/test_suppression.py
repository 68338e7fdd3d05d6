"""Which calls other instrumentations see."""

from __future__ import annotations

import threading

from opentelemetry.instrumentation.utils import (
    is_http_instrumentation_enabled,
    is_instrumentation_enabled,
)

from flowy import Activity
from flowy.observer import CallEnded, CallStarted, PollEnded, PollStarted, WorkerStopped
from flowy.otel import Tracing
from flowy.testing import ActivityEnvironment

BEAT = "RecordActivityTaskHeartbeat"


def wanted() -> bool:
    assert is_instrumentation_enabled() == is_http_instrumentation_enabled()
    return is_instrumentation_enabled()


def test_polls_and_calls_of_the_worker_are_suppressed() -> None:
    """From its start to its end, and in its own thread alone."""
    tracing = Tracing()
    seen = []
    tracing.poll_started(PollStarted("orders"))
    assert not wanted()
    thread = threading.Thread(target=lambda: seen.append(wanted()))
    thread.start()
    thread.join()
    assert seen == [True]
    tracing.poll_ended(PollEnded("orders", "empty", 60.0))
    assert wanted()
    tracing.call_started(CallStarted(BEAT))
    assert not wanted()
    tracing.call_ended(CallEnded(BEAT, 0.1))
    assert wanted()


def test_calls_of_an_activity_are_seen() -> None:
    """A heartbeat of its own has a span below that of the run."""
    tracing = Tracing()

    class Work(Activity):
        def run(self) -> list[bool]:
            tracing.call_started(CallStarted(BEAT))
            during = wanted()
            tracing.call_ended(CallEnded(BEAT, 0.1))
            return [during, wanted()]

    assert ActivityEnvironment().run(Work) == [True, True]


def test_an_interrupted_poll_suppresses_no_longer_than_its_worker() -> None:
    """A script that goes on after its worker is seen again."""
    tracing = Tracing()
    tracing.poll_started(PollStarted("orders"))
    tracing.worker_stopped(WorkerStopped(None))
    assert wanted()
    tracing.poll_ended(PollEnded("orders", "empty", 60.0))  # nothing is left to end
