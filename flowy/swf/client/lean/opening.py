"""Opens connections to SWF, with the same TLS settings as botocore."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable

from .connection import Connection
from .origin import Origin


class HandshakeError(Exception):
    """The TLS handshake failed; the cause of this error says why. No request was sent."""


class Opener:
    """Opens connections to one origin; any thread may use it.

    Args:
        connect_timeout: seconds for each address that is tried, and for TLS; None for no limit.
        keep_alive: whether TCP sends keep-alive probes.
        context: makes the TLS context for all connections.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        connect_timeout: float | None,
        keep_alive: bool,
        context: Callable[[], ssl.SSLContext],
    ) -> None:
        self._origin = origin
        self._connect_timeout = connect_timeout
        self._keep_alive = keep_alive
        self._make_context = context
        self._context: ssl.SSLContext | None = None

    def prepare(self) -> None:
        """Make the TLS context now, so that threads that connect at the same time share it.

        Errors are not raised here, but when a connection is opened.
        """
        with contextlib.suppress(HandshakeError):
            if self._origin.scheme == "https":
                self._tls_context()

    def open(self) -> Connection:
        """Open a connection.

        Raises:
            TimeoutError: SWF did not answer in time.
            HandshakeError: the TLS handshake failed.
            OSError: the name was not found, or no address accepted the connection.
        """
        context = self._tls_context() if self._origin.scheme == "https" else None
        address = (self._origin.host, self._origin.port)
        connected = socket.create_connection(address, self._connect_timeout)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._keep_alive:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if context is not None:
                connected = _with_tls(connected, context, self._origin.host)
        except BaseException:
            connected.close()
            raise
        return Connection(connected)

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            try:
                self._context = self._make_context()
            except OSError as error:  # the file of certificates may be there the next time
                raise HandshakeError from error
        return self._context


def _with_tls(plain: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    try:
        # Certificates name hosts without the dot at the end of a complete name.
        return context.wrap_socket(plain, server_hostname=host.rstrip("."))
    except TimeoutError:
        raise
    except OSError as error:
        raise HandshakeError from error
