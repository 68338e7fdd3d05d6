"""Spans that real worker processes send to a receiver of OTLP."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowy.otel import trace_id_of
from tests.acceptance.flows import Ask, Flow
from tests.acceptance.processes import Process, seeing_the_tests
from tests.gates import Gate
from tests.otlp_receiver import OTLPReceiver, ReceivedSpan, receiving
from tests.patience import PATIENCE_SECONDS, until

ACTIVITIES = """
    import os, signal
    from opentelemetry import trace
    from flowy import Activity, AsyncActivity, activity
    from tests.gates import wait_in

    tracer = trace.get_tracer("shop")

    @activity("pass", 1, "list", heartbeat=60)
    class Pass(Activity):
        def run(self, gate):
            with tracer.start_as_current_span("pass the gate"):
                wait_in(gate)
            self.heartbeat()

    @activity("track", 1, "list", heartbeat=60)
    class Track(AsyncActivity):
        async def run(self, gate):
            await self.heartbeat()
            with tracer.start_as_current_span("track"):
                raise ValueError("SECRET")

    @activity("die", 1, "list")
    class Die(Activity):
        def run(self):
            os.kill(os.getpid(), signal.SIGKILL)
"""

#: A provider of each process, made when the process imports it.
TRACING = """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from flowy.otel import RunIdGenerator, Tracing

    provider = TracerProvider(id_generator=RunIdGenerator())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    TRACING = Tracing(provider)
