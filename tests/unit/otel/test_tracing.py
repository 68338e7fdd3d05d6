"""The spans of tasks, by a ``Tracing`` that is fed with events and runs."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

from flowy import Activity, AsyncActivity, CancelTask, HandOverTask, SuspendTask, __version__
from flowy.context import ActivityInfo
from flowy.exception import ActivityFailedError
from flowy.invocation import TaskOutcome, TaskStatus
from flowy.metrics.otel_instruments import SYSTEM
from flowy.middleware import Run
from flowy.observer import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    PollEnded,
    PollStarted,
    StatusChanged,
    TaskEnded,
    TaskStarted,
    WorkerStarted,
    WorkerStopped,
)
from flowy.otel import TRACING, Tracing, trace_id_of
from flowy.testing import ActivityEnvironment
from tests.suspended import an_info
from tests.unit.otel.collected import Collected, attributes, events, ids, parent_of

CHARGE = an_info(name="charge", run_id="run-1", started_event_id=6)

POLL = "PollForActivityTask orders"
PROCESS = "process charge"


@pytest.fixture
def spans() -> Iterator[Collected]:
    collected = Collected()
    yield collected
    collected.provider.shutdown()


def poll(tracing: Tracing, info: ActivityInfo | None, seconds: float = 2.0) -> None:
    """Let a poll bring a task, or nothing."""
    tracing.poll_started(PollStarted("orders"))
    which = (info.run_id, info.started_event_id) if info else (None, None)
    result: Any = "task" if info else "empty"
    tracing.poll_ended(PollEnded("orders", result, seconds, None, *which))


def answer(tracing: Tracing, action: str, *faults: str | None) -> None:
    """Let an answer be tried, once for each fault."""
    for fault in faults:
        tracing.call_started(CallStarted(action))
        tracing.call_ended(CallEnded(action, 0.0, fault))


def live(
    tracing: Tracing,
    outcome: TaskOutcome = TaskOutcome.COMPLETED,
    error: BaseException | None = None,
    *,
    action: str = "RespondActivityTaskCompleted",
    faults: tuple[str | None, ...] = (None,),
    run: Any = lambda run: None,
) -> None:
    """Let a poll bring a task, run it, and answer for it."""
    poll(tracing, CHARGE)
    tracing.task_started(TaskStarted(CHARGE))
    tracing.run(Run(Activity(None, Any, "token"), CHARGE, (), {}), run)  # type: ignore[arg-type]
    answer(tracing, action, *faults)
    tracing.task_ended(TaskEnded(CHARGE, outcome, 3.0, 0.05, error))


def of_task(info: ActivityInfo) -> dict[str, Any]:
    return {
        "messaging.system": "aws_swf",
        "messaging.destination.name": info.task_list,
        "messaging.client.id": info.identity,
        "flowy.activity": info.name,
        "flowy.version": info.version,
        "flowy.activity_id": info.activity_id,
        "flowy.workflow_id": info.workflow_id,
        "flowy.run_id": info.run_id,
        "flowy.domain": info.domain,
        "flowy.started_event_id": info.started_event_id,
    }


def operation(name: str, kind: str) -> dict[str, Any]:
    return {"messaging.operation.name": name, "messaging.operation.type": kind}


def test_a_task_is_three_spans(spans: Collected) -> None:
    """The poll that brought it, its run, and its answer: each the parent of the next."""
    live(Tracing(spans.provider))
    poll_, process, settle = spans.all()
    assert (poll_.name, process.name, settle.name) == (
        POLL, PROCESS, "RespondActivityTaskCompleted charge",
    )  # fmt: skip
    assert (poll_.kind, process.kind, settle.kind) == (
        SpanKind.CLIENT, SpanKind.CONSUMER, SpanKind.CLIENT,
    )  # fmt: skip
    assert parent_of(poll_) is None
    assert parent_of(process) == ids(poll_)
    assert parent_of(settle) == ids(process)
    task = of_task(CHARGE)
    assert SYSTEM.items() <= task.items()
    assert attributes(poll_) == {**task, **operation("PollForActivityTask", "receive")}
    assert attributes(process) == {
        **task, **operation("process", "process"), "flowy.outcome": "completed",
    }  # fmt: skip
    assert attributes(settle) == {**task, **operation("RespondActivityTaskCompleted", "settle")}
    assert {span.status.status_code for span in spans.all()} == {StatusCode.UNSET}
    assert [events(span) for span in spans.all()] == [[], [], []]
    for span in spans.all():
        scope = span.instrumentation_scope
        assert scope is not None
        assert (scope.name, scope.version) == ("flowy", __version__)


def test_the_times(spans: Collected) -> None:
    """A poll has the seconds that it took, and an answer begins when its run ends."""
    live(Tracing(spans.provider))
    poll_, process, settle = spans.all()
    assert poll_.start_time
    assert poll_.end_time
    assert process.start_time
    assert poll_.end_time - poll_.start_time == 2 * 10**9
    assert poll_.end_time <= process.start_time
    assert settle.start_time
    assert settle.end_time
    assert settle.start_time == process.end_time
    assert settle.end_time - settle.start_time == 50_000_000


def test_one_trace_for_each_execution(spans: Collected) -> None:
    """The trace id is that of the run, also outside the activity's context."""
    tracing = Tracing(spans.provider)
    live(tracing)
    live(tracing)
    assert {ids(span)[0] for span in spans.all()} == {trace_id_of("run-1")}
    assert len(spans.all()) == 6


