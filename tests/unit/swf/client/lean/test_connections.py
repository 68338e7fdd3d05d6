"""The connections: kept, and looked at before they are used again."""

from __future__ import annotations

import gc
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
)

from flowy.swf.client.lean.connection import Connection
from flowy.swf.client.lean.pool import MAX_IDLE_SECONDS, ConnectionPool
from tests.patience import PATIENCE_SECONDS
from tests.unit.scripted_swf import lean_client
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.raw_server import (
    Peer,
    RawServer,
    answer,
    connections_of,
    error_of,
    poll,
    serve,
)


def serve_once(peer: Peer) -> None:
    """Answer one request and close the connection."""
    peer.read()
    peer.send(answer())


def read_and_close(peer: Peer) -> None:
    """Take one request and close the connection without an answer."""
    peer.read()


# Used again


def test_a_connection_is_kept(lean: MakeClient) -> None:
    """One call after the other goes over the same one."""
    with RawServer() as server:
        client = lean(server.url)
        for _ in range(5):
            poll(client)
    assert server.connections == 1
    assert len(server.requests) == 5


def wait_until_readable(client: Any) -> None:
    """Wait until the peer's end of the idle connection has come."""
    (connection,) = connections_of(client)
    assert connection.socket.recv(1, socket.MSG_PEEK) == b""


def test_an_idle_connection_that_was_closed_is_replaced(lean: MakeClient) -> None:
    """In silence, and before anything is written: each request is sent once."""
    with RawServer(serve_once, serve_once, serve) as server:
        client = lean(server.url)
        poll(client)
        for _ in range(2):
            wait_until_readable(client)
            poll(client)
    assert server.connections == 3
    assert len(server.requests) == 3


def test_an_idle_connection_that_was_closed_by_half(lean: MakeClient) -> None:
    """The peer has said that it sends nothing any more, but it still reads: it is not used."""

    def half(peer: Peer) -> None:
        serve_once(peer)
        peer.socket.shutdown(socket.SHUT_WR)
        peer.wait_for_end()

    with RawServer(half, serve) as server:
        client = lean(server.url)
        poll(client)
        wait_until_readable(client)
        poll(client)
    assert server.connections == len(server.requests) == 2


def test_an_idle_connection_that_was_reset(lean: MakeClient) -> None:
    """A connection that the peer has broken is not used either."""
    broken = threading.Event()

    def breaks(peer: Peer) -> None:
        serve_once(peer)
        peer.reset()
        broken.set()

    with RawServer(breaks, serve) as server:
        client = lean(server.url)
        poll(client)
        assert broken.wait(PATIENCE_SECONDS)
        poll(client)
    assert server.connections == len(server.requests) == 2


def test_a_request_that_meets_the_end_is_not_sent_again(lean: MakeClient) -> None:
    """The peer may have read it before it closed: SWF may have handed out a task."""

    def ends(peer: Peer) -> None:
        serve_once(peer)
        peer.read()

    with RawServer(ends, serve) as server:
        client = lean(server.url)
        poll(client)
        assert type(error_of(client)) is ConnectionClosedError
        assert server.connections == 1
        poll(client)
    assert len(server.requests) == 3


def test_botocore_tries_again_by_its_own_rules(lean: MakeClient) -> None:
    """With attempts left it signs and sends anew; the attempts are counted in the request."""

    with RawServer(read_and_close, read_and_close, serve) as server:
        client = lean(server.url, retries={"mode": "standard", "total_max_attempts": 3})
        assert poll(client)["ResponseMetadata"]["RetryAttempts"] == 2
    attempts = [request.partition(b"attempt=")[2][:1] for request in server.requests]
    assert attempts == [b"1", b"2", b"3"]


