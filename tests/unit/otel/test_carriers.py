"""What a decider has sent of its own trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.trace import SpanContext

from flowy import Activity
from flowy.middleware import Run
from flowy.otel import Tracing, trace_id_of
from flowy.testing import ActivityEnvironment
from flowy.transport.simpleflow import SimpleflowActivity, encode_input
from tests.suspended import an_info
from tests.unit.otel.collected import Collected, ids, parent_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{SPAN}-01", "baggage": "shop=north"}


class Charge(SimpleflowActivity):
    def run(self) -> object:
        return baggage.get_baggage("shop")


class Plain(Activity):
    def run(self) -> object:
        return baggage.get_baggage("shop")


def run_by_simpleflow(meta: object, **options: Any) -> tuple[Any, Collected]:
    """Run an activity whose decider has sent *meta*; return its value and the spans."""
    spans = Collected()
    environment = ActivityEnvironment(
        middleware=[Tracing(spans.provider, **options)],
        info={"run_id": "run-1"},
        serialize_arguments=lambda args, kwargs: json.dumps(
            {**json.loads(encode_input(args, kwargs)), "meta": meta}
        ),
        deserialize_result=json.loads,
    )
    return environment.run(Charge), spans


def linked(spans: Collected) -> list[tuple[str, str]]:
    (span,) = spans.all()
    found: list[SpanContext] = [link.context for link in span.links]
    return [(f"{context.trace_id:032x}", f"{context.span_id:016x}") for context in found]


@pytest.mark.parametrize("upper", [False, True])
def test_the_meta_of_simpleflow_is_a_link(upper: bool) -> None:
    """The run stays in the execution's trace, and takes nothing else over."""
    meta = {name.upper() if upper else name: value for name, value in HEADERS.items()}
    value, spans = run_by_simpleflow(meta)
    (span,) = spans.all()
    assert linked(spans) == [(TRACE, SPAN)]
    assert (ids(span)[0], parent_of(span), value) == (trace_id_of("run-1"), None, None)


def test_a_carrier_as_parent() -> None:
    """On request the run continues the decider's trace, baggage included."""
    value, spans = run_by_simpleflow(HEADERS, parent=True)
    (span,) = spans.all()
    assert parent_of(span) == (int(TRACE, 16), int(SPAN, 16))
    assert ids(span)[0] == int(TRACE, 16)
    assert linked(spans) == []
    assert value == "north"


@pytest.mark.parametrize("parent", [False, True])
@pytest.mark.parametrize(
    "meta",
    [{}, None, "text", {"traceparent": 7}, {"traceparent": "00-no-no-00"}, {"traceparent": ""}],
)
def test_a_carrier_that_is_none(meta: object, parent: bool) -> None:
    """The run is traced as if there were no headers."""
    _, spans = run_by_simpleflow(meta, parent=parent)
    (span,) = spans.all()
    assert linked(spans) == []
    assert (ids(span)[0], parent_of(span)) == (trace_id_of("run-1"), None)


def test_no_carrier() -> None:
    """With None no headers are looked for."""
    _, spans = run_by_simpleflow(HEADERS, carrier=None)
    assert linked(spans) == []


def test_a_carrier_of_ones_own() -> None:
    """It gets the run, whose arguments may have the headers."""

    class Order(Activity):
        def run(self, order: Mapping[str, Any]) -> None: ...

    def headers(run: Run) -> Mapping[str, str]:
        found: Mapping[str, str] = run.args[0]["headers"]
        return found

    spans = Collected()
    environment = ActivityEnvironment(middleware=[Tracing(spans.provider, carrier=headers)])
    environment.run(Order, {"headers": HEADERS})
    assert linked(spans) == [(TRACE, SPAN)]


@pytest.mark.parametrize(
    ("control", "found"),
    [
        (json.dumps(HEADERS), [(TRACE, SPAN)]),
        (json.dumps({**HEADERS, "mine": [1]}), [(TRACE, SPAN)]),
        ("mine", []),
        ("[]", []),
        (None, []),
    ],
)
def test_control_is_a_link(control: str | None, found: list[tuple[str, str]]) -> None:
    """What a decider has left in ``control`` counts if it is a JSON object."""
    spans = Collected()
    run = Run(Plain(None, Any, "token"), an_info(control=control), (), {})  # type: ignore[arg-type]
    Tracing(spans.provider).run(run, lambda run: None)
    assert linked(spans) == found


def test_other_activities_have_no_carrier() -> None:
    """What an input of Flowy's own format says is an argument."""
    spans = Collected()
    ActivityEnvironment(middleware=[Tracing(spans.provider)]).run(Plain)
    assert linked(spans) == []