def test_random_ids() -> None:
    """Without the generator a task is a trace."""
    spans = Collected(of_runs=False)
    tracing = Tracing(spans.provider)
    live(tracing)
    live(tracing)
    traces = [ids(span)[0] for span in spans.all()]
    assert len(set(traces[:3])) == len(set(traces[3:])) == 1
    assert len({*traces, trace_id_of("run-1")}) == 3


@pytest.mark.parametrize("sampler", [TraceIdRatioBased(0.5), ParentBased(TraceIdRatioBased(0.5))])
def test_sampling_keeps_whole_runs(sampler: Sampler) -> None:
    """Of 40 executions, those whose trace id is sampled have all their spans, the others none."""
    spans = Collected()
    spans.provider.sampler = sampler
    tracing = Tracing(spans.provider)
    for number in range(40):
        for task in (1, 2):
            info = an_info(name="charge", run_id=f"run-{number}", started_event_id=task)
            poll(tracing, info)
            tracing.task_started(TaskStarted(info))
            tracing.task_ended(TaskEnded(info, TaskOutcome.COMPLETED, 1.0, 0.1))
    counts = [
        sum(ids(span)[0] == trace_id_of(f"run-{number}") for span in spans.all())
        for number in range(40)
    ]
    assert set(counts) == {0, 6}


def test_a_failure(spans: Collected) -> None:
    """The class of the exception is written, and no text of it."""
    failed = {"action": "RespondActivityTaskFailed"}
    live(Tracing(spans.provider), TaskOutcome.FAILED, KeyError("SECRET"), **failed)  # type: ignore[arg-type]
    process = spans.named(PROCESS)
    assert process.status.status_code is StatusCode.ERROR
    assert process.status.description is None
    assert attributes(process)["error.type"] == "KeyError"
    assert attributes(process)["flowy.outcome"] == "failed"
    assert process.events == ()
    assert spans.named("RespondActivityTaskFailed charge").status.status_code is StatusCode.UNSET
    assert all("SECRET" not in span.to_json() for span in spans.all())


def test_texts_on_request(spans: Collected) -> None:
    """With ``texts`` the span has the message and the traceback, as OpenTelemetry names them."""
    try:
        raise KeyError("SECRET")
    except KeyError as raised:
        error = raised
    live(Tracing(spans.provider, texts=True), TaskOutcome.FAILED, error)
    process = spans.named(PROCESS)
    assert process.status.description == "KeyError: 'SECRET'"
    ((name, about),) = events(process)
    assert name == "exception"
    assert about["exception.type"] == "KeyError"
    assert about["exception.message"] == "KeyError: 'SECRET'"
    assert "test_texts_on_request" in about["exception.stacktrace"]


@pytest.mark.parametrize("outcome", TaskOutcome)
def test_outcomes(spans: Collected, outcome: TaskOutcome) -> None:
    """A task without an exception counts as an error if it is failed, or nobody answers for it."""
    live(Tracing(spans.provider), outcome, faults=())
    process = spans.named(PROCESS)
    assert attributes(process)["flowy.outcome"] == outcome.name.lower()
    bad = outcome.name in ("FAILED", "FAILED_BY_STOP", "ABANDONED", "UNANSWERED")
    assert (process.status.status_code is StatusCode.ERROR) == bad
    settled = {"COMPLETED": "Completed", "FAILED": "Failed", "FAILED_BY_STOP": "Failed",
               "CANCELED": "Canceled"}.get(outcome.name)  # fmt: skip
    names = [span.name for span in spans.all()[2:]]
    assert names == ([f"RespondActivityTask{settled} charge"] if settled else [])


def test_an_answer_that_is_tried_again(spans: Collected) -> None:
    """The span of an answer has an event for each try that failed; the last try decides."""
    tried = ("ThrottlingException", "ThrottlingException", None)
    live(Tracing(spans.provider), faults=tried)
    settle = spans.named("RespondActivityTaskCompleted charge")
    about = {"messaging.operation.name": "RespondActivityTaskCompleted",
             "error.type": "ThrottlingException"}  # fmt: skip
    assert events(settle) == [("try failed", about)] * 2
    assert settle.status.status_code is StatusCode.UNSET
    assert "error.type" not in attributes(settle)


