"""Patient clients for each of the two ways that a call may take, and certificates."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.unit.scripted_swf import lean_client
from tests.unit.swf.client.conftest import MakeClient, closing
from tests.unit.swf.client.lean.raw_server import (
    PATIENT,
    tls_context_of,
)


@pytest.fixture
def lean(no_settings: None) -> Iterator[MakeClient]:
    """Makes clients that take the lean way, and closes them."""
    with closing(lean_client, **PATIENT) as make:
        yield make


@pytest.fixture
def either(make_client: MakeClient) -> MakeClient:
    """Makes clients that take the one way, then the other: what a test shows holds for both."""
    return lambda url, **config: make_client(url, **{**PATIENT, **config})


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file with the certificate that the tests trust."""
    path: Path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    return tls_context_of(authority.issue_cert("127.0.0.1", "localhost"))


@pytest.fixture(params=["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def trusting(
    no_settings: None, request: pytest.FixtureRequest, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(request.param, bundle)


@pytest.fixture
def settings(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A region and credentials, and nothing else of the user's."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[int, str]]]:
    """Returns what was logged of the choice."""
    caplog.set_level(logging.DEBUG, "flowy.swf.client.lean.choice")
    return lambda: [
        (record.levelno, record.getMessage())
        for record in caplog.records
        if record.name == "flowy.swf.client.lean.choice"
    ]
