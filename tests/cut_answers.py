"""An S3 whose answers to GET break off, or have no length, as behind a proxy."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"


@contextmanager
def cut_answers(body: bytes, how: str) -> Iterator[str]:
    """Answer each request with a body, and yield the address.

    Args:
        body: the body of each object.
        how: ``closed`` ends the connection within the body, ``reset`` resets it there, ``chunked``
            sends all of it without its length.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, body, how))
        thread.start()
        host, port = server.getsockname()
        try:
            yield f"http://{host}:{port}"
        finally:
            with socket.create_connection((host, port)):
                pass  # a request of nothing ends the server
            thread.join()


def _serve(server: socket.socket, body: bytes, how: str) -> None:
    while True:
        connection, _ = server.accept()
        with connection:
            if not connection.recv(65_536):
                return
            if how == "chunked":
                connection.sendall(_CHUNKED % (len(body), body))
                continue
            connection.sendall(_HEAD % len(body) + body[: len(body) // 2])
            if how == "reset":
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
