"""The connections: kept, looked at before they are used again, and never shared with a fork."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import stat
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from flowy.swf.client.lean.connection import Connection
from flowy.swf.client.lean.pool import MAX_IDLE_SECONDS, ConnectionPool
from tests.patience import PATIENCE_SECONDS, until
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
    """Nor is one that the peer has broken."""
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


# Getting there


def test_ipv6(either: MakeClient) -> None:
    """An endpoint may be an IPv6 address."""
    try:
        server = RawServer(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert poll(either(server.url))["startedEventId"] == 0
    assert f"\r\nHost: [::1]:{server.port}\r\n".encode() in server.requests[0]


def test_a_name(lean: MakeClient) -> None:
    """Each address of a name is tried."""
    with RawServer() as server:
        assert poll(lean(f"http://localhost:{server.port}"))["startedEventId"] == 0


def test_the_socket(lean: MakeClient) -> None:
    """A small request goes out at once, and a poll's connection is looked after by TCP."""
    with RawServer() as server:
        client = lean(server.url, tcp_keepalive=True)
        poll(client)
        (connection,) = connections_of(client)
        assert connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert not connection.socket.get_inheritable()


def test_nobody_listens(either: MakeClient) -> None:
    """The class says that nothing was sent, and the text where."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = error_of(either(f"http://127.0.0.1:{port}"))
    assert type(error) is EndpointConnectionError
    assert f'"http://127.0.0.1:{port}/"' in str(error)


def test_a_name_that_nobody_has(either: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is with a name that does not resolve."""

    def fails(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert type(error_of(either("http://swf.invalid"))) is EndpointConnectionError


def test_a_connect_timeout(either: MakeClient) -> None:
    """A full backlog takes no connection: the connect timeout ends the attempt."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
            error = error_of(either(f"http://127.0.0.1:{port}", connect_timeout=0.2))
        finally:
            for one in waiting:
                one.close()
    if sys.platform == "linux":
        assert type(error) is ConnectTimeoutError


def test_a_read_timeout_is_the_clients_own(lean: MakeClient) -> None:
    """Clients that share connections wait as long as each was told."""

    def silent(peer: Peer) -> None:
        while peer.read():
            if len(server.requests) == 1:
                peer.send(answer())

    with RawServer(silent) as server:
        client = lean(server.url, read_timeout=0.2)
        poll(client)
        assert type(error_of(client)) is ReadTimeoutError
        assert connections_of(client) == set()


# Interrupts and forks


def test_an_interrupt_spends_the_connection(lean: MakeClient) -> None:
    """The answer to a call that was interrupted must not be read by the next one."""

    class Interrupt(BaseException):
        pass

    def interrupt(*_: Any) -> None:
        raise Interrupt

    def behave(peer: Peer) -> None:
        while peer.read():
            os.kill(os.getpid(), signal.SIGUSR1)
            server.over.wait(0.2)
            peer.send(answer(b'{"taskToken":"late","startedEventId":1}'))

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with RawServer(behave, serve) as server:
            client = lean(server.url)
            with pytest.raises(Interrupt):
                poll(client)
            assert connections_of(client) == set()
            assert "taskToken" not in poll(client)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert server.connections == 2


def in_a_child(call: Any) -> Any:
    """Fork, call it in the child, and return its exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = int(not call())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_has_connections_of_its_own(lean: MakeClient) -> None:
    """The child opens one; the parent's is still good, and was closed in the child."""
    with RawServer() as server:
        client = lean(server.url)
        poll(client)
        (connection,) = connections_of(client)
        descriptor = connection.socket.fileno()
        inode = os.fstat(descriptor).st_ino

        def call() -> bool:
            open_files = {os.fstat(fd).st_ino for fd in range(3, descriptor + 1) if is_open(fd)}
            poll(client)
            return inode not in open_files and connection not in connections_of(client)

        assert in_a_child(call) == 0
        assert server.connections == 2
        poll(client)
        assert connections_of(client) == {connection}
    assert server.connections == 2
    assert len(server.requests) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_closes_the_connection_of_a_poll_that_is_out(lean: MakeClient) -> None:
    """If the parent died SWF would see its end, although the child lives on."""
    out = threading.Event()

    def behave(peer: Peer) -> None:
        peer.read()
        out.set()
        server.over.wait(PATIENCE_SECONDS)

    with RawServer(behave) as server, ThreadPoolExecutor(1) as thread:
        client = lean(server.url)
        polling = thread.submit(error_of, client)
        assert out.wait(PATIENCE_SECONDS)
        (connection,) = connections_of(client)
        assert in_a_child(lambda: connection.socket.fileno() == -1) == 0
        assert connection.socket.fileno() != -1
        server.over.set()
        assert type(polling.result(PATIENCE_SECONDS)) is ConnectionClosedError


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.parametrize(
    ("scheme", "backlog", "function"),
    [("http", 0, "create_connection"), ("https", 9, "do_handshake")],
)
def test_a_fork_closes_a_connection_that_is_being_opened(
    lean: MakeClient, scheme: str, backlog: int, function: str
) -> None:
    """It is closed in the child although no call has it yet."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(backlog)  # and nothing is accepted
        address = listener.getsockname()
        for _ in range(0 if backlog else 8):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(address)
        client = lean(f"{scheme}://127.0.0.1:{address[1]}")
        before = sockets()
        thread = threading.Thread(target=error_of, args=(client,))
        thread.start()
        until(lambda: is_in(thread, function) and sockets() - before)
        opened = sockets() - before
        assert in_a_child(lambda: not sockets() & opened) == 0
        assert opened <= sockets()
        listener.close()
        thread.join()


def sockets() -> set[int]:
    """Return what identifies the TCP sockets that are open in this process.

    Others come and go: a lookup of a name opens one for a moment.
    """
    found = set()
    for descriptor in filter(is_open, range(3, 1_000)):
        state = os.fstat(descriptor)
        if stat.S_ISSOCK(state.st_mode):
            with socket.socket(fileno=os.dup(descriptor)) as one:
                if (one.family, one.type) == (socket.AF_INET, socket.SOCK_STREAM):
                    found.add(state.st_ino)
    return found


def is_in(thread: threading.Thread, function: str) -> bool:
    """Return whether a thread is in a call of a function."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None and frame.f_code.co_name != function:
        frame = frame.f_back
    return frame is not None


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
