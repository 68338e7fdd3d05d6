"""A server on bare sockets, each of whose connections does as a test has written.

What it sends is bytes, and when it sends them is the test's: half a head, a reset, a silence.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from tests.patience import PATIENCE_SECONDS

#: The headers that make an answer SWF's own.
OWN = b"x-amzn-RequestId: 00000000-0000-4000-8000-000000000000\r\n"

EMPTY = b'{"startedEventId":0}'


def answer(body: bytes = EMPTY, *, length: int | None = None, headers: bytes = OWN) -> bytes:
    """Return an answer as SWF sends it; *length* is what its header says."""
    said = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (headers, said, body)


class Peer:
    """The server's end of a connection."""

    def __init__(self, connection: socket.socket, server: RawServer) -> None:
        self.socket = connection
        self._server = server
        self._data = b""

    def read(self) -> bytes:
        """Return the next request, head and body, and keep it; b"" at the end of the connection."""
        while (end := self._data.find(b"\r\n\r\n")) < 0:
            if not self._receive():
                return b""
        head = self._data[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(self._data) < end + 4 + length:
            if not self._receive():
                return b""
        request, self._data = self._data[: end + 4 + length], self._data[end + 4 + length :]
        self._server.requests.append(request)
        return request

    def _receive(self) -> bool:
        more = self.socket.recv(65_536)
        self._data += more
        return bool(more)

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def reset(self) -> None:
        """Break the connection, so that the client sees a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_for_end(self) -> None:
        """Wait until the client has closed the connection; what else it sends is kept."""
        while self._receive():
            pass
        if self._data:
            self._server.requests.append(self._data)


Behaviour = Callable[[Peer], None]


def serve(peer: Peer) -> None:
    """Answer every request: a poll as an empty one, any other with nothing."""
    while request := peer.read():
        peer.send(answer(EMPTY if b"SimpleWorkflowService.PollFor" in request else b""))


class RawServer:
    """Each connection takes the next behaviour; the last one serves all that come after.

    Use it in a ``with`` statement.

    Attributes:
        requests: all that came whole.
        connections: how many were taken.
    """

    def __init__(
        self,
        *behaviours: Behaviour,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=300)
        self._behaviours = list(behaviours) or [serve]
        self._tls = tls
        self._peers: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.requests: list[bytes] = []
        self.connections = 0
        #: What a behaviour may wait for; set at the end.
        self.over = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{shown}:{self.port}"

    def __enter__(self) -> RawServer:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(peer, socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()

    def _start(self, call: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=call, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._peers.append(connection)
            behaviour = self._behaviours[0]
            if len(self._behaviours) > 1:
                self._behaviours.pop(0)
            self._start(self._serve, connection, behaviour)

    def _serve(self, connection: socket.socket, behaviour: Behaviour) -> None:
        # What breaks here is what the test wants to break.
        with contextlib.suppress(OSError), connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                    self._peers.append(wrapped)
                    behaviour(Peer(wrapped, self))
            else:
                behaviour(Peer(connection, self))


#: Options of clients for tests that wait for no time-out.
PATIENT: dict[str, Any] = {
    "retries": {"total_max_attempts": 1},
    "connect_timeout": PATIENCE_SECONDS,
    "read_timeout": PATIENCE_SECONDS,
}


def poll(client: Any) -> dict[str, Any]:
    """Poll once."""
    answered: dict[str, Any] = client.poll_for_activity_task(domain="d", taskList={"name": "t"})
    return answered


def connections_of(client: Any) -> set[Any]:
    """Return the connections that a client has open."""
    found: set[Any] = client._endpoint.http_session._pool._connections
    return found


def error_of(client: Any) -> Exception:
    """Return what a poll raises."""
    with pytest.raises(Exception) as caught:
        poll(client)
    return caught.value


def tls_context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return the server's context with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made
