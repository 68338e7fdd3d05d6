"""Reads answers that SWF itself does not send, but a proxy or a load balancer may.

``http.client`` reads them from their first byte. It also accepts four forms whose body would be a
guess, so these are refused here: lengths that contradict each other or are not numbers, an encoding
other than ``chunked``, an encoding together with a length, and a head with a line that is not a
header, because ``http.client`` ignores the headers that follow it.
"""

from __future__ import annotations

import contextlib
import io
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, cast

from .answer import MAX_BODY_BYTES, MAX_HEAD_BYTES, BrokenAnswerError, HTTPAnswer, Receive

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

#: How far ``http.client`` may read ahead, in bytes.
_READ_AHEAD_BYTES = io.DEFAULT_BUFFER_SIZE


def read_odd_answer(data: bytes, receive: Receive) -> HTTPAnswer:
    """Read an answer that begins with *data*; its connection cannot be used again.

    Raises:
        BrokenAnswerError: the answer is incomplete or cannot be read.
        OSError: raised by *receive*.
    """
    stream = _Stream(data, receive)
    response = HTTPResponse(cast("socket.socket", stream), method="POST")
    try:
        with contextlib.closing(response):
            stream.may_read(MAX_HEAD_BYTES + _READ_AHEAD_BYTES)
            response.begin()
            _check_length(response)
            stream.may_read(MAX_BODY_BYTES)
            body = response.read()
    except HTTPException as error:
        raise BrokenAnswerError(f"{type(error).__name__} {error}") from error
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        same = next((known for known in headers if known.lower() == name.lower()), name)
        headers[same] = f"{headers[same]}, {value}" if same in headers else value
    return HTTPAnswer(response.status, headers, body, reusable=False)


def _check_length(response: HTTPResponse) -> None:
    if response.headers.defects:
        raise BrokenAnswerError("the head has a line that is not a header")
    lengths = set(response.headers.get_all("Content-Length", ()))
    encodings = response.headers.get_all("Transfer-Encoding", ())
    if encodings:
        refused = bool(lengths) or [text.strip().lower() for text in encodings] != ["chunked"]
    else:
        refused = len(lengths) > 1 or not all(
            text.isascii() and text.isdecimal() and len(text) < 20 for text in lengths
        )
    if refused:
        raise BrokenAnswerError("the answer does not say how long it is")
    if any(int(text) > MAX_BODY_BYTES for text in lengths):
        raise BrokenAnswerError(f"the answer has more than {MAX_BODY_BYTES:,} bytes")


class _Stream(io.RawIOBase):
    """The bytes of an answer, with the methods of a socket that ``http.client`` uses."""

    def __init__(self, data: bytes, receive: Receive) -> None:
        self._data = data
        self._receive = receive
        self._left = 0

    def makefile(self, *_: Any) -> io.BufferedReader:
        """Return what ``http.client`` reads from, as a socket does."""
        return io.BufferedReader(self)

    def may_read(self, count: int) -> None:
        """Allow *count* more bytes to be read."""
        self._left = count

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into *buffer* what has come; return how many bytes."""
        target = memoryview(buffer).cast("B")
        data = self._data or self._receive()
        count = min(len(data), len(target))
        self._left -= count
        if self._left < 0:
            raise BrokenAnswerError("the answer is too long")
        target[:count] = data[:count]
        self._data = data[count:]
        return count
