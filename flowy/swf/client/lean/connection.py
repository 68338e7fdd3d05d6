"""One kept-alive connection to SWF: a request goes out once, and its answer is read.

A poll that is sent twice may leave a task with the first one, so nothing here sends again: what
breaks is raised.
"""

from __future__ import annotations

import contextlib
import select
import socket

from .answer import Answer
from .answer_reader import read_answer

#: What is asked of the system at once, in bytes: more than all but the largest answers have.
_RECEIVE_BYTES = 65_536


class Connection:
    """A connected socket, with TLS or without.

    Attributes:
        socket: what ``deadlines`` shuts down if a call takes too long.
    """

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected

    def exchange(self, request: bytes, read_timeout: float | None) -> Answer:
        """Send *request* and return the answer; the connection may be used again if that says so.

        Args:
            request: head and body.
            read_timeout: seconds from one part of the answer to the next; None for no limit.

        Raises:
            TimeoutError: SWF fell silent.
            OSError, BrokenAnswerError: the connection broke, or this is no answer.
        """
        self.socket.settimeout(read_timeout)
        with contextlib.suppress(BrokenPipeError):  # it may have been answered all the same
            self.socket.sendall(request)
        return read_answer(self._receive)

    def _receive(self) -> bytes:
        return self.socket.recv(_RECEIVE_BYTES)

    def is_fresh(self) -> bool:
        """Whether nothing has come since the last answer: neither bytes nor an end."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Close it, on this side alone where a fork has made two."""
        with contextlib.suppress(OSError):
            self.socket.close()
