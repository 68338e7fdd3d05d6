"""HTTP/1.1 as boto3 speaks it, parsed by hand: keep-alive, one request at a time a connection.

The endpoint must never be what a benchmark measures, so there is no framework here and nothing
is looked at that SWF's JSON protocol does not need.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from .reply import Reply, request_id

#: What precedes the action in ``X-Amz-Target``.
_TARGET = b"x-amz-target: simpleworkflowservice."
_LENGTH = b"content-length:"
#: botocore numbers its attempts here; anything over 1 is a repetition behind our back.
_ATTEMPT = b"amz-sdk-request: attempt="

_REASONS = {200: b"OK", 400: b"Bad Request", 404: b"Not Found", 500: b"Internal Server Error"}

_numbers = itertools.count(1)

#: What is called with each request: the connection, the action in small letters (those of a
#: header's name do not matter, so all are made small), the body, the attempt.
Receiver = Callable[["Connection", str, bytes, int], None]


class Connection(asyncio.Protocol):
    """One client's connection: calls *receive* for each request, until it is closed.

    Args:
        receive: called with each request; it must see to it that ``answer`` follows.
        opened, closed: called when the connection comes and goes.
    """

    def __init__(
        self,
        receive: Receiver,
        opened: Callable[[Connection], None],
        closed: Callable[[Connection], None],
    ) -> None:
        self.number = next(_numbers)
        self._receive = receive
        self._opened = opened
        self._closed = closed
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Whether the client can still be answered, as far as this end knows."""
        return self._transport is not None and not self._transport.is_closing()

    def answer(self, status: int, body: bytes) -> bool:
        """Send an answer; return whether there was still a connection to send it on."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(
            b"HTTP/1.1 %d %s\r\nContent-Type: application/x-amz-json-1.0\r\n"
            b"Content-Length: %d\r\n%s\r\n%s"
            % (status, _REASONS[status], len(body), request_id(), body)
        )
        return True

    def reply(self, reply: Reply) -> bool:
        """Send this answer; return whether there was still a connection to send it on."""
        if self._transport is None or self._transport.is_closing():
            return False
        at_once, slowly = reply.parts()
        self._transport.write(at_once)
        self._trickle(slowly, reply)
        return True

    def _trickle(self, left: bytes, reply: Reply) -> None:
        """Send the next byte of what is *left*; close the connection at the end if it is due."""
        if self._transport is None or self._transport.is_closing():
            return  # the client has given up
        if left:
            self._transport.write(left[:1])
            loop = asyncio.get_running_loop()
            loop.call_later(reply.every_seconds, self._trickle, left[1:], reply)
        elif not reply.keeps_connection:
            self._transport.close()

    def abort(self) -> None:
        """Break the connection: the client sees a reset, or an end without an answer."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._closed(self)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end].lower() + b"\r\n"
            stop = end + 4 + _number_after(head, _LENGTH)
            if len(data) < stop:
                break
            action = _text_after(head, _TARGET)
            body, data = data[end + 4 : stop], data[stop:]
            self._receive(self, action, body, _number_after(head, _ATTEMPT) or 1)
        self._buffer = data


def _text_after(head: bytes, mark: bytes) -> str:
    start = head.find(mark)
    if start < 0:
        return ""
    start += len(mark)
    return head[start : head.find(b"\r", start)].decode("ascii", "replace").strip()


def _number_after(head: bytes, mark: bytes) -> int:
    text = _text_after(head, mark).partition(";")[0]
    return int(text) if text.isdigit() else 0
