"""TLS as botocore does it: what it checks is checked, and what it refuses is refused."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore import httpsession
from botocore.config import Config
from botocore.exceptions import SSLError

from flowy.swf.client import connect
from flowy.swf.client.lean.choice import take_lean_way
from flowy.swf.client.lean.tls import tls_context
from tests.patience import PATIENCE_SECONDS
from tests.unit.scripted_swf import session
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.forks import in_a_child
from tests.unit.swf.client.lean.raw_server import (
    PATIENT,
    Peer,
    RawServer,
    answer,
    connections_of,
    error_of,
    poll,
    tls_context_of,
)


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
    with RawServer(tls=tls_context_of(authority.issue_cert(name))) as server:
        error = error_of(either(server.url))
    assert type(error) is SSLError
    assert server.requests == []


@pytest.mark.usefixtures("trusting")
def test_a_certificate_with_nothing_but_a_common_name(
    either: MakeClient, authority: trustme.CA
) -> None:
    """The common name does not count any more."""
    certificate = authority.issue_cert("elsewhere.example", common_name="localhost")
    with RawServer(tls=tls_context_of(certificate)) as server:
        error = error_of(either(f"https://localhost:{server.port}"))
    assert type(error) is SSLError


@pytest.mark.usefixtures("trusting")
def test_an_expired_certificate(either: MakeClient, authority: trustme.CA) -> None:
    """A certificate that was good until yesterday."""
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    certificate = authority.issue_cert("127.0.0.1", not_after=yesterday)
    with RawServer(tls=tls_context_of(certificate)) as server:
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
    with RawServer(tls=tls_context_of(authority.issue_cert("swf.example"))) as server:
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


def client_that_verifies(url: str, verify: Any) -> Any:
    """Return a client that was made with ``verify``, and goes the lean way."""
    client: Any = session().client(
        "swf",
        verify=verify,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(**PATIENT),
    )
    take_lean_way(client)
    return client


def test_no_check_if_none_is_wanted(no_settings: None, trusted: ssl.SSLContext) -> None:
    """A client made with ``verify=False`` takes any certificate."""
    with RawServer(tls=trusted) as server:
        client = client_that_verifies(server.url, False)
        assert poll(client)["startedEventId"] == 0
        assert len(connections_of(client)) == 1
        client.close()


@pytest.mark.parametrize("path", ["bundle", "/nobody/has/this", None])
def test_what_a_client_trusts(
    no_settings: None, trusted: ssl.SSLContext, bundle: str, path: str | None
) -> None:
    """A client made with ``verify`` trusts a file, or botocore's certificates with True."""
    verify = bundle if path == "bundle" else path or True
    with RawServer(tls=trusted) as server:
        client = client_that_verifies(server.url, verify)
        if path == "bundle":
            assert poll(client)["startedEventId"] == 0
        else:
            assert type(error_of(client)) is SSLError
        assert len(connections_of(client)) == len(server.requests)
        client.close()


def test_a_profile_that_names_a_file(
    no_settings: None, trusted: ssl.SSLContext, bundle: str, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    """``ca_bundle`` in a profile is for Flowy's own clients, too."""
    config = tmp_path / "config"
    config.write_text(f"[default]\nregion = us-east-1\nca_bundle = {bundle}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with RawServer(tls=trusted) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", server.url)
        client: Any = connect()
        assert client.poll_for_activity_task("domain", "list", "me") is None
        assert len(connections_of(client._polls)) == 1
        client._polls.close()


@pytest.mark.usefixtures("trusting")
def test_a_fork(lean: MakeClient, trusted: ssl.SSLContext) -> None:
    """The child opens a connection of its own, and ends none of the parent's."""
    with RawServer(tls=trusted) as server:
        client = lean(server.url)
        poll(client)
        (connection,) = connections_of(client)
        assert in_a_child(lambda: poll(client) and connection not in connections_of(client)) == 0
        poll(client)
        assert connections_of(client) == {connection}
    assert server.connections == 2
    assert len(server.requests) == 3


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
