"""A tiny HTTP server that answers as a test has written: throttles, rubbish, silence.

Like SWF's, its answers carry a request id unless a test leaves that out. It is for what
``flowy.local`` never does, over real connections and through a real boto3 client.
"""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config

from flowy.swf.client.lean.choice import take_lean_way
from flowy.swf.client.lean.session import LeanSession
from tests.faults.reply import EMPTY_POLL, Reply

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient as Boto3Client

#: How Flowy itself configures the client for polls.
ONE_ATTEMPT: dict[str, Any] = {"retries": {"total_max_attempts": 1}, "read_timeout": 70}


@dataclass(frozen=True)
class Says:
    """One answer.

    Attributes:
        body: a value to send as JSON, or text or bytes to send as they are; None for what SWF
            says when there is nothing to tell: an empty poll, no cancellation, no body.
        status: the HTTP status.
        then: what becomes of the connection: ``keep``, ``truncate`` (the body stops half way),
            ``truncate-head`` (the headers do), ``drop`` (closed without any answer), or ``hang``
            (nothing, until the test ends).
        request_id: whether ``x-amzn-RequestId`` is sent, as SWF does.
        headers: lines to send besides.
        length: whether ``Content-Length`` is sent; without it the connection's end ends the body.
        trickle: what is sent byte by byte: ``head`` (and the body after it) or ``body``.
        every_seconds: the time between two bytes that trickle.
    """

    body: Any = None
    status: int = 200
    then: str = "keep"
    request_id: bool = True
    headers: tuple[str, ...] = ()
    length: bool = True
    trickle: str | None = None
    every_seconds: float = 1.0

    def reply(self, action: str) -> Reply:
        """Return it as bytes, as an answer to this action."""
        if self.body is None:
            data = b"" if self.status == 204 else _NOTHING_TO_TELL.get(action, b"")
        elif isinstance(self.body, bytes):
            data = self.body
        else:
            text = self.body if isinstance(self.body, str) else json.dumps(self.body)
            data = text.encode()
        return Reply(
            data,
            self.status,
            request_id=self.request_id,
            headers=self.headers,
            length=self.length,
            then=self.then,
            trickle=self.trickle,
            every_seconds=self.every_seconds,
        )


_NOTHING_TO_TELL = {
    "PollForActivityTask": EMPTY_POLL,
    "PollForDecisionTask": b'{"previousStartedEventId":0,"startedEventId":0}',
    "RecordActivityTaskHeartbeat": b'{"cancelRequested":false}',
}


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
        reply = line.reply(action)
        at_once, slowly = reply.parts()
        self.close_connection = not reply.keeps_connection
        self.wfile.write(at_once)
        with contextlib.suppress(OSError):  # a client may give up what trickles
            for byte in slowly:
                self.wfile.write(bytes([byte]))
                if self.server.over.wait(line.every_seconds):
                    self.close_connection = True
                    return

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


def lean_client(url: str = "http://127.0.0.1:1", **config: Any) -> Boto3Client:
    """Return one that goes the lean HTTP way, as those do that Flowy makes."""
    client: Any = boto3_client(url, **config)
    take_lean_way(client)
    assert isinstance(client._endpoint.http_session, LeanSession)
    return cast("Boto3Client", client)
