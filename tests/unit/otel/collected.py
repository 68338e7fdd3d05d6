"""A provider whose spans a test reads."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from flowy.otel import RunIdGenerator


class Collected:
    """A provider, and the spans that have ended; with random ids, or those of runs."""

    def __init__(self, *, of_runs: bool = True) -> None:
        self._exporter = InMemorySpanExporter()
        generator = RunIdGenerator() if of_runs else None
        self.provider = TracerProvider(id_generator=generator, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def all(self) -> list[ReadableSpan]:
        """Return all spans, in the order in which they ended."""
        return list(self._exporter.get_finished_spans())

    def forget(self) -> None:
        """Forget all spans."""
        self._exporter.clear()

    def named(self, name: str) -> ReadableSpan:
        """Return the only span of a name."""
        (found,) = [span for span in self.all() if span.name == name]
        return found


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


def ids(span: ReadableSpan) -> tuple[int, int]:
    """Return the ids of a span's trace and of the span itself."""
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def parent_of(span: ReadableSpan) -> tuple[int, int] | None:
    """Return the same of its parent; None without one."""
    return None if span.parent is None else (span.parent.trace_id, span.parent.span_id)


def events(span: ReadableSpan) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a span, without their times."""
    return [(event.name, dict(event.attributes or {})) for event in span.events]
