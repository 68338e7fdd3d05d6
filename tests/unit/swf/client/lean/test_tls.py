"""TLS as botocore does it: what it checks is checked, and what it refuses is refused."""

from __future__ import annotations

import contextlib
import datetime
import select
import socket
import ssl
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from botocore import httpsession
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, SSLError

from flowy.swf.client.deadlines import SHORTEST_DEADLINE_SECONDS, CallDeadlines
from flowy.swf.client.lean.choice import take_lean_way
from flowy.swf.client.lean.tls import tls_context
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock
from tests.unit.scripted_swf import boto3_client, session
from tests.unit.swf.client.conftest import Aside, MakeClient, error_after_cuts
from tests.unit.swf.client.lean.raw_server import (
    PATIENT,
    Peer,
    RawServer,
    answer,
    connections_of,
    error_of,
    poll,
    serve,
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file with the certificate that the tests trust."""
    path: Path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return the server's context with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


@pytest.fixture
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    return context(authority.issue_cert("127.0.0.1", "localhost"))


@pytest.fixture(params=["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def trusting(
    no_settings: None, request: pytest.FixtureRequest, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(request.param, bundle)


@pytest.mark.usefixtures("trusting")
def test_a_trusted_certificate(either: MakeClient, trusted: ssl.SSLContext) -> None:
    """The variables name the file whose certificates are trusted; calls share a connection."""
    with RawServer(tls=trusted) as server:
        client = either(server.url)
        for _ in range(3):
            assert poll(client)["startedEventId"] == 0
    assert server.connections == 1
    assert len(server.requests) == 3


def test_the_variable_of_aws_goes_first(
    either: MakeClient, trusted: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with any client of botocore."""
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nobody/has/this")
    with RawServer(tls=trusted) as server:
        assert poll(either(server.url))["startedEventId"] == 0


def test_an_unknown_certificate(either: MakeClient, trusted: ssl.SSLContext) -> None:
    """Nobody trusts it but the tests: nothing is sent."""
    with RawServer(tls=trusted) as server:
        error = error_of(either(server.url))
    assert type(error) is SSLError
    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    assert server.requests == []


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("name", ["swf.us-east-1.amazonaws.com", "127.0.0.2", "*.0.0.1"])
def test_a_certificate_of_another_host(
    either: MakeClient, authority: trustme.CA, name: str
) -> None:
    """A certificate that is trusted, but was issued to somebody else."""
    with RawServer(tls=context(authority.issue_cert(name))) as server:
        error = error_of(either(server.url))
    assert type(error) is SSLError
    assert server.requests == []


@pytest.mark.usefixtures("trusting")
def test_a_certificate_with_nothing_but_a_common_name(
    either: MakeClient, authority: trustme.CA
) -> None:
    """The common name does not count any more."""
    certificate = authority.issue_cert("elsewhere.example", common_name="localhost")
    with RawServer(tls=context(certificate)) as server:
        error = error_of(either(f"https://localhost:{server.port}"))
    assert type(error) is SSLError


@pytest.mark.usefixtures("trusting")
def test_an_expired_certificate(either: MakeClient, authority: trustme.CA) -> None:
    """A certificate that was good until yesterday."""
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    certificate = authority.issue_cert("127.0.0.1", not_after=yesterday)
    with RawServer(tls=context(certificate)) as server:
        error = error_of(either(server.url))
    assert type(error) is SSLError
    assert "expired" in str(error)


@pytest.mark.usefixtures("trusting")
def test_the_name_goes_out(lean: MakeClient, trusted: ssl.SSLContext) -> None:
    """Servers with many certificates choose by it."""
    names: list[str | None] = []
    trusted.sni_callback = lambda _socket, name, _context: names.append(name)
    with RawServer(tls=trusted) as server:
        poll(lean(f"https://localhost:{server.port}"))
    assert names == ["localhost"]


@pytest.mark.usefixtures("trusting")
def test_a_complete_name(
    either: MakeClient, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its dot at the end is not in the certificate."""
    getaddrinfo = socket.getaddrinfo
    asked: list[Any] = []

    def resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return getaddrinfo("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with RawServer(tls=context(authority.issue_cert("swf.example"))) as server:
        client = either(f"https://swf.example.:{server.port}")
        assert poll(client)["startedEventId"] == 0
    assert asked == ["swf.example."]


def test_a_folder(either: MakeClient, trusted: ssl.SSLContext, bundle: str) -> None:
    """botocore reads files alone."""
    with pytest.MonkeyPatch.context() as patch, RawServer(tls=trusted) as server:
        patch.setenv("REQUESTS_CA_BUNDLE", str(Path(bundle).parent))
        assert type(error_of(either(server.url))) is SSLError


def test_a_file_that_is_missing(
    either: MakeClient, trusted: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    """Each call says so; once the file is there, calls work."""
    path = tmp_path / "late.pem"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with RawServer(tls=trusted) as server:
        client = either(server.url)
        for _ in range(2):
            assert type(error_of(client)) is SSLError
        path.write_bytes(Path(bundle).read_bytes())
        assert poll(client)["startedEventId"] == 0


def test_no_check_if_none_is_wanted(no_settings: None, trusted: ssl.SSLContext) -> None:
    """A client made with ``verify=False`` takes any certificate."""
    with RawServer(tls=trusted) as server:
        client: Any = session().client(
            "swf",
            verify=False,
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(**PATIENT),
        )
        take_lean_way(client)
        assert poll(client)["startedEventId"] == 0
        assert len(connections_of(client)) == 1
        client.close()


@pytest.mark.usefixtures("trusting")
def test_one_context_for_all_connections(
    lean: MakeClient, trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificates are read once, and not for each connection."""
    loads: list[str | None] = []

    class Context(ssl.SSLContext):
        def load_verify_locations(self, cafile: Any = None, *_: Any, **__: Any) -> None:
            loads.append(cafile)
            super().load_verify_locations(cafile)

    monkeypatch.setattr(httpsession, "SSLContext", Context)
    together = threading.Barrier(4)

    def behave(peer: Peer) -> None:
        while peer.read():
            together.wait(PATIENCE_SECONDS)
            peer.send(answer())

    with RawServer(behave, tls=trusted) as server:
        client = lean(server.url)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: poll(client), range(4)))
    assert server.connections == 4
    assert len(loads) == 1


def test_the_context_is_as_strict_as_botocores(bundle: str) -> None:
    """The same versions and options; its own check of the host is urllib3's, ours is OpenSSL's."""
    ours, theirs = tls_context(bundle), httpsession.create_urllib3_context()
    assert ours.minimum_version == theirs.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert ours.maximum_version == theirs.maximum_version
    assert ours.options == theirs.options
    assert ours.verify_flags == theirs.verify_flags
    assert ours.verify_mode == ssl.CERT_REQUIRED
    assert ours.check_hostname


@pytest.mark.usefixtures("trusting")
def test_an_old_version_is_refused(either: MakeClient, trusted: ssl.SSLContext) -> None:
    """TLS 1.1 does not protect anything."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        trusted.minimum_version = ssl.TLSVersion.TLSv1
        trusted.maximum_version = ssl.TLSVersion.TLSv1_1
    with RawServer(tls=trusted) as server:
        assert type(error_of(either(server.url))) is SSLError


# What breaks


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
