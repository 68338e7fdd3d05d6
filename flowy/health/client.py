"""Asks a worker's health server, as probes and operators do."""

from __future__ import annotations

import http.client
import socket
from urllib.parse import urlsplit

from ..exception import HealthError
from .options import UNIX

#: How long an answer may take, in seconds.
TIMEOUT_SECONDS = 5.0

#: The limit on the size of an answer, in bytes.
_MOST_BYTES = 64 * 1024 * 1024


def asked(url: str, path: str) -> tuple[int, str]:
    """Request *path* from a health server; return the HTTP status and the text of the answer.

    Args:
        url: the URL of the server, as its worker logs it: ``http://127.0.0.1:8080`` or
            ``unix:PATH``.
        path: the path to request, unless the URL has its own.

    Raises:
        ValueError: the URL has neither form.
        HealthError: the server does not answer.
    """
    connection, path = _connection(url, path)
    try:
        # This ignores proxy settings of the environment: a proxy does not reach a worker.
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise HealthError(f"{url} does not answer: {why}.") from error
    finally:
        connection.close()


def _connection(url: str, path: str) -> tuple[http.client.HTTPConnection, str]:
    if url.startswith(UNIX):
        return _UnixConnection(url.removeprefix(UNIX)), path
    try:
        found = urlsplit(url)
        if found.scheme != "http" or not found.hostname:
            raise ValueError
        if found.path not in ("", "/"):
            path = found.path
        connection = http.client.HTTPConnection(found.hostname, found.port, timeout=TIMEOUT_SECONDS)
    except ValueError:
        raise ValueError(
            f"Cannot ask {url!r}: give the URL that the worker logs, such as http://127.0.0.1:8080 "
            "or unix:/run/flowy.sock."
        ) from None
    return connection, path


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT_SECONDS)
        self.sock.connect(self._path)
