"""The HTTP endpoint of a local SWF: loopback only, kept alive, quiet.

SWF is called by POST to ``/`` with the action in ``X-Amz-Target``.  werkzeug, which
moto's own server stands on, closes every connection after its answer; the standard
library's server keeps them, as SWF does, so a worker here meets the connections it
will meet there.

Whoever listens on loopback can be reached by any web page in a browser on the same
machine, so a request that names another Host (DNS rebinding) or comes from another
Origin is refused, and no answer carries a CORS header.
"""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import socketserver
import threading
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

logger = logging.getLogger(__name__)

#: The only address that is listened on.
ADDRESS = "127.0.0.1"

#: Largest request, in bytes: SWF's own limit ("Maximum request size: 1 MB per request").
MAX_REQUEST_BYTES = 1024 * 1024

#: How long the rest of a request may take once its head is here, in seconds.
_BODY_SECONDS = 20.0

#: Most of a refused request that is read before it is answered, in bytes.
_MAX_DISCARDED_BYTES = 32 * MAX_REQUEST_BYTES

#: How long stop() waits for answers that are on their way, in seconds.
_DRAIN_SECONDS = 5.0

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

#: (action, body, has the client gone?) -> (HTTP status, JSON text), or None, which breaks
#: the connection
Answerer = Callable[[str, bytes, Callable[[], bool]], "tuple[int, str] | None"]


class Endpoint(socketserver.TCPServer):
    """Listens from its construction on; serves between start() and stop().

    Args:
        port: the port; 0 takes a free one.
        answer: what carries out a request; called on the connection's own thread.

    Raises:
        OSError: the port is in use, or not ours to take.
    """

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, answer: Answerer) -> None:
        super().__init__((ADDRESS, port), _Connection)
        self.answer = answer
        self.port: int = self.server_address[1]
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.05,), name="flowy-local", daemon=True
        )

    def start(self) -> None:
        """Accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection, once its present answer is out."""
        self.shutdown()
        self._thread.join()
        self.server_close()
        connections = list(self._connections.items())
        for _, connection in connections:
            # An idle one ends by it, a busy one as soon as it has answered.
            _shut(connection, socket.SHUT_RD)
        for thread, connection in connections:
            thread.join(_DRAIN_SECONDS)
            if thread.is_alive():
                _shut(connection, socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name="flowy-local", daemon=True
        )
        self._connections[thread] = request
        thread.start()

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            logger.debug("A client of the local SWF broke its connection.", exc_info=True)
        except Exception:
            logger.exception("The local SWF broke while it answered.")
        finally:
            self.shutdown_request(request)
            self._connections.pop(threading.current_thread(), None)


class _Connection(BaseHTTPRequestHandler):
    """One connection, with as many requests as its client sends."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    #: An answer leaves in one packet.
    wbufsize = 64 * 1024
    server: Endpoint

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        refusal = self._refusal()
        if refusal is not None:
            self._discard_body()
            self.send_error(403, refusal)
        return refusal is None

    def _refusal(self) -> str | None:
        """Why this request is not from a program on this machine; None where it is."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or _host_name(hosts[0]) not in _LOOPBACK_NAMES:
            return "The local SWF answers requests for a loopback Host only."
        origin = self.headers.get("Origin")
        if origin is not None and origin != f"http://{hosts[0]}":
            return "The local SWF answers no requests from foreign web pages."
        return None

    def do_POST(self) -> None:
        length = self._content_length()
        if self.path != "/":
            self._discard_body()
            self.send_error(404, "SWF is called by POST to /.")
        elif length is None:
            self.send_error(411, "The request does not tell its Content-Length.")
        elif length > MAX_REQUEST_BYTES:
            self._discard_body()
            self.send_error(413, f"The request is larger than {MAX_REQUEST_BYTES} bytes.")
        else:
            self.connection.settimeout(_BODY_SECONDS)
            body = self.rfile.read(length)
            self.connection.settimeout(None)
            whole = len(body) == length
            answer = self.server.answer(self._action(), body, self._gone) if whole else None
            if answer is None:
                self.close_connection = True
            else:
                self._send(*answer)

    def _action(self) -> str:
        target: str = self.headers.get("X-Amz-Target", "")
        return target.removeprefix("SimpleWorkflowService.")

    def _content_length(self) -> int | None:
        length: str = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return None
        # int() refuses texts of thousands of digits.
        return int(length) if len(length) < 16 else _MAX_DISCARDED_BYTES

    def _discard_body(self) -> None:
        # A socket that is closed with something unread resets the connection, and the
        # client may never see why it was refused.
        left = min(self._content_length() or 0, _MAX_DISCARDED_BYTES)
        self.connection.settimeout(_BODY_SECONDS)
        while left and (read := self.rfile.read(min(left, 64 * 1024))):
            left -= len(read)

    def _gone(self) -> bool:
        """Whether the client has hung up: nothing to read, but the end."""
        try:
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _send(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        # In the form of SWF's faults, and without reading on: what follows is unknown.
        name = {403: "AccessDeniedException"}.get(code, "UnknownOperationException")
        self.close_connection = True
        self._send(int(code), json.dumps({"__type": name, "message": message or ""}))

    def version_string(self) -> str:
        return "flowy-local"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: http.server would write a line per request to stderr."""


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # it may have ended meanwhile
        connection.shutdown(how)
