"""How a connection is made, and what is said of one that is not."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from flowy.swf.client.lean.choice import take_lean_way
from tests.unit.scripted_swf import boto3_client
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.raw_server import (
    Peer,
    RawServer,
    connections_of,
    error_of,
    poll,
)


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
    """A name is looked up."""
    with RawServer() as server:
        assert poll(lean(f"http://localhost:{server.port}"))["startedEventId"] == 0


def test_each_address_of_a_name_is_tried(
    either: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may not have the family of one address, and nobody may listen at another."""
    stream = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    with RawServer() as server, socket.create_server(("127.0.0.1", 0)) as listener:
        places = [
            (socket.AF_APPLETALK, *stream, ("127.0.0.1", server.port)),
            (socket.AF_INET, *stream, listener.getsockname()),
            (socket.AF_INET, *stream, ("127.0.0.1", server.port)),
        ]
        listener.close()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
        client = either("http://swf.example")
        assert poll(client)["startedEventId"] == 0
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places[:2])
        client = either("http://swf.example")
        assert type(error_of(client)) is EndpointConnectionError
    assert len(server.requests) == 1


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


@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), EndpointConnectionError),
        (PermissionError(errno.EACCES, "Permission denied"), EndpointConnectionError),
        (UnicodeError("label empty or too long"), HTTPClientError),
        (RuntimeError("a resolver of another library"), HTTPClientError),
    ],
)
def test_a_name_that_cannot_be_looked_up(
    either: MakeClient, monkeypatch: pytest.MonkeyPatch, problem: Exception, kind: type[Exception]
) -> None:
    """Whatever is raised, botocore's own class comes of it."""

    def fails(*_: Any, **__: Any) -> Any:
        raise problem

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert type(error_of(either("http://swf.invalid"))) is kind


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


def test_a_read_timeout(lean: MakeClient) -> None:
    """Silence ends the call, and its connection is not used again."""
    with RawServer(Peer.wait_for_end) as server:
        client = lean(server.url, read_timeout=0.2)
        assert type(error_of(client)) is ReadTimeoutError
        assert connections_of(client) == set()


def test_a_read_timeout_is_the_clients_own(no_settings: None) -> None:
    """Clients that share connections wait as long as each was told."""
    with RawServer() as server:
        clients: list[Any] = [
            boto3_client(server.url, read_timeout=seconds) for seconds in (70, 4, 10)
        ]
        take_lean_way(*clients)
        for _ in range(2):
            for client in clients:
                poll(client)
                (connection,) = connections_of(client)
                assert connection.socket.gettimeout() == client.meta.config.read_timeout
        clients[0].close()
    assert server.connections == 1
