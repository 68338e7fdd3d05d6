"""Reads an HTTP answer strictly, in the form that SWF sends, without guesses.

SWF answers with a status line, a few headers with different names, and a body of the length in
``Content-Length``. Such answers are read here. All others (HTTP/1.0, chunked, after an interim
answer, or ended by the end of the connection) go through the parser of Python's ``http.client``
from their first byte, and their connection is not used again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .answer import MAX_BODY_BYTES, MAX_HEAD_BYTES, BrokenAnswerError, HTTPAnswer, Receive

#: A head that every parser reads alike, without folded lines, control characters or odd names.
_HEAD = re.compile(
    rb"HTTP/1\.1 (?!204|304)([2-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?"
    rb"((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)*)"
)
_START = b"HTTP/1.1 "
_BLANK = b"\r\n\r\n"


class _Head(NamedTuple):
    status: int
    headers: Mapping[str, str]
    length: int


def read_answer(receive: Receive) -> HTTPAnswer:
    """Read one answer.

    Raises:
        BrokenAnswerError: the answer is incomplete or cannot be read.
        OSError: raised by *receive*.
    """
    data = receive()
    if not data:
        raise BrokenAnswerError("the connection was closed without an answer")
    end = data.find(_BLANK)
    while end < 0 and _may_become_plain(data):
        more = receive()
        if not more:
            raise BrokenAnswerError("the connection was closed within the head of the answer")
        searched = max(0, len(data) - len(_BLANK) + 1)
        data += more
        end = data.find(_BLANK, searched)
    head = _plain_head(data[:end]) if 0 <= end <= MAX_HEAD_BYTES else None
    if head is None:
        from .odd_answer import read_odd_answer

        return read_odd_answer(data, receive)
    body, surplus = _body(data[end + len(_BLANK) :], head.length, receive)
    return HTTPAnswer(head.status, head.headers, body, reusable=not surplus)


def _may_become_plain(data: bytes) -> bool:
    """Return whether *data* may be the start of a head in the form that SWF sends."""
    return (
        len(data) <= MAX_HEAD_BYTES
        and data[: len(_START)] == _START[: len(data)]
        and data.count(b"\n") == data.count(b"\r\n")
    )


def _plain_head(data: bytes) -> _Head | None:
    """Parse a head in the form that SWF sends; return None for any other."""
    match = _HEAD.fullmatch(data)
    if match is None:
        return None
    lines = match[2].decode("latin-1").split("\r\n")[1:]
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name] = value.strip(" \t")
    small = {name.lower(): value for name, value in headers.items()}
    length = small.get("content-length", "")
    if (
        len(small) != len(lines)
        or not (length.isdecimal() and length.isascii() and len(length) < 20)
        or int(length) > MAX_BODY_BYTES
        or "transfer-encoding" in small
        or small.get("connection", "keep-alive").lower() != "keep-alive"
    ):
        return None
    return _Head(int(match[1]), headers, int(length))


def _body(data: bytes, length: int, receive: Receive) -> tuple[bytes, bool]:
    """Return the body, and whether more bytes than that came."""
    missing = length - len(data)
    if missing == 0:
        return data, False
    parts = [data]
    while missing > 0:
        more = receive()
        if not more:
            raise BrokenAnswerError(f"the connection was closed {missing:,} bytes before its end")
        parts.append(more)
        missing -= len(more)
    return b"".join(parts)[:length], missing < 0
