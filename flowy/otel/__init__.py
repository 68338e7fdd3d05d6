"""Traces of a worker for OpenTelemetry: a span for each task, and one trace for each execution.

``flowy worker --middleware flowy.otel:TRACING`` traces. ``Tracing`` needs only OpenTelemetry's API
(the extra ``otel``); a ``TracerProvider``, which the application configures, decides where spans
go. ``RunIdGenerator`` is for the SDK's provider, and needs the SDK.

Each name is imported on first use, because each needs a part of OpenTelemetry that may be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..importing import on_demand

if TYPE_CHECKING:
    from .carriers import carrier_of
    from .id_generator import RunIdGenerator
    from .trace_ids import in_trace_of, trace_id_of
    from .tracing import TRACING, Tracing

__all__ = ["TRACING", "RunIdGenerator", "Tracing", "carrier_of", "in_trace_of", "trace_id_of"]

__getattr__ = on_demand(
    __name__,
    {
        "TRACING": "tracing",
        "RunIdGenerator": "id_generator",
        "Tracing": "tracing",
        "carrier_of": "carriers",
        "in_trace_of": "trace_ids",
        "trace_id_of": "trace_ids",
    },
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
