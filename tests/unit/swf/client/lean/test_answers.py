"""What comes back over a real socket, and what is made of it: never a guess, never a second try."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from flowy.swf.client.lean import odd_answer
from flowy.swf.client.lean.answer import BrokenAnswerError
from flowy.swf.client.lean.answer_reader import read_answer
from tests.patience import PATIENCE_SECONDS
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.raw_server import (
    EMPTY,
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


def says(*parts: bytes, then: Callable[[Peer], object] = Peer.read) -> Callable[[Peer], None]:
    """Answer each request with these parts, each in a packet of its own; then do this."""

    def behave(peer: Peer) -> None:
        while peer.read():
            for part in parts:
                peer.send(part)
            then(peer)

    return behave


def closes(peer: Peer) -> None:
    peer.socket.close()


def goes_on(peer: Peer) -> None:
    """The connection stays open, for the next request."""


# Answers that are taken


#: Answers with the body of an empty poll, and whether the connection is used again after them.
WHOLE: dict[str, tuple[bytes, bool]] = {
    "SWF's own": (answer(), True),
    "without a reason": (answer().replace(b" OK", b""), True),
    "with white space": (answer(headers=OWN + b"X-Empty:\r\nX-Tabs:\t a \t\r\n"), True),
    "with keep-alive": (answer(headers=OWN + b"Connection: Keep-Alive\r\n"), True),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\n" + OWN + b"Transfer-Encoding: chunked\r\n\r\n"
        b"2;extension=1\r\n" + EMPTY[:2] + b"\r\n12\r\n" + EMPTY[2:] + b"\r\n0\r\n\r\n",
        False,
    ),
    "in chunks with trailers": (
        b"HTTP/1.1 200 OK\r\n" + OWN + b"Transfer-Encoding: chunked\r\n\r\n"
        b"14\r\n" + EMPTY + b"\r\n0\r\nX-Check: 1\r\nX-Other: 2\r\n\r\n",
        False,
    ),
    "after 100 Continue": (b"HTTP/1.1 100 Continue\r\n\r\n" + answer(), False),
    "after two of them with headers": (
        b"HTTP/1.1 100 Continue\r\nX-Wait: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + answer(),
        False,
    ),
    "HTTP/1.0": (answer().replace(b"1.1", b"1.0"), False),
    "the same length twice": (answer(headers=OWN + b"Content-Length: 20\r\n"), False),
    "a header twice": (answer(headers=OWN + b"Via: a\r\nvia: b\r\n"), False),
    "a folded header": (answer(headers=OWN + b"X-Long: a\r\n b\r\n"), False),
    "bare line feeds": (answer().replace(b"\r\n", b"\n"), False),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_answers(either: MakeClient, name: str) -> None:
    """Each shape of HTTP in which an answer may come is read, by both ways alike."""
    data, _ = WHOLE[name]
    with RawServer(says(data, then=goes_on)) as server:
        answered = poll(either(server.url))
    assert answered["startedEventId"] == 0
    assert answered["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", WHOLE)
def test_which_connections_are_used_again(lean: MakeClient, name: str) -> None:
    """Those whose answer was as SWF sends it; any other is spent."""
    data, reused = WHOLE[name]
    with RawServer(says(data, then=goes_on)) as server:
        client = lean(server.url)
        for _ in range(3):
            poll(client)
    assert server.connections == (1 if reused else 3)
    assert len(server.requests) == 3


def test_repeated_headers_are_joined(either: MakeClient) -> None:
    """As HTTP says that they mean."""
    data = answer(headers=OWN + b"Via: a\r\nvia: b\r\n")
    with RawServer(says(data, then=goes_on)) as server:
        headers = poll(either(server.url))["ResponseMetadata"]["HTTPHeaders"]
    assert headers["via"] == "a, b"


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n" + OWN, b"HTTP/1.0 200 OK\r\n" + OWN])
def test_a_body_that_ends_with_the_connection(either: MakeClient, head: bytes) -> None:
    """Without a length the end of the connection is the end of the body."""
    with RawServer(says(head + b"Connection: close\r\n\r\n" + EMPTY, then=closes)) as server:
        assert poll(either(server.url))["startedEventId"] == 0


@pytest.mark.parametrize("data", [WHOLE["SWF's own"][0], WHOLE["in chunks with trailers"][0]])
def test_byte_by_byte(either: MakeClient, data: bytes) -> None:
    """A slow answer is read to its end: a read timeout counts from one byte to the next."""
    parts = [bytes([byte]) for byte in data]
    with RawServer(says(*parts, then=goes_on)) as server:
        assert poll(either(server.url))["startedEventId"] == 0


def test_a_large_body(either: MakeClient) -> None:
    """A page of a history has megabytes."""
    text = "x" * 3_000_000
    body = b'{"taskToken":"t","startedEventId":1,"input":"%s"}' % text.encode()
    with RawServer(says(answer(body), then=goes_on)) as server:
        client = either(server.url)
        assert poll(client)["input"] == text
        assert poll(client)["input"] == text
    assert server.connections == 1


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body(either: MakeClient, status: int) -> None:
    """They have none, whatever length is said."""
    data = answer(length=7, body=b"").replace(b"200 OK", b"%d X" % status)
    with RawServer(says(data)) as server:
        client = either(server.url)
        try:
            metadata = poll(client)["ResponseMetadata"]
        except ClientError as error:
            metadata = error.response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == status


@pytest.mark.parametrize("status", [400, 500])
def test_errors(either: MakeClient, status: int) -> None:
    """Faults are ClientErrors, and the connection lives on."""
    body = b'{"__type":"com.amazonaws.swf.base.model#UnknownResourceFault","message":"no"}'
    fault = answer(body).replace(b"200 OK", b"%d Bad" % status)
    with RawServer(says(fault, then=goes_on)) as server:
        client = either(server.url)
        for _ in range(2):
            error = error_of(client)
            assert isinstance(error, ClientError)
            assert error.response["Error"] == {"Code": "UnknownResourceFault", "Message": "no"}
    assert server.connections == 1


# Answers that break


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


#: Answers that botocore's own way takes for whole, or reads as it likes.
GUESSED: dict[str, bytes] = {
    "an end within the head": answer()[:60],
    "an end within the body": answer(length=100),
    "a length that is no number": answer().replace(b"h: 20", b"h: 2x"),
    "a negative length": answer().replace(b"h: 20", b"h: -1"),
    "an endless length": answer().replace(b"h: 20", b"h: " + b"9" * 30),
    "two lengths": answer(headers=OWN + b"Content-Length: 2\r\n"),
    "a length and chunks": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "a line that is no header": answer(length=100, headers=OWN + b"nonsense\r\n"),
    "a space before a colon": answer(length=100).replace(b"Length:", b"Length :"),
    "an unknown encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{}",
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
