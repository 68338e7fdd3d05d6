"""Opens connections to SWF, with the same TLS settings as botocore.

A process may be forked while another thread opens a connection. The child closes its copy: if the
parent died, a poll on that connection would stay open in the child.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import ssl
import threading
import weakref
from collections.abc import Callable

from .answer import BrokenAnswerError, HTTPAnswer
from .connection import Connection
from .origin import Origin

#: The sockets of this process; a forked child closes its copies.
_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

#: Held while a socket is made and added to these, and during a fork: no child has one that it does
#: not know. A signal handler may fork in between, in the same thread.
_making = threading.RLock()


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
        _register_with_interpreter()

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
            connected.close()
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
            with _making:
                connected = socket.socket(family, kind, protocol)
                _sockets.add(connected)
        except OSError as error:  # the system may know a family that it cannot use
            problem = error
            continue
        try:
            connected.settimeout(timeout)
            connected.connect(place)
        except OSError as error:
            connected.close()
            problem = error
        except BaseException:
            connected.close()
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
        with _making:
            wrapped = context.wrap_socket(
                plain,
                server_hostname=name,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
            _sockets.add(wrapped)
        try:
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
    except TimeoutError:
        raise
    except OSError as error:
        raise HandshakeError from error
    return wrapped


@functools.cache
def _register_with_interpreter() -> None:
    """Register only once, because the interpreter cannot remove a hook."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=_wait_for_sockets,
            after_in_parent=_making.release,
            after_in_child=_close_copies,
        )


def _wait_for_sockets() -> None:
    _making.acquire()


def _close_copies() -> None:
    _making.release()
    for each in list(_sockets):
        with contextlib.suppress(OSError):
            each.close()
