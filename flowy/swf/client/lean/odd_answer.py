"""Reads answers that SWF itself does not send, but a proxy or a load balancer may.

``http.client`` reads their heads from the first byte. It also accepts some whose body or length
would be a guess, so these are refused here: lengths that contradict each other or are not numbers,
an encoding other than ``chunked``, an encoding together with a length, a head with a line that is
not a header (``http.client`` ignores the headers that follow it), one with a lone carriage return
(``http.client`` begins a new line there), and one that the end of the connection cuts off. It takes
interim answers other than 100 for final ones, which are skipped here. Its parser of chunks does not
check where a chunk ends, so they are parsed here.
"""

from __future__ import annotations

import contextlib
import io
import re
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any, cast

from .answer import MAX_BODY_BYTES, MAX_HEAD_BYTES, BrokenAnswerError, HTTPAnswer, Receive

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

#: How far ahead of the parser the reader may read, in bytes.
_READ_AHEAD_BYTES = io.DEFAULT_BUFFER_SIZE

#: The line before a chunk: its length in hexadecimal digits, and extensions, which mean nothing.
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r\n")

_LINE_END = b"\r\n"


def read_odd_answer(data: bytes, receive: Receive) -> HTTPAnswer:
    """Read an answer that begins with *data*; its connection cannot be used again.

    Raises:
        BrokenAnswerError: the answer is incomplete or cannot be read.
        OSError: raised by *receive*.
    """
    stream = _Stream(data, receive)
    reader = _Reader(stream)
    try:
        with contextlib.ExitStack() as responses:
            stream.may_read(MAX_HEAD_BYTES + _READ_AHEAD_BYTES)
            response = _final_response(reader, responses)
            _check_length(response)
            stream.may_read(MAX_BODY_BYTES)
            body = _read_chunks(reader) if response.chunked else response.read()
    except HTTPException as error:
        raise BrokenAnswerError(f"{type(error).__name__} {error}") from error
    headers: dict[str, str] = {}
    for name, value in response.headers.items():
        same = next((known for known in headers if known.lower() == name.lower()), name)
        headers[same] = f"{headers[same]}, {value}" if same in headers else value
    return HTTPAnswer(response.status, headers, body, reusable=False)


def _final_response(reader: _Reader, responses: contextlib.ExitStack) -> HTTPResponse:
    """Parse heads up to the first that is not an interim answer's; *responses* closes them."""
    while True:
        response = HTTPResponse(cast("socket.socket", reader), method="POST")
        responses.enter_context(contextlib.closing(response))
        response.begin()
        if response.status >= 200:
            return response
        if response.status == 101:
            raise BrokenAnswerError("the answer goes on in another protocol")


def _check_length(response: HTTPResponse) -> None:
    if response.headers.defects:
        raise BrokenAnswerError("the head has a line that is not a header")
    lengths = {text.strip(" \t") for text in response.headers.get_all("Content-Length", ())}
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


def _read_chunks(reader: _Reader) -> bytes:
    """Read a body in chunks, and the headers that may follow it."""
    parts = []
    while size := _chunk_size(reader.readline(MAX_HEAD_BYTES)):
        parts.append(reader.read(size))
        if reader.readline(len(_LINE_END)) != _LINE_END:
            raise BrokenAnswerError("the answer has a chunk of the wrong length")
    while reader.readline(MAX_HEAD_BYTES) != _LINE_END:
        pass
    return b"".join(parts)


def _chunk_size(line: bytes) -> int:
    match = _CHUNK_LINE.fullmatch(line)
    if match is None:
        raise BrokenAnswerError("the answer has a chunk without a length")
    size = int(match[1], 16)
    if size > MAX_BODY_BYTES:
        raise BrokenAnswerError(f"the answer has more than {MAX_BODY_BYTES:,} bytes")
    return size


class _Reader(io.BufferedReader):
    """What ``http.client`` reads from: only whole lines, in which nothing looks like another."""

    def makefile(self, *_: Any) -> _Reader:
        """Return itself, as a socket returns its file."""
        return self

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read up to the end of a line, or *size* bytes of it."""
        line = super().readline(size)
        if not line.endswith(b"\n") and len(line) != size:
            raise BrokenAnswerError("the connection was closed within the answer")
        if b"\r" in line[:-2] or b"\0" in line:
            raise BrokenAnswerError("the answer has a line with a control character")
        return line

    def close(self) -> None:
        """Stay open: each ``HTTPResponse`` closes it, and the next one reads on."""


class _Stream(io.RawIOBase):
    """The bytes of an answer, as they come."""

    def __init__(self, data: bytes, receive: Receive) -> None:
        self._data = data
        self._receive = receive
        self._left = 0

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