def test_an_answer_that_is_not_taken(spans: Collected) -> None:
    """It is an error of the answer, not of the run."""
    live(Tracing(spans.provider), TaskOutcome.CLOSED, faults=("UnknownResourceFault",))
    settle = spans.named("RespondActivityTaskCompleted charge")
    assert settle.status.status_code is StatusCode.ERROR
    assert attributes(settle)["error.type"] == "UnknownResourceFault"
    assert spans.named(PROCESS).status.status_code is StatusCode.UNSET


def test_a_refused_result(spans: Collected) -> None:
    """An answer that becomes a failure is named by its last call."""
    tracing = Tracing(spans.provider)
    poll(tracing, CHARGE)
    tracing.task_started(TaskStarted(CHARGE))
    answer(tracing, "RespondActivityTaskCompleted", "ValidationException")
    answer(tracing, "RespondActivityTaskFailed", None)
    tracing.task_ended(TaskEnded(CHARGE, TaskOutcome.FAILED, 3.0, 0.05))
    settle = spans.named("RespondActivityTaskFailed charge")
    assert [name for name, _ in events(settle)] == ["try failed"]
    assert settle.status.status_code is StatusCode.UNSET


def test_calls_of_another_task_do_not_count(spans: Collected) -> None:
    """A thread that was given up may have delivered another task's answer before."""
    tracing = Tracing(spans.provider)
    call = CallEnded("RespondActivityTaskFailed", 60.0, "Timeout")
    tracing.call_started(CallStarted(call.action))
    tracing.call_ended(call)
    live(tracing)
    assert events(spans.named("RespondActivityTaskCompleted charge")) == []


def test_a_run_that_its_middleware_never_saw(spans: Collected) -> None:
    """A task whose input cannot be decoded has all its spans, too."""
    tracing = Tracing(spans.provider)
    poll(tracing, CHARGE)
    tracing.task_started(TaskStarted(CHARGE))
    answer(tracing, "RespondActivityTaskFailed", None)
    tracing.task_ended(TaskEnded(CHARGE, TaskOutcome.FAILED, 3.0, 0.05, ValueError()))
    assert [span.name for span in spans.all()] == [
        POLL, PROCESS, "RespondActivityTaskFailed charge",
    ]  # fmt: skip


def test_a_task_whose_process_died(spans: Collected) -> None:
    """A supervisor, which has only heard of the task, makes the spans of its run and answer."""
    tracing = Tracing(spans.provider)
    answer(tracing, "RespondActivityTaskFailed", None)
    tracing.task_ended(TaskEnded(CHARGE, TaskOutcome.FAILED, 3.0, 0.05))
    process, settle = spans.all()
    assert (process.name, ids(process)[0]) == (PROCESS, trace_id_of("run-1"))
    assert process.start_time
    assert process.end_time
    assert process.end_time - process.start_time == 3 * 10**9
    assert parent_of(settle) == ids(process)


def test_empty_polls_have_no_span(spans: Collected) -> None:
    """Only a poll that brought a task has one, and none does with ``polls=False``."""
    tracing = Tracing(spans.provider)
    poll(tracing, None)
    assert spans.all() == []
    live(Tracing(spans.provider, polls=False))
    assert [span.name for span in spans.all()] == [PROCESS, "RespondActivityTaskCompleted charge"]


def test_news_of_a_task(spans: Collected) -> None:
    """Heartbeats that SWF did not accept, and what heartbeats bring, are events of the run."""
    tracing = Tracing(spans.provider)

    def run(run: Run) -> None:
        tracing.heartbeat_ended(HeartbeatEnded(CHARGE, accepted=True))
        tracing.heartbeat_ended(HeartbeatEnded(CHARGE, accepted=False, fault="Throttled"))
        tracing.status_changed(StatusChanged(CHARGE, TaskStatus.CANCEL_REQUESTED))

    live(tracing, run=run)
    assert events(spans.named(PROCESS)) == [
        ("heartbeat failed", {"error.type": "Throttled"}),
        ("status changed", {"flowy.status": "cancel_requested"}),
    ]
    tracing.status_changed(StatusChanged(CHARGE, TaskStatus.CLOSED))  # too late: nothing happens


def test_nothing_is_kept(spans: Collected) -> None:
    """A task that has ended is forgotten, one of an unknown type too."""
    tracing = Tracing(spans.provider)
    live(tracing)
    poll(tracing, CHARGE)
    tracing.task_ended(TaskEnded(CHARGE, TaskOutcome.LEFT_UNKNOWN, 0.0, 0.0))
    assert len(tracing._tasks) == 0


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


def test_a_processor_that_raises_fails_no_task(
    spans: Collected, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is raised when a span ends is logged, and the value is the activity's."""
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

    class Broken(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raise RuntimeError("So it does.")

    spans.provider.add_span_processor(Broken())
    environment = ActivityEnvironment(middleware=[Tracing(spans.provider)])
    assert environment.run(Charge) != "0"
    assert "A run is not traced: tracing fails with RuntimeError at " in caplog.text


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
