"""Whose socket it is that a deadline cuts: that of the late call, and no other."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet

import pytest

from flowy.swf.client.deadlines import (
    CUT_INTERVAL_SECONDS,
    SHORTEST_DEADLINE_SECONDS,
    CallDeadlines,
    _cut,
)
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock
from tests.unit.swf.client.conftest import EVERY_SECONDS, Aside, error_after_cuts


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection; nothing is ever sent unless the test does."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def reads(end: socket.socket) -> bytes:
    """Read from a socket in the way of ``http.client``."""
    with end.makefile("rb") as file:
        return file.readline()


def test_only_calls_past_their_deadline_are_cut(
    deadlines: CallDeadlines, clock: TurnedClock, aside: Aside
) -> None:
    """One that has time left goes on, and its value comes back."""
    (late, late_other), (early, early_other) = socket.socketpair(), socket.socketpair()
    with late, late_other, early, early_other:
        cut = aside(lambda: deadlines.call(5, lambda: reads(late)))
        kept = aside(lambda: deadlines.call(50, lambda: reads(early)))
        clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
        while not cut.done():
            clock.turn(0.1)
            with pytest.raises(NotYet):
                kept.result(EVERY_SECONDS)
            assert clock.now() < TurnedClock().now() + 50
        assert cut.result() == b""  # the end of the connection
        early_other.sendall(b"answer\n")
        assert kept.result(PATIENCE_SECONDS) == b"answer\n"


class Proxy:
    """A client around another: what it stands for is not there yet, as Werkzeug's proxies say."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("working outside of a request")

    def reads(self, end: socket.socket) -> bytes:
        return reads(end)


def test_a_call_of_a_proxy_is_cut(
    deadlines: CallDeadlines,
    clock: TurnedClock,
    aside: Aside,
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """No object in the call ends the thread that watches it."""
    one, other = pair
    future = aside(lambda: deadlines.call(5, lambda: Proxy().reads(one)))
    clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
    try:
        assert future.result(PATIENCE_SECONDS) == b""
    finally:
        other.close()


def test_a_tls_connection_is_cut(
    deadlines: CallDeadlines,
    clock: TurnedClock,
    aside: Aside,
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """SWF's are: the reader sees the end of its connection, and nothing else breaks."""

    def wrapped(end: socket.socket, side: int) -> ssl.SSLSocket:
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.set_ciphers("AECDH:@SECLEVEL=0")
        except ssl.SSLError:
            pytest.skip("this OpenSSL has no ciphers without certificates")
        return context.wrap_socket(end, server_side=side == ssl.PROTOCOL_TLS_SERVER)

    server = aside(lambda: wrapped(pair[0], ssl.PROTOCOL_TLS_SERVER))
    with wrapped(pair[1], ssl.PROTOCOL_TLS_CLIENT) as client, server.result() as served:
        served.sendall(b"h")
        future = aside(lambda: deadlines.call(5, lambda: reads(client)))
        clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
        error = error_after_cuts(future, clock)
        assert error is None or isinstance(error, OSError)


class OwnSocket(socket.socket):
    """A socket of the author's, whose methods do more than sockets do."""

    def during(self, call: Callable[[], object]) -> object:
        return call()


def test_a_socket_of_the_authors_own_is_never_cut(
    deadlines: CallDeadlines,
    clock: TurnedClock,
    aside: Aside,
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """It may be used by what called the heartbeat; the call itself reads from none yet."""
    go_on = threading.Event()
    one, other = pair
    own = OwnSocket(fileno=one.detach())

    def heartbeat() -> object:
        return deadlines.call(5, lambda: go_on.wait(PATIENCE_SECONDS))

    with own:
        future = aside(lambda: own.during(heartbeat))
        clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
        for _ in range(3):  # it looks for something to cut again and again
            clock.turn_when_awaited(CUT_INTERVAL_SECONDS)
        go_on.set()
        assert future.result(PATIENCE_SECONDS) is True
        other.sendall(b"alive\n")
        assert reads(own) == b"alive\n"


def test_a_thread_that_is_back_from_its_call(
    aside: Aside, pair: tuple[socket.socket, socket.socket]
) -> None:
    """The watcher may come a moment too late: what the thread reads from then is not cut."""
    one, other = pair
    reading: Future[int] = Future()

    def read() -> bytes:
        reading.set_result(threading.get_ident())
        return reads(one)

    future = aside(read)
    _cut(reading.result(PATIENCE_SECONDS))
    other.sendall(b"alive\n")
    assert future.result(PATIENCE_SECONDS) == b"alive\n"
    _cut(0)  # a thread that has ended
