"""Traces that nobody gets: what a worker pays for spans, without what sending them costs."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from flowy.otel import RunIdGenerator, Tracing


class Nowhere(SpanExporter):
    """Takes all spans, and forgets them."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


provider = TracerProvider(id_generator=RunIdGenerator())
provider.add_span_processor(BatchSpanProcessor(Nowhere()))

TRACING = Tracing(provider)
