"""A kept-alive connection to SWF, which sends each request once.

If a poll were sent twice, SWF might give a task to the first one, and the task would be lost. So
nothing here sends again; errors are raised.
"""

from __future__ import annotations

import contextlib
import select
import socket

from .answer import HTTPAnswer
from .answer_reader import read_answer
from .sockets import close_socket

#: The most bytes to receive at once. Nearly all answers are smaller, and so is each TLS record, so
#: a record is never left half-read.
_RECEIVE_BYTES = 65_536


class Connection:
    """A connected socket, with TLS or without.

    Attributes:
        socket: the socket; ``deadlines`` shuts it down if a call takes too long.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._timeout: float | None = -1.0  # differs from the timeout of any call
        self._readable = select.poll()
        self._readable.register(connected, select.POLLIN)

    def exchange(self, request: bytes, read_timeout: float | None) -> HTTPAnswer:
        """Send *request* and return the answer, which tells whether to keep the connection.

        Args:
            request: head and body.
            read_timeout: seconds from one part of the answer to the next; None for no limit.

        Raises:
            TimeoutError: SWF did not send the next part in time.
            OSError, BrokenAnswerError: the connection broke, or the answer cannot be read.
        """
        if read_timeout != self._timeout:
            self.socket.settimeout(read_timeout)
            self._timeout = read_timeout
        with contextlib.suppress(BrokenPipeError):  # the answer may have come all the same
            self.socket.sendall(request)
        return read_answer(self._receive)

    def _receive(self) -> bytes:
        return self.socket.recv(_RECEIVE_BYTES)

    def is_fresh(self) -> bool:
        """Return whether neither bytes nor the end have come since the last answer."""
        return not self._readable.poll(0)

    def close(self) -> None:
        """Close it; if a process was forked, only in this process."""
        close_socket(self.socket)
