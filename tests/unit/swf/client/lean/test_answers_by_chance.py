"""Answers put together by chance: what is read is what ``http.client`` reads, or nothing."""

from __future__ import annotations

import io
import itertools
import random
from collections import Counter
from collections.abc import Iterable
from http.client import HTTPException, HTTPResponse
from typing import Any, cast

import pytest

from flowy.swf.client.lean.answer import BrokenAnswerError
from flowy.swf.client.lean.answer_reader import read_answer

#: How many answers are read in each test, and how many tests.
EXAMPLES = 1_500
SEEDS = 6

#: What an answer is put together from. What is usual stands first, and is drawn more often.
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"http/1.1", b"HTTP/2")
STATUSES = (b"200", b"400", b"500", b"204", b"304", b"100", b"103", b"101", b"999", b"20", b"+2")
REASONS = (b" OK", b"", b" ", b" \xff", b"OK")
NAMES = (
    b"x-amzn-RequestId", b"Content-Length", b"Connection", b"Transfer-Encoding", b"content-length",
    b"Via", b"Content-Length ", b" Content-Length", b"", b"X(", b"From ", b"X\xff",
)  # fmt: skip
LENGTHS = (
    b"20",
    b"2",
    b"0",
    b"02",
    b"2 ",
    b"+2",
    b"-1",
    b"2,2",
    b"2_0",
    b"\xb2",
    b"\x0b2",
    b"9" * 30,
)
VALUES = (
    b"keep-alive", b"chunked", b"close", b"a", b"a\r\n b", b"gzip, chunked", b"",
    b"a\rContent-Length: 2", b"a\nContent-Length: 2", b"\x80", b"x" * 300,
)  # fmt: skip
ENDS = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"")
CHUNKS = (b"%x", b"%X", b"0%x", b"%x;a=b", b"%x ", b"+%x", b"0x%x", b"-%x", b" %x")
PARTS = (b"{}", b'{"startedEventId":0}', b"0\r\n\r\n", b"\r\n", b"")
BYTES = (b"\r", b"\n", b"\0", b" ", b":", b"\r\n", b"\r\n\r\n", b"0", b"\xff")


class Chance(random.Random):
    """Draws an answer."""

    def draw(self, choices: tuple[bytes, ...]) -> bytes:
        """Draw one; the first ones more often."""
        return choices[int(self.random() ** 4 * len(choices))]

    def header(self) -> bytes:
        name = self.choice(NAMES[:4]) if self.random() < 0.7 else self.draw(NAMES)
        value = self.draw(LENGTHS if b"length" in name.lower() else VALUES)
        return name + self.draw((b": ", b":", b" : ", b"")) + value + self.draw(ENDS)

    def head(self) -> bytes:
        first = self.draw(VERSIONS) + b" " + self.draw(STATUSES) + self.draw(REASONS)
        headers = [self.header() for _ in range(self.randrange(5))]
        return first + self.draw(ENDS) + b"".join(headers) + self.draw(ENDS)

    def chunks(self) -> bytes:
        body = b""
        for _ in range(self.randrange(3)):
            part = self.draw(PARTS)
            size = len(part) + (self.random() < 0.05)
            body += self.draw(CHUNKS) % size + self.draw(ENDS) + part + self.draw(ENDS)
        trailers = [b"X-Check: 1" + self.draw(ENDS) for _ in range(self.randrange(2))]
        return body + b"0" + self.draw(ENDS) + b"".join(trailers) + self.draw(ENDS)

    def answer(self) -> bytes:
        data = b"HTTP/1.1 100 Continue\r\n\r\n" if self.random() < 0.1 else b""
        data += self.head() + (self.chunks() if self.random() < 0.4 else self.draw(PARTS[::-1]))
        while self.random() < 0.3:
            at = self.randrange(len(data) + 1)
            data = data[:at] + self.draw(BYTES) * self.randrange(2) + data[at + self.randrange(3) :]
        return data

    def packets(self, data: bytes) -> list[bytes]:
        """Cut an answer into packets."""
        cuts = sorted(self.choices(range(len(data) + 1), k=self.randrange(6)))
        pairs = zip([0, *cuts], [*cuts, len(data)], strict=True)
        return [data[start:end] for start, end in pairs if start < end]


class Lasting(io.BytesIO):
    """Bytes that one response after the other reads, as from a socket."""

    def makefile(self, *_: Any) -> Lasting:
        return self

    def close(self) -> None:
        pass


def standard(data: bytes) -> tuple[int, bytes] | None:
    """Return status and body as ``http.client`` reads them; None if it does not."""
    stream = Lasting(data)
    try:
        while True:
            response = HTTPResponse(cast("Any", stream), method="POST")
            response.begin()
            if response.status >= 200:
                return response.status, response.read()
    except (HTTPException, ValueError, OverflowError):
        return None


def lean(packets: Iterable[bytes]) -> tuple[int, bytes, Any] | None:
    """Return status, body and headers as the lean way reads them; None if it refuses them."""
    left = iter(packets)
    try:
        answer = read_answer(lambda: next(left, b""))
    except BrokenAnswerError:
        return None
    return answer.status, answer.body, answer.headers


def bytes_read(data: bytes) -> int:
    """Return how many bytes are needed to read an answer; one more if the end is needed, too."""
    single = (data[at : at + 1] for at in itertools.count())
    needed = itertools.count()
    read_answer(lambda: (next(needed), next(single))[1])
    return next(needed)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_is_read_is_what_http_client_reads(seed: int) -> None:
    """However an answer is cut into packets; it may also be refused, with one error alone.

    A part of an answer is refused, unless the end of the connection is what ends the body.
    """
    chance, count = Chance(seed), Counter[str]()
    for _ in range(EXAMPLES):
        data = chance.answer()
        answer = lean([data])
        assert lean(chance.packets(data)) == answer, data
        if answer is None:
            count["refused"] += 1
            continue
        assert answer[:2] == standard(data), data
        size = bytes_read(data)
        if size > len(data):
            count["up to the end of the connection"] += 1
            continue
        count["up to its own end"] += 1
        for end in range(size):
            assert lean([data[:end]]) is None, data[:end]
    assert len(count) == 3
    assert min(count.values()) > EXAMPLES / 100, count
