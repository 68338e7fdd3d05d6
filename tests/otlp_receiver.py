"""A receiver of OTLP over HTTP, to which the exporters of real processes send their spans."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class ReceivedSpan:
    """One span, as it came over the wire; ids are hexadecimal.

    Attributes:
        kind: such as ``"CONSUMER"``.
        parent: the id of its parent; empty without one.
        links: ids of traces and spans.
        is_error: whether its status is an error.
        resource: the attributes of whoever sent it.
        scope: the instrumentation that made it.
    """

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    is_error: bool
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str


class OTLPReceiver:
    """Keeps the spans that are sent to it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._spans: list[ReceivedSpan] = []
        self._news = threading.Condition()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which the SDK sends spans here, and nothing else."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    @property
    def spans(self) -> list[ReceivedSpan]:
        """All spans that have come."""
        with self._news:
            return list(self._spans)

    def named(self, name: str) -> list[ReceivedSpan]:
        """Return the spans of a name."""
        return [span for span in self.spans if span.name == name]

    def wait_for(self, name: str, count: int = 1) -> list[ReceivedSpan]:
        """Wait until there are *count* spans of a name, and return them."""
        with self._news:
            self._news.wait_for(lambda: self._count(name) >= count, PATIENCE_SECONDS)
        found = self.named(name)
        assert len(found) >= count, [span.name for span in self.spans]
        return found

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._news:
            self._spans += _spans_of(request)
            self._news.notify_all()

    def _count(self, name: str) -> int:
        return sum(span.name == name for span in self._spans)


@contextmanager
def receiving() -> Iterator[OTLPReceiver]:
    """Receive on a free port of this machine while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = OTLPReceiver(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for sender in request.resource_spans:
        for scope in sender.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    span.name,
                    type(span).SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    _values(span.attributes),
                    _values(sender.resource.attributes),
                    scope.scope.name,
                )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
