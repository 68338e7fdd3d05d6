"""The connections: kept, and looked at before they are used again."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
)

from tests.patience import PATIENCE_SECONDS
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
