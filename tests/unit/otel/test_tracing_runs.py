"""A ``Tracing`` as middleware alone, in trouble, and handed to another process."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import re
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import StatusCode

from flowy import Activity, AsyncActivity, CancelTask, HandOverTask, SuspendTask
from flowy.exception import ActivityFailedError
from flowy.metrics.otel_instruments import SYSTEM
from flowy.middleware import Run
from flowy.observer import (
    WorkerStarted,
    WorkerStopped,
)
from flowy.otel import TRACING, Tracing, trace_id_of
from flowy.testing import ActivityEnvironment
from tests.unit.otel.collected import Collected, attributes, ids
from tests.unit.otel.lives import PROCESS, live, operation

# As middleware alone


class Charge(Activity):
    def run(self, error: str | None = None) -> str:
        kinds: Mapping[str, BaseException] = {
            "value": ValueError("SECRET"), "suspend": SuspendTask(), "hand over": HandOverTask(),
            "cancel": CancelTask(),
        }  # fmt: skip
        if error:
            raise kinds[error]
        return f"{trace.get_current_span().get_span_context().span_id:x}"


@pytest.mark.parametrize("error", ["suspend", "hand over", "cancel"])
def test_what_steers_is_no_error(spans: Collected, error: str) -> None:
    """In a unit test, where nobody tells the outcome, the middleware ends the span."""
    environment = ActivityEnvironment(middleware=[Tracing(spans.provider)])
    with contextlib.suppress(ActivityFailedError):  # CancelTask without a request
        environment.run(Charge, error)
    (span,) = spans.all()
    assert span.status.status_code is StatusCode.UNSET


def test_middleware_alone(spans: Collected) -> None:
    """Its span is the current one during the run, and has the exception's class."""
    environment = ActivityEnvironment(
        middleware=[Tracing(spans.provider)], info={"name": "charge", "run_id": "run-1"}
    )
    assert environment.run(Charge) == f"{ids(spans.named(PROCESS))[1]:x}"
    assert ids(spans.named(PROCESS))[0] == trace_id_of("run-1")
    with pytest.raises(ValueError, match="SECRET"):
        environment.run(Charge, "value")
    assert attributes(spans.all()[1])["error.type"] == "ValueError"
    assert not trace.get_current_span().get_span_context().is_valid


def test_a_coroutine_that_fails(spans: Collected) -> None:
    """Its span is the current one wherever it awaits, and has the exception's class."""

    class Track(AsyncActivity):
        async def run(self) -> None:
            current = trace.get_current_span()
            await asyncio.sleep(0)
            assert trace.get_current_span() is current
            current.set_attribute("seen", True)
            raise ValueError("SECRET")

    with pytest.raises(ValueError, match="SECRET"):
        ActivityEnvironment(middleware=[Tracing(spans.provider)]).run(Track)
    (span,) = spans.all()
    assert attributes(span)["seen"]
    assert attributes(span)["error.type"] == "ValueError"


def test_middleware_of_worker_and_class(spans: Collected) -> None:
    """Of the same object only the outer one makes a span."""
    tracing = Tracing(spans.provider)
    live(tracing, run=lambda run: tracing.run(run, lambda inner: None))
    assert len(spans.all()) == 3


def test_a_run_without_a_task(spans: Collected) -> None:
    """Outside a worker the span has the name of the class, and a random id."""
    tracing = Tracing(spans.provider)
    for _ in range(2):
        tracing.run(Run(Charge(None, Any, "token"), None, (), {}), lambda run: None)  # type: ignore[arg-type]
    first, second = spans.all()
    assert first.name == "process Charge"
    assert attributes(first) == {**SYSTEM, **operation("process", "process")}
    assert ids(first)[0] != ids(second)[0]


# In trouble, and between processes


