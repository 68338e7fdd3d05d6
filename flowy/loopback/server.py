"""An HTTP server that refuses requests from web pages.

Any web page in a browser on the same machine can send requests to a loopback port. So a request
with a foreign Host (``flowy.loopback.address``) or a foreign Origin is refused, and no answer has
a CORS header.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

from ..concurrency.clock import SYSTEM_CLOCK
from .address import Address, UnixAddress

logger = logging.getLogger(__name__)

#: How long the body of a request may take after its headers, in seconds.
BODY_SECONDS = 20.0

#: How much of a refused request is read before it is answered, in bytes.
MAX_DISCARDED_BYTES = 32 * 1024 * 1024

#: How long stop() waits for all connections to finish their answers, in seconds.
_DRAIN_SECONDS = 5.0

#: How long the server waits if it has no descriptor for the next connection, in seconds.
_REST_SECONDS = 0.1

#: How often the thread that accepts connections looks for a stop, in seconds. On Linux, stop()
#: wakes it.
_LOOK_SECONDS = 0.25

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class LoopbackServer(socketserver.TCPServer):
    """Listens as soon as it is made; serves between start() and stop().

    Args:
        address: where to listen, and for which hosts.
        port: the port; 0 takes a free one.
        handler: serves one connection, on a thread of its own.

    Raises:
        OSError: the port is in use or not permitted.
    """

    allow_reuse_address = True
    request_queue_size = 128

    #: The name of this server in log lines and refusals.
    subject = "The server"
    #: The name of its threads, and its name in HTTP.
    name = "flowy"
    #: The end of the sentence that refuses a foreign Host.
    host_advice = ""

    def __init__(
        self, address: Address | UnixAddress, port: int, handler: type[LoopbackHandler]
    ) -> None:
        self.address_family = address.family
        super().__init__(address.bindable(port), handler)  # type: ignore[arg-type]
        self.address = address
        #: The port; 0 for a socket in the file system, which has none.
        self.port: int = 0 if isinstance(address, UnixAddress) else self.server_address[1]
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._exhausted = False
        self._thread = threading.Thread(
            target=self.serve_forever, args=(_LOOK_SECONDS,), name=self.name, daemon=True
        )

    def start(self) -> None:
        """Accept connections, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port, then every connection as soon as it has sent its current answer."""
        _shut(self.socket, socket.SHUT_RD)  # this wakes the thread that accepts, on Linux
        self.shutdown()
        self._thread.join()
        self.server_close()
        connections = list(self._connections.items())
        for _, connection in connections:
            # This ends an idle connection now and a busy one after its answer.
            _shut(connection, socket.SHUT_RD)
        ends = SYSTEM_CLOCK.now() + _DRAIN_SECONDS
        for thread, _ in connections:
            thread.join(max(0.0, ends - SYSTEM_CLOCK.now()))
        # The remaining clients do not read their answers; stop sending to them.
        for _, connection in connections:
            _shut(connection, socket.SHUT_RDWR)
        for thread, _ in connections:
            thread.join(max(0.0, ends + _DRAIN_SECONDS - SYSTEM_CLOCK.now()))

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection, or rest if there is no descriptor for it."""
        try:
            accepted: tuple[socket.socket, Any] = super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                # The connection stays in the queue, so the server would try again at once.
                if not self._exhausted:
                    logger.warning(
                        "%s cannot accept connections: %s. They wait until others end.",
                        self.subject,
                        error.strerror,
                    )
                self._exhausted = True
                time.sleep(_REST_SECONDS)
            raise
        self._exhausted = False
        return accepted

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection, on a thread of its own."""
        thread = threading.Thread(
            target=self._serve, args=(request, client_address), name=self.name, daemon=True
        )
        self._connections[thread] = request
        try:
            thread.start()
        except RuntimeError as error:
            del self._connections[thread]
            # An exiting process cannot start threads, and its clients notice the exit anyway.
            ending = not threading.main_thread().is_alive()
            level = logging.DEBUG if ending else logging.WARNING
            logger.log(level, "%s closed a connection: %s.", self.subject, error)
            self.shutdown_request(request)

    def cut_oldest(self) -> None:
        """Close the connection that is open for longest; its thread ends."""
        for thread in list(self._connections):
            connection = self._connections.pop(thread, None)
            if connection is not None:  # it has not ended by itself meanwhile
                _shut(connection, socket.SHUT_RDWR)
                return

    def _serve(self, request: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(request, client_address)
        except OSError:
            logger.debug("A client closed its connection during an answer.", exc_info=True)
        except Exception:
            logger.exception("%s failed while it answered; the connection is closed.", self.subject)
        finally:
            self.shutdown_request(request)
            self._connections.pop(threading.current_thread(), None)


class LoopbackHandler(BaseHTTPRequestHandler):
    """One connection; checks the Host and Origin of each request."""

    server: LoopbackServer
    protocol_version = "HTTP/1.1"
    #: Size of the write buffer in bytes, so that an answer leaves in one packet.
    wbufsize = 64 * 1024

    def setup(self) -> None:
        """Make the connection ready, without Nagle's algorithm if it is TCP."""
        if self.server.address_family != socket.AF_UNIX:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def parse_request(self) -> bool:
        """Read a request, and refuse it if a web page may have sent it."""
        if not super().parse_request():
            return False
        status, refusal = 403, self._refusal()
        if refusal is None:
            status, refusal = 400, self._ambiguity()
        if refusal is not None:
            self.discard_body()
            self.send_error(status, refusal)
        return refusal is None

    def _refusal(self) -> str | None:
        """Return why this request is refused; None if no web page can have sent it."""
        server = self.server
        hosts = self.headers.get_all("Host", [])
        host = hosts[0] if hosts else None
        if len(hosts) > 1 or not server.address.answers_to(host):
            return (
                f"{server.subject} answers only requests with a loopback Host{server.host_advice}."
            )
        origins = self.headers.get_all("Origin", [])
        if origins and origins != [f"http://{host}"]:
            return f"{server.subject} does not answer requests from other web pages."
        return None

    def _ambiguity(self) -> str | None:
        """Return why the end of this request is ambiguous; None if it is not."""
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) > 1:
            return "The request has more than one Content-Length."
        if lengths and "Transfer-Encoding" in self.headers:
            return "The request has a Content-Length and a Transfer-Encoding."
        return None

    def content_length(self) -> int | None:
        """Return the length of the body in bytes; None if the request gives none, or several."""
        lengths = self.headers.get_all("Content-Length", [])
        length: str = lengths[0] if len(lengths) == 1 else ""
        if not (length.isascii() and length.isdigit()):
            return None
        # int() refuses a text of thousands of digits.
        return int(length) if len(length) < 16 else MAX_DISCARDED_BYTES

    def discard_body(self) -> None:
        """Read the body of a refused request."""
        # Closing a socket with unread data resets the connection, and the client may never see why
        # it was refused.
        left = min(self.content_length() or 0, MAX_DISCARDED_BYTES)
        self.connection.settimeout(BODY_SECONDS)
        while left and (read := self.rfile.read(min(left, 64 * 1024))):
            left -= len(read)

    def send(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        """Send an answer; underscores in header names become hyphens."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        """Return what the Server header says."""
        return self.server.name

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing; http.server would write a line for each request to stderr."""


def _shut(connection: socket.socket, how: int) -> None:
    with contextlib.suppress(OSError):  # it may be closed already
        connection.shutdown(how)
