"""Where a decider of one's own may have put its trace context.

A decider that an author writes can send the headers of OpenTelemetry's propagators, such as
``traceparent``, with a task. Whoever can schedule a task can send any, so by default they only make
links.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from ..middleware import Run
from ..transport.simpleflow import SimpleflowActivity

#: Returns the headers that came with the task of a run, such as ``{"traceparent": "00-..."}``; None
#: if none did.
Carrier: TypeAlias = Callable[[Run], Mapping[str, str] | None]


def carrier_of(run: Run) -> Mapping[str, str] | None:
    """Return the ``meta`` of the input if simpleflow's decider has scheduled the task."""
    return run.activity.meta if isinstance(run.activity, SimpleflowActivity) else None


def extracted(carrier: Mapping[str, str] | None, context: Context) -> Context:
    """Return *context* with what a carrier adds to it, by the propagators that are configured."""
    if not carrier:
        return context
    headers = {
        str(name).lower(): value for name, value in carrier.items() if isinstance(value, str)
    }
    return propagate.extract(headers, context)


def links_to(carrier: Mapping[str, str] | None) -> list[trace.Link]:
    """Return a link to the span of a carrier, if it has one."""
    span = trace.get_current_span(extracted(carrier, Context()))
    return [trace.Link(span.get_span_context())] if span.get_span_context().is_valid else []
