"""Opens connections to SWF, with the same TLS settings as botocore."""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
from collections.abc import Callable
from typing import cast

from .answer import BrokenAnswerError, HTTPAnswer
from .connection import Connection
from .origin import Origin
from .sockets import close_socket, make_socket


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
        connected = create_connection(address, self._connect_timeout)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._keep_alive:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if context is not None:
                connected = _with_tls(connected, context, self._origin.host)
        except BaseException:
            close_socket(connected)
            raise
        return Connection(connected) if context is None else _TLSConnection(connected)

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            try:
                self._context = self._make_context()
            except OSError as error:  # the file of certificates may be there the next time
                raise HandshakeError from error
        return self._context


class _TLSConnection(Connection):
    """A connection whose end counts as the end of an answer only if TLS has announced it.

    Anyone between SWF and the worker can close the TCP connection beneath, and cut off a body
    whose length the answer does not say.
    """

    _was_cut = False

    def exchange(self, request: bytes, read_timeout: float | None) -> HTTPAnswer:
        """Send *request* and return the answer."""
        answer = super().exchange(request, read_timeout)
        if self._was_cut:
            raise BrokenAnswerError("the connection was closed within the answer")
        return answer

    def _receive(self) -> bytes:
        try:
            return super()._receive()
        except ssl.SSLEOFError:
            self._was_cut = True
            return b""


def create_connection(address: tuple[str, int], timeout: float | None) -> socket.socket:
    """Connect as ``socket.create_connection``, but let forked children close their copies.

    ``deadlines`` knows it by its name.
    """
    problem = OSError("the name has no address")
    for family, kind, protocol, _, place in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        try:
            connected = make_socket(functools.partial(socket.socket, family, kind, protocol))
        except OSError as error:  # the system may know a family that it cannot use
            problem = error
            continue
        try:
            connected.settimeout(timeout)
            connected.connect(place)
        except OSError as error:
            close_socket(connected)
            problem = error
        except BaseException:
            close_socket(connected)
            raise
        else:
            return connected
    try:
        raise problem
    finally:
        del problem  # its traceback refers to this frame


def _with_tls(plain: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    # Certificates name hosts without the dot at the end of a complete name.
    name = host.rstrip(".")
    try:
        wrapped = make_socket(
            functools.partial(
                context.wrap_socket,
                plain,
                server_hostname=name,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
        )
        try:
            cast("ssl.SSLSocket", wrapped).do_handshake()
        except BaseException:
            close_socket(wrapped)
            raise
    except TimeoutError:
        raise
    except OSError as error:
        raise HandshakeError from error
    return wrapped