def test_trouble_fails_no_task(spans: Collected, caplog: pytest.LogCaptureFixture) -> None:
    """A carrier that raises costs the span, and is logged once: its class and place, no value."""

    def broken(run: Run) -> Mapping[str, str]:
        raise RuntimeError("SECRET")

    environment = ActivityEnvironment(middleware=[Tracing(spans.provider, carrier=broken)])
    assert environment.run(Charge) == "0"
    assert environment.run(Charge) == "0"
    assert spans.all() == []
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    at = re.escape(__file__)
    assert re.match(
        rf"A run is not traced: tracing fails with RuntimeError at {at}:\d+\. Its task goes on;",
        record.getMessage(),
    )
    assert "SECRET" not in caplog.text


class Broken(SpanProcessor):
    """Raises an exception in one of its methods."""

    def __init__(self, method: str) -> None:
        setattr(self, method, self._raise)

    def _raise(self, *args: object, **options: object) -> bool:
        raise RuntimeError("SECRET")


class Count(Activity):
    def run(self, error: str | None = None) -> list[int]:
        if error:
            raise ValueError(error)
        return [1, 2]


class CountAsync(AsyncActivity):
    async def run(self, error: str | None = None) -> list[int]:
        if error:
            raise ValueError(error)
        return [1, 2]


@pytest.mark.parametrize("method", ["on_start", "on_end"])
@pytest.mark.parametrize("counting", [Count, CountAsync])
def test_a_processor_that_raises_leaves_the_value_alone(
    spans: Collected, method: str, counting: type[Activity | AsyncActivity]
) -> None:
    """The run returns or raises what the activity does, in a unit test and in a worker."""
    spans.provider.add_span_processor(Broken(method))
    tracing = Tracing(spans.provider)
    environment = ActivityEnvironment(middleware=[tracing])
    for _ in range(2):
        assert environment.run(counting) == [1, 2]
        with pytest.raises(ValueError, match=r"^its own$"):
            environment.run(counting, "its own")
        assert live(tracing, run=lambda run: [1, 2]) == [1, 2]
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize("method", ["on_start", "on_end"])
def test_a_processor_that_raises_fails_no_task(
    spans: Collected, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises is logged once, without its text, by whatever span; runs and events go on.

    The run has a current span unless the start of one is what raises.
    """
    spans.provider.add_span_processor(Broken(method))
    tracing = Tracing(spans.provider)
    environment = ActivityEnvironment(middleware=[tracing])
    value = environment.run(Charge)
    assert value == "0" if method == "on_start" else int(value, 16) > 0
    for _ in range(2):
        live(tracing)
    assert len(tracing._tasks) == 0
    (record,) = caplog.records
    assert "A run is not traced: tracing fails with RuntimeError at " in record.getMessage()
    assert "SECRET" not in caplog.text


def test_a_processor_that_raises_at_the_end(
    spans: Collected, caplog: pytest.LogCaptureFixture
) -> None:
    """What it raises when the last spans are sent is logged, without its text."""
    spans.provider.add_span_processor(Broken("force_flush"))
    Tracing(spans.provider).worker_stopped(WorkerStopped(None))
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "The last spans may be lost: sending them fails with RuntimeError at "
    )
    assert "SECRET" not in caplog.text


def test_no_provider_is_said(spans: Collected, caplog: pytest.LogCaptureFixture) -> None:
    """A worker that traces nothing warns at its start; nothing fails."""
    started = WorkerStarted("shop", "orders", "me", ("charge 1",), 1, 1)
    Tracing(spans.provider).worker_started(started)
    assert caplog.records == []
    TRACING.worker_started(started)
    assert "no TracerProvider is set in this process" in caplog.text
    live(TRACING)


def test_the_last_spans_are_sent(spans: Collected) -> None:
    """The end of a worker flushes its provider, which may have no such method."""
    flushed = []

    class Provider(trace.NoOpTracerProvider):
        def force_flush(self) -> None:
            flushed.append(True)

    Tracing(Provider()).worker_stopped(WorkerStopped(None))
    Tracing(trace.NoOpTracerProvider()).worker_stopped(WorkerStopped(None))
    assert flushed == [True]


def test_a_process_is_handed_a_new_one() -> None:
    """The options go with it; the global provider is set in each process."""
    tracing = pickle.loads(pickle.dumps(Tracing(polls=False, texts=True)))
    assert (tracing._polls, tracing._texts, tracing._parent) == (False, True, False)
