"""The signature in clients: what is sent, renewed credentials, and the signers of others."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import botocore
import botocore.auth
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials, RefreshableCredentials

from flowy.swf.client.lean import signer
from flowy.swf.client.lean.choice import take_lean_way
from tests.unit.scripted_swf import boto3_client
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.raw_server import RawServer, poll


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The secret keys by which this signer has signed, one for each request."""
    keys: list[str] = []
    key = signer._key
    signer.signs_alike()  # once in a process, and not counted

    def count(secret: str, *parts: str) -> bytes:
        keys.append(secret)
        return key(secret, *parts)

    monkeypatch.setattr(signer, "_key", count)
    yield keys
    key.cache_clear()


def test_a_client_signs_by_it(lean: MakeClient, counted: list[str]) -> None:
    """Once for each request; and what is signed is what is sent."""
    with RawServer() as server:
        client = lean(server.url)
        for _ in range(3):
            poll(client)
    assert counted == ["secret"] * 3
    for request in server.requests:
        assert_signed(request, ReadOnlyCredentials("key", "secret", None))


def assert_signed(request: bytes, credentials: ReadOnlyCredentials) -> None:
    """Check a request as SWF does: by what has arrived."""
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST / HTTP/1.1"
    headers = dict(line.split(": ", 1) for line in lines[1:])
    authorization = headers["Authorization"]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-target", "x-amz-date"} <= set(names)
    small = {name.lower(): value for name, value in headers.items()}
    again = AWSRequest(
        "POST", f"http://{headers['Host']}/", {name: small[name] for name in names}, body
    )
    again.context["timestamp"] = headers["X-Amz-Date"]
    standard = botocore.auth.SigV4Auth(credentials, "swf", "us-east-1")
    text = standard.string_to_sign(again, standard.canonical_request(again))
    assert authorization.endswith(f"Signature={standard.signature(text, again)}")


def test_credentials_that_are_refreshed(lean: MakeClient) -> None:
    """botocore refreshes them, and the next request is signed by the new ones."""
    expired = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    refreshed: list[int] = []

    def refresh() -> dict[str, str]:
        refreshed.append(1)
        number = len(refreshed)
        return {
            "access_key": f"key-{number}",
            "secret_key": f"secret-{number}",
            "token": f"token-{number}",
            "expiry_time": (expired + datetime.timedelta(days=number - 1)).isoformat(),
        }

    with RawServer() as server:
        client = lean(server.url)
        credentials = RefreshableCredentials.create_from_metadata(refresh(), refresh, "test")
        client._request_signer._credentials = credentials
        for _ in range(2):
            poll(client)
    assert len(refreshed) == 2
    for request in server.requests:
        assert b"X-Amz-Security-Token: token-2\r\n" in request
        assert_signed(request, ReadOnlyCredentials("key-2", "secret-2", "token-2"))


def test_who_chooses_a_signer_goes_first(lean: MakeClient, counted: list[str]) -> None:
    """Another handler's choice holds: here, not to sign at all."""
    with RawServer() as server:
        client = lean(server.url)
        client.meta.events.register("choose-signer.swf", lambda **_: UNSIGNED)
        poll(client)
    assert counted == []
    assert b"Authorization" not in server.requests[0]


def test_a_signer_of_others_stays(
    no_settings: None, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """awscrt puts one of its own into botocore's table."""

    class Other(botocore.auth.SigV4Auth):
        pass

    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4", Other)
    with RawServer() as server:
        client: Any = boto3_client(server.url)
        take_lean_way(client)
        poll(client)
        client.close()
    assert counted == []
    assert_signed(server.requests[0], ReadOnlyCredentials("key", "secret", None))


def test_a_presigned_url_is_botocores(lean: MakeClient, counted: list[str]) -> None:
    """The event asks for that signer, too, by another name."""
    with RawServer() as server:
        url = lean(server.url).generate_presigned_url(
            "list_domains", {"registrationStatus": "REGISTERED"}
        )
    assert "X-Amz-Signature=" in url
    assert counted == []


def test_keys_are_kept_for_a_day() -> None:
    """And for few credentials: old secrets do not pile up."""
    signer._key.cache_clear()
    for day in range(20):
        for _ in range(3):
            signer._key("secret", f"day {day}", "us-east-1", "swf", "aws4_request")
    assert signer._key.cache_info().misses == 20
    assert signer._key.cache_info().currsize == 8
    signer._key.cache_clear()


def test_credentials_of_another_kind() -> None:
    """Text of another class is not looked into."""

    class Text(str):
        __slots__ = ()

    assert not signer._are_plain(Credentials(Text("key"), "secret"))
    assert not signer._are_plain(Credentials("key", "secret", "t\u00f6ken"))
    assert not signer._are_plain(None)
