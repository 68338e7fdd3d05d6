"""What breaks over TLS, what is said of it, and whether the request may have arrived."""

from __future__ import annotations

import contextlib
import select
import ssl
import threading
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, SSLError

from flowy.swf.client.deadlines import SHORTEST_DEADLINE_SECONDS, CallDeadlines
from flowy.swf.client.lean.choice import take_lean_way
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock
from tests.unit.scripted_swf import boto3_client
from tests.unit.swf.client.conftest import Aside, MakeClient, error_after_cuts
from tests.unit.swf.client.lean.raw_server import (
    OWN,
    PATIENT,
    Peer,
    RawServer,
    answer,
    connections_of,
    error_of,
    poll,
    serve,
    tls_context_of,
)


def test_what_does_not_speak_tls(either: MakeClient) -> None:
    """It is said as such."""

    def behave(peer: Peer) -> None:
        peer.socket.recv(10)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with RawServer(behave) as server:
        error = error_of(either(server.url.replace("http:", "https:")))
    assert type(error) is SSLError


def test_a_reset_within_the_handshake(either: MakeClient) -> None:
    """It is a closed connection."""

    def behave(peer: Peer) -> None:
        peer.socket.recv(10)
        peer.reset()

    with RawServer(behave) as server:
        error = error_of(either(server.url.replace("http:", "https:")))
    assert type(error) is ConnectionClosedError


def test_an_end_within_the_handshake(either: MakeClient) -> None:
    """It is an error of TLS: nothing was sent."""

    def behave(peer: Peer) -> None:
        peer.socket.recv(65_536)

    with RawServer(behave) as server:
        error = error_of(either(server.url.replace("http:", "https:")))
    assert type(error) is SSLError


def test_silence_within_the_handshake(lean: MakeClient) -> None:
    """Nothing was sent: the connection could not be made in time. (botocore: a read timeout.)"""

    def behave(peer: Peer) -> None:
        server.over.wait(PATIENCE_SECONDS)

    with RawServer(behave) as server:
        client = lean(server.url.replace("http:", "https:"), connect_timeout=0.2)
        assert type(error_of(client)) is ConnectTimeoutError


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("tidy", [True, False])
def test_an_idle_connection_that_was_closed(
    lean: MakeClient, trusted: ssl.SSLContext, tidy: bool
) -> None:
    """With TLS's own word for it or without, it is replaced before anything is sent."""

    def once(peer: Peer) -> None:
        peer.read()
        peer.send(answer())
        if tidy:
            with contextlib.suppress(OSError):
                ssl.SSLSocket.unwrap(cast("ssl.SSLSocket", peer.socket))
        peer.socket.close()
        closed.set()

    closed = threading.Event()
    with RawServer(once, serve, tls=trusted) as server:
        client = lean(server.url)
        poll(client)
        (connection,) = connections_of(client)
        assert select.select([connection.socket], [], [], PATIENCE_SECONDS)[0]
        poll(client)
    assert server.connections == len(server.requests) == 2


@pytest.mark.usefixtures("trusting")
def test_an_end_within_the_answer(lean: MakeClient, trusted: ssl.SSLContext) -> None:
    """The request may have arrived, so this is not an error of TLS, which says the opposite."""

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(answer()[:-5])

    with RawServer(behave, tls=trusted) as server:
        assert type(error_of(lean(server.url))) is ConnectionClosedError


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("tidy", [True, False])
def test_a_body_that_ends_with_the_connection(
    lean: MakeClient, trusted: ssl.SSLContext, tidy: bool
) -> None:
    """Its end is only sure if TLS says so: anyone on the way can close a connection."""

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n" + OWN + b"Connection: close\r\n\r\n")
        if tidy:
            with contextlib.suppress(OSError):
                ssl.SSLSocket.unwrap(cast("ssl.SSLSocket", peer.socket))

    with RawServer(behave, tls=trusted) as server:
        client = lean(server.url)
        if tidy:
            client.respond_activity_task_completed(taskToken="token")
        else:
            assert type(error_of(client)) is ConnectionClosedError
    assert len(server.requests) == 1


@pytest.mark.usefixtures("trusting")
def test_ipv6(either: MakeClient, authority: trustme.CA) -> None:
    """The address is checked without its brackets."""
    try:
        servers = [
            RawServer(host="::1", tls=tls_context_of(authority.issue_cert(name)))
            for name in ("::1", "2001:db8::1")
        ]
    except OSError:
        pytest.skip("this machine has no IPv6")
    with servers[0] as server:
        assert poll(either(server.url))["startedEventId"] == 0
    with servers[1] as server:
        assert type(error_of(either(server.url))) is SSLError


@pytest.mark.usefixtures("trusting")
def test_byte_by_byte(lean: MakeClient, trusted: ssl.SSLContext) -> None:
    """Each byte in a record of its own."""

    def behave(peer: Peer) -> None:
        while peer.read():
            for byte in answer():
                peer.send(bytes([byte]))

    with RawServer(behave, tls=trusted) as server:
        client = lean(server.url)
        assert poll(client)["startedEventId"] == poll(client)["startedEventId"] == 0
    assert server.connections == 1


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("begun", [b"", answer()[:-5]])
def test_a_call_past_its_deadline_is_cut(
    lean: MakeClient,
    trusted: ssl.SSLContext,
    begun: bytes,
    deadlines: CallDeadlines,
    clock: TurnedClock,
    aside: Aside,
) -> None:
    """Whoever watches calls finds the socket that this one reads from."""

    asked = threading.Event()  # a cut before that breaks the handshake

    def behave(peer: Peer) -> None:
        peer.read()
        peer.send(begun)
        asked.set()
        server.over.wait(PATIENCE_SECONDS)

    with RawServer(behave, tls=trusted) as server:
        client = lean(server.url)
        future = aside(lambda: deadlines.call(5, lambda: poll(client)))
        assert asked.wait(PATIENCE_SECONDS)
        clock.turn_when_awaited(SHORTEST_DEADLINE_SECONDS)
        assert type(error_after_cuts(future, clock)) is ConnectionClosedError
        assert connections_of(client) == set()


def test_a_client_certificate(
    no_settings: None,
    authority: trustme.CA,
    trusted: ssl.SSLContext,
    bundle: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The server asks for one: the client goes botocore's way as a whole, and shows it."""
    caplog.set_level("INFO")
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    path = tmp_path / "client.pem"
    authority.issue_cert("worker@example.org").private_key_and_cert_chain_pem.write_to_path(
        str(path)
    )
    authority.configure_trust(trusted)
    trusted.verify_mode = ssl.CERT_REQUIRED
    with RawServer(tls=trusted) as server:
        client: Any = boto3_client(server.url, **PATIENT, client_cert=str(path))
        take_lean_way(client)
        assert poll(client)["startedEventId"] == 0
        client.close()
    assert "botocore's own HTTP connections, because a client certificate" in caplog.text
