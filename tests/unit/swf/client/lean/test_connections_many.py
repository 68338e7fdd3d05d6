"""Many calls at once, each with a connection: how many there are, and how long they are kept."""

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
    poll,
)


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
        if event == "call" and sys.version_info[:2] == (3, 12):  # it looks only here
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
