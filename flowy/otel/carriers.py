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

from ..exception import InputError
from ..middleware import Run
from ..transport.json import read_json
from ..transport.simpleflow import SimpleflowActivity

#: Returns the headers that came with the task of a run, such as ``{"traceparent": "00-..."}``; None
#: if none did.
Carrier: TypeAlias = Callable[[Run], Mapping[str, str] | None]


def carrier_of(run: Run) -> Mapping[str, str] | None:
    """Return the headers that the decider put into ``control`` or, with simpleflow, into ``meta``.

    It uses ``control`` if the history of the task was read and ``control`` is a JSON object.
    """
    control = None if run.info is None else run.info.control
    found = _object(control) if control else None
    if found is None and isinstance(run.activity, SimpleflowActivity):
        return run.activity.meta
    return found


def extracted(carrier: Mapping[str, str] | None, context: Context) -> Context:
    """Return *context* with what a carrier adds to it, by the propagators that are configured."""
    if not carrier:
        return context
    headers = {
        str(name).lower(): value for name, value in carrier.items() if isinstance(value, str)
    }
    return propagate.extract(headers, context)


def _object(text: str) -> Mapping[str, str] | None:
    try:
        value = read_json(text)
    except InputError:
        return None
    return value if isinstance(value, dict) else None


def links_to(carrier: Mapping[str, str] | None) -> list[trace.Link]:
    """Return a link to the span of a carrier, if it has one."""
    span = trace.get_current_span(extracted(carrier, Context()))
    return [trace.Link(span.get_span_context())] if span.get_span_context().is_valid else []
