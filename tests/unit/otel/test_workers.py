"""Spans of real workers on the local SWF: in threads, on an event loop, in the calling thread."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan

from flowy import Activity, AsyncActivity, activity
from flowy.exception import ActivityFailedError
from flowy.local import LocalSWF
from flowy.observer import Observers
from flowy.otel import Tracing, trace_id_of
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker
from flowy.testing import LocalWorker, replay
from tests.acceptance.flows import Ask, Flow
from tests.patience import PATIENCE_SECONDS
from tests.unit.otel.collected import Collected, attributes, ids, parent_of
from tests.unit.swf.replay import recorded
from tests.unit.swf.worker.attempts_case import open_case

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

#: How many tasks run at once.
SEVERAL = 3

spans = Collected()
tracer = spans.provider.get_tracer("shop")


@pytest.fixture(autouse=True)
def _new_spans() -> None:
    spans.forget()


class Meeting:
    """Lets tasks go on when all of them have come."""

    threads = threading.Barrier(SEVERAL)
    loop: asyncio.Future[None]
    coming = 0


@activity("in-threads", 1, "list")
class InThreads(Activity):
    def run(self) -> None:
        Meeting.threads.wait(PATIENCE_SECONDS)
        with tracer.start_as_current_span("mine", attributes={"run": self.info.run_id}):
            Meeting.threads.wait(PATIENCE_SECONDS)


@activity("on-loop", 1, "list")
class OnLoop(AsyncActivity):
    async def run(self) -> None:
        if not Meeting.coming:
            Meeting.loop = asyncio.get_running_loop().create_future()
        Meeting.coming += 1
        with tracer.start_as_current_span("mine", attributes={"run": self.info.run_id}):
            if Meeting.coming == SEVERAL:
                Meeting.loop.set_result(None)
            await asyncio.wait_for(Meeting.loop, PATIENCE_SECONDS)
            await asyncio.to_thread(tracer.start_span("below").end)


def mine() -> list[ReadableSpan]:
    return [span for span in spans.all() if span.name == "mine"]


@pytest.mark.parametrize("kind", [InThreads, OnLoop])
def test_tasks_at_once(local_swf: LocalSWF, domain: str, kind: type[Activity]) -> None:
    """Each task's own spans are below its run, whatever runs beside it."""
    tracing = Tracing(spans.provider)
    with (
        LocalWorker(local_swf, domain, kind, middleware=[tracing]) as worker,
        ThreadPoolExecutor(SEVERAL) as callers,
    ):
        for called in [callers.submit(worker.call, kind) for _ in range(SEVERAL)]:
            called.result(PATIENCE_SECONDS)
    runs = {ids(span): span for span in spans.all() if span.name.startswith("process ")}
    assert len(runs) == len(mine()) == SEVERAL
    for span in mine():
        parent = parent_of(span)
        assert parent is not None
        run = attributes(runs[parent])
        assert run["flowy.run_id"] == attributes(span)["run"]
        assert parent[0] == trace_id_of(run["flowy.run_id"])
        assert run["flowy.outcome"] == "completed"
    assert len([span for span in spans.all() if span.name.startswith("Poll")]) == SEVERAL
    answers = [span for span in spans.all() if span.name.startswith("Respond")]
    assert {parent_of(span) for span in answers} == set(runs)


def test_an_input_that_does_not_fit(local_swf: LocalSWF, domain: str) -> None:
    """The task has its spans, with the class of the error, although ``run`` was not called."""
    with (
        LocalWorker(local_swf, domain, OnLoop, middleware=[Tracing(spans.provider)]) as worker,
        pytest.raises(ActivityFailedError),
    ):
        worker.call(OnLoop, "too many arguments")
    names = [span.name for span in spans.all()]
    assert names == [
        "PollForActivityTask list", "process on-loop", "RespondActivityTaskFailed on-loop",
    ]  # fmt: skip
    assert attributes(spans.all()[1])["error.type"] == "TypeError"


@activity("asks", 1, "list", history="wanted")
class Asks(Activity):
    def run(self) -> None: ...


def test_control_of_a_history(local_swf: LocalSWF, client: SWFClient, domain: str) -> None:
    """If the history is read, the headers that the decider has put into ``control`` are a link."""
    header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    client.register_workflow_type(domain=domain, name="flow", version="1")
    with LocalWorker(local_swf, domain, Asks, middleware=[Tracing(spans.provider)]):
        control = json.dumps({"traceparent": header})
        Flow(client, domain, [Ask("asks", more=(("control", control),))]).wait()
    (link,) = spans.named("process asks").links
    assert f"{link.context.trace_id:032x}" in header


@pytest.mark.parametrize("when", ["before", "within", "never"])
def test_the_time_in_the_queue(local_swf: LocalSWF, when: str) -> None:
    """It is known if the history was read, before ``run`` or by it."""

    @activity("charge", 1, "work", history="wanted" if when == "before" else "no")
    class Charge(Activity):
        def run(self) -> None:
            if when == "within":
                self.history()

    tracing = Tracing(spans.provider)
    with open_case() as case:
        case.schedule()
        case.swf.clock.turn(20)
        case.task_run(Charge, middleware=(tracing,), observers=Observers([tracing])).run()
    found = attributes(spans.named("process charge")).get("flowy.queue.seconds")
    assert found == (None if when == "never" else pytest.approx(20, abs=1))


def test_a_replay() -> None:
    """Its run says so, in the trace of the execution, which a saved history names."""
    task = recorded.one("charge", 7)
    document = {"runId": "run-1", "events": task.recording.events}
    replay(document, recorded.Charge, middleware=[Tracing(spans.provider)])
    (span,) = spans.all()
    assert attributes(span)["flowy.replay"] is True
    assert ids(span)[0] == trace_id_of("run-1")


@activity("here", 1, "list")
class Here(Activity):
    def run(self) -> None:
        tracer.start_span("mine").end()


def test_a_worker_in_a_span(local_swf: LocalSWF, client: SWFClient, domain: str) -> None:
    """A span around a whole worker is not the parent of its tasks, and stays the current one."""
    client.register_workflow_type(domain=domain, name="flow", version="1")
    swf, found = connect(local_swf.client()), declared_by([Here])
    register(swf, domain, found.values())
    tracing = Tracing(spans.provider)
    worker = ActivityWorker(swf, domain, "list", found, loop=1, signals=False, middleware=[tracing])
    flow = Flow(client, domain, [Ask("here")])
    with tracer.start_as_current_span("main") as main:
        worker.run()
        assert trace.get_current_span() is main
    process = spans.named("process here")
    assert ids(process)[0] == trace_id_of(flow.execution["runId"])
    assert parent_of(spans.named("PollForActivityTask list")) is None
    assert parent_of(mine()[0]) == ids(process)
