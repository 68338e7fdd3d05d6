"""The spans of tasks, by a ``Tracing`` that is fed with events and runs."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import SpanKind, StatusCode

from flowy import __version__
from flowy.context import ActivityInfo
from flowy.invocation import TaskOutcome, TaskStatus
from flowy.metrics.otel_instruments import SYSTEM
from flowy.middleware import Run
from flowy.observer import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    StatusChanged,
    TaskEnded,
    TaskStarted,
)
from flowy.otel import Tracing, trace_id_of
from tests.suspended import an_info
from tests.unit.otel.collected import Collected, attributes, events, ids, parent_of
from tests.unit.otel.lives import CHARGE, POLL, PROCESS, answer, live, operation, poll


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