@pytest.mark.parametrize("attempts", [1, 3])
def test_aws_max_attempts(lean: MakeClient, monkeypatch: pytest.MonkeyPatch, attempts: int) -> None:
    """The variable holds, as it does for any client of botocore."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", str(attempts))
    with RawServer(read_and_close) as server:
        assert type(error_of(lean(server.url, retries=None))) is ConnectionClosedError
    assert len(server.requests) == attempts


# Many at once


def test_200_threads(lean: MakeClient) -> None:
    """Each call in flight has a connection, and each answer goes to the call that asked for it."""
    threads = 200
    all_in = threading.Barrier(threads)

    def echo(peer: Peer) -> None:
        while request := peer.read():
            identity = request.partition(b'"identity": "')[2].partition(b'"')[0]
            peer.send(answer(b'{"taskToken":"%s","startedEventId":1}' % identity))

    def call(number: int) -> list[str]:
        all_in.wait(PATIENCE_SECONDS)
        tokens = []
        for turn in range(5):
            identity = f"{number}-{turn}"
            answered = client.poll_for_activity_task(
                domain="d", taskList={"name": "t"}, identity=identity
            )
            tokens.append(answered["taskToken"])
        return tokens

    with RawServer(echo) as server:
        client = lean(server.url, max_pool_connections=threads)
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(call, range(threads)))
    assert results == [[f"{number}-{turn}" for turn in range(5)] for number in range(threads)]
    assert len(server.requests) == 5 * threads
    assert server.connections <= threads
    assert len(connections_of(client)) == server.connections


def test_a_pool_keeps_no_more_than_its_size(lean: MakeClient) -> None:
    """More calls at once open more connections, of which those beyond the size are closed."""
    together = threading.Barrier(5)

    def behave(peer: Peer) -> None:
        while peer.read():
            together.wait(PATIENCE_SECONDS)
            peer.send(answer())

    with RawServer(behave) as server:
        client = lean(server.url, max_pool_connections=2)
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda _: poll(client), range(5)))
        assert server.connections == 5
        assert len(connections_of(client)) == 2


class FakeTime:
    """The time of a pool."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ends() -> Any:
    made: list[socket.socket] = []
    yield made
    for end in made:
        end.close()


def test_idle_connections_grow_old(ends: list[socket.socket]) -> None:
    """The one that came back last goes out first; one that was idle for a minute is closed."""

    def open_one() -> Connection:
        one, other = socket.socketpair()
        ends.extend((one, other))
        return Connection(one)

    now = FakeTime()
    pool = ConnectionPool(open_one, 10, now)
    first, second, third = pool.take(), pool.take(), pool.take()
    pool.give_back(first)
    now.seconds += 1
    pool.give_back(second)
    assert pool.take() is second
    pool.give_back(second)
    now.seconds += MAX_IDLE_SECONDS - 1
    pool.give_back(third)  # the first is a minute old now, the second is not
    assert [end.fileno() == -1 for end in ends[::2]] == [True, False, False]
    assert pool.take() is third
    assert pool.take() is second
    now.seconds += 1
    pool.give_back(third)
    now.seconds += MAX_IDLE_SECONDS
    fourth = pool.take()
    assert fourth not in (first, second, third)
    pool.close()
    assert third.socket.fileno() == -1
    pool.discard(fourth)
    pool.discard(second)


class AtEachStep:
    """Calls a function of another thread, as it were, at one step of the bytecode of a method."""

    def __init__(self, method: Any, call: Callable[[], object], step: int) -> None:
        self._code = method.__code__
        self._call = call
        self._step = step
        self.steps = 0

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._trace)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code is not self._code:
            return None
        frame.f_trace_opcodes = True
        if event == "call" and sys.version_info[:2] == (
            3,
            12,
        ):  # it looks at the attribute only here
            sys.settrace(self._trace)
        if event == "opcode":
            self.steps += 1
            if self.steps == self._step:
                self._call()
        return self._trace


@pytest.mark.parametrize("idle", [0, MAX_IDLE_SECONDS])
def test_another_thread_takes_connections_while_one_is_given_back(
    ends: list[socket.socket], idle: float
) -> None:
    """It may do so at any moment: the answer that has just come must not be lost."""

    def open_one() -> Connection:
        one, other = socket.socketpair()
        ends.extend((one, other))
        return Connection(one)

    step, steps = 0, 1
    while step <= steps:
        now = FakeTime()
        pool = ConnectionPool(open_one, 10, now)
        first, second = pool.take(), pool.take()
        pool.give_back(first)
        now.seconds += idle
        taken: list[Connection] = []

        def take_two(pool: ConnectionPool = pool, taken: list[Connection] = taken) -> None:
            taken.extend((pool.take(), pool.take()))

        with (interruption := AtEachStep(ConnectionPool.give_back, take_two, step)):
            pool.give_back(second)
        steps = interruption.steps
        assert len(set(taken)) == (2 if step else 0)
        assert all(each.socket.fileno() != -1 for each in taken)
        for each in taken:
            pool.discard(each)
        pool.close()
        step += 1
    assert steps > 20


def test_closing_a_client_closes_its_connections(lean: MakeClient) -> None:
    """And a call after that opens a new one, as with any client of botocore."""
    with RawServer() as server:
        client = lean(server.url)
        poll(client)
        client.close()
        assert connections_of(client) == set()
        poll(client)
    assert server.connections == 2


def test_a_client_that_is_dropped_closes_its_connections(no_settings: None) -> None:
    """As ``call_activity`` drops one after each call; nothing warns of an open socket."""
    with RawServer() as server:
        client: Any = lean_client(server.url)
        poll(client)
        (connection,) = connections_of(client)
        del client
        gc.collect()
        assert connection.socket.fileno() == -1