"""


@pytest.fixture
def receiver() -> Iterator[OTLPReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def options(write: Callable[..., Path], domain: str) -> list[str]:
    """``flowy worker`` for activities, and a module with a provider."""
    write("shop/__init__.py", "")
    write("shop/activities.py", ACTIVITIES)
    write("shop/tracing.py", TRACING)
    return ["worker", "--domain", domain, "--task-list", "list", "shop.activities"]


def trace_of(flow: Flow) -> str:
    """Return the trace id of an execution."""
    return f"{trace_id_of(flow.execution['runId']):032x}"


def started(flow: Flow) -> int:
    """How many tasks were started."""
    return sum(event["eventType"] == "ActivityTaskStarted" for event in flow.events())


def test_several_processes_by_opentelemetry_instrument(
    options: list[str],
    receiver: OTLPReceiver,
    flow: Callable[..., Flow],
    gate: Gate,
    swf_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """Each process has a provider, and all spans of an execution, botocore's too, are one trace."""
    programs = Path(sys.executable).parent
    environment = {
        **seeing_the_tests(swf_environment),
        **receiver.environment,
        "OTEL_PYTHON_ID_GENERATOR": "flowy",
        "OTEL_SERVICE_NAME": "orders",
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
    }
    with subprocess.Popen(
        ["opentelemetry-instrument", "flowy", *options, "--processes", "2",
         "--middleware", "flowy.otel:TRACING"],
        env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        try:
            assert worker.stderr is not None
            for line in worker.stderr:
                if "Worker started" in line:
                    break
            first = flow(*[Ask("pass", f'[["{gate.path}"], {{}}]')] * 2)
            until(lambda: started(first) == 2, "a task in each process")
            gate.open_for(2)
            first.wait()
            second = flow(Ask("track", '[[""], {}]'))
            second.wait()
            receiver.wait_for("RespondActivityTaskCompleted pass", 2)
            receiver.wait_for("RespondActivityTaskFailed track")  # before its process dies
            third = flow(Ask("die"))
            third.wait()
            receiver.wait_for("process die")
            worker.send_signal(signal.SIGTERM)
            _, log = worker.communicate(timeout=PATIENCE_SECONDS)
        finally:
            worker.kill()
    assert worker.returncode == 0, log
    _check_instrumented(receiver, trace_of(first), trace_of(second), trace_of(third))


def _check_instrumented(receiver: OTLPReceiver, first: str, second: str, third: str) -> None:
    made = [span for span in receiver.spans if span.scope in ("flowy", "shop")]
    calls = [span for span in receiver.spans if "botocore" in span.scope]
    assert {span.trace for span in made} == {first, second, third}
    assert {span.resource["service.name"] for span in receiver.spans} == {"orders"}
    passes = receiver.named("process pass")
    assert len({span.attributes["messaging.client.id"] for span in passes}) == 2
    for inner, of in (("pass the gate", passes), ("track", receiver.named("process track"))):
        spans = receiver.named(inner)
        assert sorted(span.parent for span in spans) == sorted(span.id for span in of)
        beats = [
            span.parent
            for span in calls
            if span.attributes["rpc.method"] == "RecordActivityTaskHeartbeat"
            and span.trace == of[0].trace
        ]
        assert sorted(beats) == sorted(span.id for span in of)
    methods = {span.attributes["rpc.method"] for span in calls}
    assert methods == {"RecordActivityTaskHeartbeat"}
    polls = receiver.named("PollForActivityTask list")
    assert len(polls) == 3  # that of the last task died with its process
    (track,), (die,) = receiver.named("process track"), receiver.named("process die")
    assert track.is_error
    assert track.attributes["error.type"] == "ValueError"
    assert (die.trace, die.is_error) == (third, True)
    answers = receiver.named("RespondActivityTaskFailed die")
    assert [span.parent for span in answers] == [die.id]
    assert not [span for span in receiver.spans if "SECRET" in repr(span)]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_provider_of_ones_own(
    options: list[str],
    receiver: OTLPReceiver,
    flow: Callable[..., Flow],
    process: Callable[..., Process],
    processes: int,
) -> None:
    """A module that each process imports has it; the end of a worker sends the last spans."""
    variables = {**receiver.environment, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    path = seeing_the_tests({})
    worker = process(
        "-m", "flowy", *options, "--middleware", "shop.tracing:TRACING", "--processes", processes,
        **variables, **path,
    )  # fmt: skip
    worker.wait_for("Worker started", count=processes)
    flows = [flow(Ask("track", '[[""], {}]')) for _ in range(2)]
    for each in flows:
        each.wait()
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.output
    traces = sorted(map(trace_of, flows))
    for name, kind in (
        ("PollForActivityTask list", "CLIENT"),
        ("process track", "CONSUMER"),
        ("track", "INTERNAL"),
        ("RespondActivityTaskFailed track", "CLIENT"),
    ):
        spans = receiver.named(name)
        if name == "track":  # its tracer is the global provider's, which nobody has set
            assert spans == []
            continue
        assert sorted(span.trace for span in spans) == traces
        assert {span.kind for span in spans} == {kind}
    tree = {span.id: span for span in receiver.spans}
    assert all(chain(tree, span) == POLL_TO_ANSWER for span in receiver.named(POLL_TO_ANSWER[0]))


#: A task's spans, from the last to the root.
POLL_TO_ANSWER = [
    "RespondActivityTaskFailed track",
    "process track",
    "PollForActivityTask list",
]


def chain(tree: dict[str, ReceivedSpan], span: ReceivedSpan) -> list[str]:
    """Return the names from a span to its root."""
    return [span.name, *(chain(tree, tree[span.parent]) if span.parent else [])]


def test_nothing_is_imported_by_others(
    options: list[str], process: Callable[..., Process], write: Callable[..., Path]
) -> None:
    """A worker that does not trace imports neither OpenTelemetry nor ``flowy.otel``."""
    write("shop/activities.py", """
        import atexit, sys
        from flowy import Activity, activity

        @activity("look", 1, "list")
        class Look(Activity):
            def run(self): ...

        atexit.register(lambda: print([name for name in sys.modules if "otel" in name
                                       or name.startswith("opentelemetry")]))
    """)  # fmt: skip
    worker = process("-m", "flowy", *options, "--loop", "0")
    assert worker.wait() == 0, worker.output
    assert "[]" in worker.lines
