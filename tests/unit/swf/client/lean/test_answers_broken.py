"""Answers that break over a real socket: each is an error, and no request is sent again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from flowy.swf.client.lean import odd_answer
from flowy.swf.client.lean.answer import BrokenAnswerError
from flowy.swf.client.lean.answer_reader import read_answer
from tests.patience import PATIENCE_SECONDS
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.behaviours import closes, goes_on, says
from tests.unit.swf.client.lean.raw_server import (
    OWN,
    Peer,
    RawServer,
    answer,
    error_of,
    poll,
    serve,
)

#: Long enough for what has come already, in seconds, and short for a test.
SHORT_SECONDS = 0.3


def resets(peer: Peer) -> None:
    peer.reset()


#: What goes wrong, and what both ways raise.
BROKEN: dict[str, tuple[Callable[[Peer], None], type[Exception]]] = {
    "an end before the answer": (lambda peer: closes(peer) if peer.read() else None,
                                 ConnectionClosedError),
    "a reset before the answer": (lambda peer: resets(peer) if peer.read() else None,
                                  ConnectionClosedError),
    "a reset within the request": (lambda peer: resets(peer) if peer.socket.recv(9) else None,
                                   ConnectionClosedError),
    "a reset within the head": (says(answer()[:30], then=resets), ConnectionClosedError),
    "a reset within the body": (says(answer()[:-1], then=resets), ConnectionClosedError),
    "silence": (says(), ReadTimeoutError),
    "silence within the head": (says(answer()[:30]), ReadTimeoutError),
    "silence within the body": (says(answer()[:-1]), ReadTimeoutError),
    "a length too long, and silence": (says(answer(length=100)), ReadTimeoutError),
    "no HTTP": (says(b"garbage\r\n\r\n", then=closes), ConnectionClosedError),
    "a bad status": (says(b"HTTP/1.1 abc\r\n\r\n", then=closes), ConnectionClosedError),
    "a header of 70,000 characters": (
        says(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n", then=closes),
        ConnectionClosedError,
    ),
    "a chunk that breaks off": (
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", then=closes),
        ConnectionClosedError,
    ),
    "a chunk of no length": (
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", then=closes),
        ConnectionClosedError,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers(either: MakeClient, name: str) -> None:
    """Both ways raise the same class, and neither sends the request again."""
    behaviour, kind = BROKEN[name]
    with RawServer(behaviour) as server:
        client = either(
            server.url, read_timeout=SHORT_SECONDS if "silence" in name else PATIENCE_SECONDS
        )
        error = error_of(client)
    assert type(error) is kind
    assert server.connections == 1
    assert len(server.requests) <= 1


def chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + OWN + b"Transfer-Encoding: chunked\r\n\r\n" + body


#: Answers that botocore's own way takes for whole, or reads as it likes.
GUESSED: dict[str, bytes] = {
    "an end within the head": answer()[:60],
    "an end within the body": answer(length=100),
    "a length that is not a number": answer().replace(b"h: 20", b"h: 2x"),
    "a negative length": answer().replace(b"h: 20", b"h: -1"),
    "an endless length": answer().replace(b"h: 20", b"h: " + b"9" * 30),
    "two lengths": answer(headers=OWN + b"Content-Length: 2\r\n"),
    "a length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "a line that is not a header": answer(length=100, headers=OWN + b"nonsense\r\n"),
    "a space before a colon": answer(length=100).replace(b"Length:", b"Length :"),
    "an unknown encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{}",
    "an end within the head of HTTP/1.0": b"HTTP/1.0 200 OK\r\n" + OWN,
    "an end within the head after another": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + OWN
    ),
    "a length behind a lone carriage return": answer(headers=b"X-Own: a\rContent-Length: 2\r\n"),
    "a header with a zero byte": answer(headers=b"X-Own: \0\r\n"),
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + answer(),
    "a chunk shorter than it is": chunked(b"1\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than it is": chunked(b"3\r\n{}\r\n0\r\n\r\n"),
    "a chunk without an end": chunked(b"2\r\n{}0\r\n\r\n"),
    "a chunk of a negative length": chunked(b"-1\r\n{}\r\n0\r\n\r\n"),
    "a chunk of a length that is not a number": chunked(b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk of a length with a sign": chunked(b"+2\r\n{}\r\n0\r\n\r\n"),
    "a chunk of an endless length": chunked(b"%s\r\n" % (b"f" * 15)),
    "an end within the length of a chunk": chunked(b"2\r\n{}\r\n00"),
    "an end within the trailers": chunked(b"2\r\n{}\r\n0\r\nX-Check: 1\r\n"),
}


@pytest.mark.parametrize("name", GUESSED)
def test_no_body_is_guessed(lean: MakeClient, name: str) -> None:
    """An answer whose length is not certain is a broken one."""
    with RawServer(says(GUESSED[name], then=closes)) as server:
        assert type(error_of(lean(server.url))) is ConnectionClosedError
    assert len(server.requests) == 1


def test_the_end_of_an_answer_that_is_too_long_for_its_length(lean: MakeClient) -> None:
    """What follows the body is not the next answer: its connection is spent."""
    surplus = answer(b'{"taskToken":"stolen","startedEventId":1}')
    with RawServer(says(answer() + surplus, then=goes_on), serve) as server:
        client = lean(server.url)
        assert "taskToken" not in poll(client)
        assert "taskToken" not in poll(client)
    assert server.connections == 2


def test_an_answer_that_nobody_asked_for(lean: MakeClient) -> None:
    """It comes after the first one; the next call has a connection of its own."""
    late, sent = answer(b'{"taskToken":"stolen","startedEventId":1}'), threading.Event()

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(answer())
        peer.send(late)
        sent.set()
        peer.wait_for_end()

    with RawServer(behave, serve) as server:
        client = lean(server.url)
        poll(client)
        assert sent.wait(PATIENCE_SECONDS)
        assert "taskToken" not in poll(client)
    assert server.connections == 2


@pytest.mark.parametrize("first", [100, 65_000])
def test_a_long_head(first: int) -> None:
    """One of more than 64 KiB is given up, even if its end has come with it."""
    lines = [b"X-Long-%d: %s\r\n" % (number, b"x" * 9_000) for number in range(10)]
    data = answer(headers=OWN + b"".join(lines))
    parts = iter([data[:first], data[first:]])
    with pytest.raises(BrokenAnswerError, match="too long"):
        read_answer(lambda: next(parts))


def test_a_head_without_end(lean: MakeClient) -> None:
    """It is given up after 64 KiB, whatever it consists of."""

    def endless(line: bytes) -> Callable[[Peer], None]:
        def behave(peer: Peer) -> None:
            peer.read()
            with contextlib.suppress(OSError):
                peer.send(b"HTTP/1.1 200 OK\r\n")
                while True:
                    peer.send(line * 100)

        return behave

    continues = b"\r\nHTTP/1.1 100 Continue\r\n"
    for line in (b"X-More: x\r\n", b"x" * 50, continues):
        with RawServer(endless(line)) as server:
            assert type(error_of(lean(server.url))) is ConnectionClosedError


def test_a_body_without_end(lean: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that never ends is given up at a limit, and one that says so is not read."""
    monkeypatch.setattr(odd_answer, "MAX_BODY_BYTES", 100_000)

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                peer.send(b"x" * 10_000)

    with RawServer(behave) as server:
        assert type(error_of(lean(server.url))) is ConnectionClosedError
    long = answer(length=300_000_000)
    with RawServer(says(long)) as server:
        assert type(error_of(lean(server.url))) is ConnectionClosedError
