"""A tiny S3 over real HTTP, which also answers as a test has written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.config import Config


class ObjectStore:
    """Objects by ``/bucket/key``; what is in *errors* is answered first, one each."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        #: What is answered before anything else: a status and a code; no status breaks off.
        self.errors: list[tuple[int, str]] = []
        self.requests: list[str] = []
        self.client: Any = None

    def put(self, place: str, data: bytes) -> None:
        """Store an object at ``bucket/key``."""
        self.objects[f"/{place}"] = data

    def text(self, field: str) -> str:
        """Return the text that a jumbo field stands for, as simpleflow reads it."""
        location, size = field.split()
        text = self.objects[location.removeprefix("simpleflow+s3:/")].decode()
        assert len(text) == int(size)
        return text


@contextlib.contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Serve an S3 on this machine; its client tries once."""
    store = ObjectStore()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _error(self) -> bool:
            store.requests.append(f"{self.command} {self.path}")
            if not store.errors:
                return False
            status, code = store.errors.pop(0)
            if status:
                self._answer(status, f"<Error><Code>{code}</Code></Error>".encode())
            self.close_connection = True
            return True

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not self._error():
                store.objects[self.path] = body
                self._answer(200)

        def do_GET(self) -> None:
            if self._error():
                return
            if self.path in store.objects:
                self._answer(200, store.objects[self.path])
            else:
                self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    store.client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    try:
        yield store
    finally:
        store.client.close()
        server.shutdown()
        thread.join()
        server.server_close()
