"""What stands between a worker and SWF in the wild: a proxy, a tracer, and a poll that lasts."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from flowy.swf.client import connect
from tests.unit.swf.client.lean.raw_server import EMPTY, Peer, RawServer, answer

#: How long SWF holds a poll in these tests, in seconds: longer than it says, and shorter than the
#: socket timeout that it asks for.
HELD_SECONDS = 65.0


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLOWY_HTTP", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY",
                 "http_proxy", "https_proxy", "NO_PROXY", "no_proxy", "AWS_PROFILE",
                 "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Leads boto3 to a URL."""
    return lambda url: monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", url)


# A proxy


#: Runs a proxy until its standard input ends, and says on which port.
PROXY = """
import sys
import proxy

options = ["--hostname", "127.0.0.1", "--port", "0", "--num-workers", "1", "--num-acceptors", "1"]
with proxy.Proxy([*options, "--data-dir", sys.argv[1], "--log-level", "ERROR"]) as running:
    print(running.flags.port, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[str]:
    """A proxy of the kind that companies have, as a process of its own; its URL."""
    with subprocess.Popen(
        [sys.executable, "-c", PROXY, str(tmp_path / "proxy")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate()


def test_a_proxy(
    use: Callable[[str], None],
    proxy: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Calls go through it, by botocore's own HTTP, as one line of the log says."""
    caplog.set_level("INFO", "flowy")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with RawServer() as server:
        use(server.url)
        client = connect()
        assert client.poll_for_activity_task("domain", "list", "me") is None
        close(client)
    (request,) = server.requests
    assert b"\r\nVia: " in request or b"\r\nvia: " in request
    assert "because a proxy applies to the endpoint" in caplog.text


def test_a_proxy_before_tls(
    use: Callable[[str], None], proxy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It passes on what it cannot read."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with RawServer(tls=context) as server:
        use(f"https://localhost:{server.port}")
        client = connect()
        assert client.poll_for_activity_task("domain", "list", "me") is None
        close(client)
    assert len(server.requests) == 1


def close(client: Any) -> None:
    for each in (client._polls, client._answers, client._heartbeats):
        each.close()


# A tracer


def test_opentelemetry_sees_the_calls(use: Callable[[str], None]) -> None:
    """Its instrumentation of botocore has a span for each call, and the request carries its id."""
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.botocore")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = instrumentation.BotocoreInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        with RawServer() as server:
            use(server.url)
            client = connect()
            client.poll_for_activity_task("domain", "list", "me")
            client.respond_activity_task_completed("token", "1")
            assert server.connections == 1
            close(client)
    finally:
        instrumentor.uninstrument()
        provider.shutdown()
    spans = exporter.get_finished_spans()
    attributes: list[Any] = [span.attributes for span in spans]
    assert [each["rpc.method"] for each in attributes] == [
        "PollForActivityTask",
        "RespondActivityTaskCompleted",
    ]
    for span, request in zip(spans, server.requests, strict=True):
        assert f"{span.context.trace_id:032x}"[8:].encode() in request
    assert [each["http.status_code"] for each in attributes] == [200, 200]


# A poll


@pytest.mark.timeout(100)
@pytest.mark.starts_first
def test_a_poll_of_65_seconds(use: Callable[[str], None]) -> None:
    """SWF may hold a poll for a little more than the 60 s that it says."""

    def hold(peer: Peer) -> None:
        peer.read()
        server.over.wait(HELD_SECONDS)
        peer.send(answer(EMPTY))
        peer.wait_for_end()

    with RawServer(hold) as server:
        use(server.url)
        client = connect()
        assert client.poll_for_activity_task("domain", "list", "me") is None
        assert server.connections == len(server.requests) == 1
        close(client)
