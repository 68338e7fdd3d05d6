"""The trace id of an execution."""

from __future__ import annotations

import hashlib
import sys

import pytest
from opentelemetry import trace

import flowy.otel
from flowy import Activity
from flowy.importing import imported
from flowy.otel import in_trace_of, trace_id_of
from flowy.testing import ActivityEnvironment
from tests.unit.otel.collected import Collected, ids


def test_the_trace_id_is_known_to_all() -> None:
    """It is the beginning of a hash of the run id, which other languages can compute, too."""
    assert f"{trace_id_of('run'):032x}" == hashlib.sha256(b"run").hexdigest()[:32]


def test_the_generator_inside_an_activity() -> None:
    """Each span without a parent is of the execution's trace, whoever makes it; outside none is."""
    spans = Collected()
    tracer = spans.provider.get_tracer("mine")

    class Work(Activity):
        def run(self) -> None:
            tracer.start_span("inside").end()

    ActivityEnvironment(info={"run_id": "run-1"}).run(Work)
    for _ in range(2):
        tracer.start_span("outside").end()
    inside, *outside = [ids(span)[0] for span in spans.all()]
    assert inside == trace_id_of("run-1")
    assert len({inside, *outside}) == 3


def test_a_block_of_a_decider() -> None:
    """In the block the trace is that of the execution, and after it as before."""
    spans = Collected()
    tracer = spans.provider.get_tracer("mine")
    with in_trace_of("run-1"), tracer.start_as_current_span("decide"):
        tracer.start_span("below").end()
        inner = trace.get_current_span().get_span_context().trace_id
    tracer.start_span("outside").end()
    below, decide, outside = [ids(span)[0] for span in spans.all()]
    assert below == decide == inner == trace_id_of("run-1")
    assert outside != inner


@pytest.mark.parametrize(
    ("name", "module", "missing", "said"),
    [
        ("TRACING", "tracing", "opentelemetry", "Install opentelemetry-api, Flowy's extra otel."),
        ("RunIdGenerator", "id_generator", "opentelemetry.sdk.trace.id_generator",
         "opentelemetry-sdk is not installed. Install it."),
    ],
)  # fmt: skip
def test_a_library_is_missing(
    monkeypatch: pytest.MonkeyPatch, name: str, module: str, missing: str, said: str
) -> None:
    """Whoever names the object, as on the command line, is told what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, f"flowy.otel.{module}")
    monkeypatch.delattr(flowy.otel, name, raising=False)
    with pytest.raises(ImportError) as caught:
        imported([f"flowy.otel:{name}"])
    assert str(caught.value).endswith(said)
