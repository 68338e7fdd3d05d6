"""Connections are spent by an interrupt, and never shared with a fork."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
)

from tests.patience import PATIENCE_SECONDS, until
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.forks import in_a_child
from tests.unit.swf.client.lean.raw_server import (
    Peer,
    RawServer,
    answer,
    connections_of,
    error_of,
    poll,
    serve,
)


def test_an_interrupt_spends_the_connection(lean: MakeClient) -> None:
    """The answer to a call that was interrupted must not be read by the next one."""

    class Interrupt(BaseException):
        pass

    def interrupt(*_: Any) -> None:
        raise Interrupt

    interrupted = threading.Event()

    def behave(peer: Peer) -> None:
        while peer.read():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert interrupted.wait(PATIENCE_SECONDS)
            peer.send(answer(b'{"taskToken":"late","startedEventId":1}'))

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with RawServer(behave, serve) as server:
            client = lean(server.url)
            with pytest.raises(Interrupt):
                poll(client)
            interrupted.set()
            assert connections_of(client) == set()
            assert "taskToken" not in poll(client)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert server.connections == 2


def test_an_interrupt_while_a_connection_is_opened(lean: MakeClient) -> None:
    """It leaves no socket open; a full backlog accepts no connection."""

    class Interrupt(BaseException):
        pass

    def interrupt(*_: Any) -> None:
        raise Interrupt

    def kill() -> None:
        until(lambda: is_in(threading.main_thread(), "create_connection") and sockets() - before)
        os.kill(os.getpid(), signal.SIGUSR1)

    handler = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with contextlib.ExitStack() as stack:
            url = full_backlog(stack)
            client = lean(url)
            before = sockets()
            stack.enter_context(ThreadPoolExecutor(1)).submit(kill)
            with pytest.raises(Interrupt):
                poll(client)
            assert sockets() == before
    finally:
        signal.signal(signal.SIGUSR1, handler)


def full_backlog(stack: contextlib.ExitStack) -> str:
    """Return the URL of what takes no connection."""
    listener = stack.enter_context(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(8):
        one = stack.enter_context(socket.socket())
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_fork_closes_a_socket_that_has_just_been_made(
    lean: MakeClient, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """The fork waits until the child can know of it."""
    made, forked = threading.Event(), threading.Event()
    owner, method = (socket, "socket") if scheme == "http" else (ssl.SSLContext, "wrap_socket")
    make = getattr(owner, method)

    def make_slowly(*args: Any, **kwargs: Any) -> socket.socket:
        one: socket.socket = make(*args, **kwargs)
        made.set()
        waits = "_wait_for_sockets"
        until(lambda: forked.is_set() or is_in(threading.main_thread(), waits))
        return one

    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = lean(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        before = sockets()
        thread = threading.Thread(target=error_of, args=(client,))
        with monkeypatch.context() as patch:
            patch.setattr(owner, method, make_slowly)
            thread.start()
            assert made.wait(PATIENCE_SECONDS)
            patch.undo()
            opened = sockets() - before
            assert len(opened) == 1
            code = in_a_child(lambda: not sockets() & opened)
            forked.set()
    thread.join()
    assert code == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_waits_for_a_socket_that_is_being_closed(
    lean: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child could not close its copy, and the parent's end would not be the connection's."""
    closing, forked = threading.Event(), threading.Event()

    def close_slowly(one: socket.socket) -> None:
        """Close it as Python does, which first forgets the descriptor."""
        descriptor = one.detach()
        closing.set()
        waits = "_wait_for_sockets"
        until(lambda: forked.is_set() or is_in(threading.main_thread(), waits))
        os.close(descriptor)

    with RawServer() as server, monkeypatch.context() as patch:
        client = lean(server.url)
        poll(client)
        (connection,) = connections_of(client)
        inode = os.fstat(connection.socket.fileno()).st_ino
        patch.setattr(socket.socket, "_real_close", close_slowly)
        thread = threading.Thread(target=client.close)
        thread.start()
        assert closing.wait(PATIENCE_SECONDS)
        patch.undo()
        code = in_a_child(lambda: inode not in sockets())
        forked.set()
        thread.join()
    assert code == 0


def sockets() -> set[int]:
    """Return what identifies the TCP sockets that are open in this process.

    Others come and go: a lookup of a name opens one for a moment.
    """
    found = set()
    for descriptor in range(3, 1_000):
        with contextlib.suppress(OSError):
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
