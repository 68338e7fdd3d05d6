"""A tiny HTTP server that answers as a test has written: throttles, rubbish, silence.

For what ``flowy.local`` never does, over real connections and through a real boto3 client.
"""

from __future__ import annotations

import functools
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient as Boto3Client

#: How Flowy itself configures the client for polls.
ONE_ATTEMPT: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 70}


@dataclass(frozen=True)
class Says:
    """One answer.

    Attributes:
        body: a value to send as JSON, or text or bytes to send as they are.
        status: the HTTP status.
        then: what becomes of the connection: ``keep``, ``truncate`` (the body stops half way),
            ``drop`` (closed without any answer), or ``hang`` (nothing, until the test ends).
    """

    body: Any = field(default_factory=dict)
    status: int = 200
    then: str = "keep"


def says_fault(code: str, message: str = "", *, status: int = 400) -> Says:
    """An answer as SWF writes its faults."""
    return Says(
        {"__type": f"com.amazonaws.swf.base.model#{code}", "message": message}, status=status
    )


@dataclass(frozen=True)
class Request:
    """One request that came."""

    action: str
    parameters: dict[str, Any]
    headers: dict[str, str]


class ScriptedSWF(ThreadingHTTPServer):
    """Each request takes the next line; the last one is said again for ever.

    Use it in a ``with`` statement.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, *lines: Says) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self._lines = list(lines) or [Says()]
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.requests: list[Request] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> ScriptedSWF:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead boto3 here."""
        return {
            "AWS_ENDPOINT_URL_SWF": self.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "scripted",
            "AWS_SECRET_ACCESS_KEY": "scripted",
        }

    @property
    def actions(self) -> list[str]:
        """The actions called, in order."""
        return [request.action for request in self.requests]

    def next_line(self, request: Request) -> Says:
        """Keep the request, and return what is to be said."""
        with self._lock:
            self.requests.append(request)
            return self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedSWF

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        action = self.headers["X-Amz-Target"].rpartition(".")[2]
        line = self.server.next_line(Request(action, json.loads(body), dict(self.headers)))
        if line.then == "hang":
            self.server.over.wait()
        if line.then in ("hang", "drop"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        text = line.body if isinstance(line.body, str | bytes) else json.dumps(line.body)
        data = text if isinstance(text, bytes) else text.encode()
        self.send_response(line.status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if line.then == "truncate":
            data = data[: len(data) // 2]
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@functools.cache
def session() -> boto3.session.Session:
    """One for all: it reads SWF's model once."""
    return boto3.session.Session()


def boto3_client(url: str = "http://127.0.0.1:1", **config: Any) -> Boto3Client:
    """Return a client of what listens at *url*, with credentials that open nothing."""
    return session().client(
        "swf",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(**config),
    )
