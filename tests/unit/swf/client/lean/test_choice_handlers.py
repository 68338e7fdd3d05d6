"""Who comes before the lean way: handlers, mocks, and requests that are not like SWF's."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import HTTPClientError

from flowy.swf.client import connect
from flowy.swf.client.lean.choice import take_lean_way
from tests.unit.swf.client.conftest import MakeClient
from tests.unit.swf.client.lean.raw_server import (
    RawServer,
    connections_of,
    error_of,
    poll,
)

Lines = Callable[[], list[tuple[int, str]]]

pytestmark = pytest.mark.usefixtures("settings")


# Who comes first


class Body:
    """A body for an answer."""

    def stream(self) -> list[bytes]:
        return [b'{"taskToken":"mocked","startedEventId":1}']


@pytest.mark.parametrize("event", ["before-send", "before-send.swf"])
@pytest.mark.parametrize("register", ["register", "register_first", "register_last"])
def test_a_handler_that_answers(either: MakeClient, event: str, register: str) -> None:
    """It wins, and nothing is sent; so moto's mocks work."""

    def handle(request: Any, **_: Any) -> AWSResponse:
        raw: Any = Body()
        headers: Any = {"x-amzn-requestid": "1"}
        return AWSResponse(request.url, 200, headers, raw)

    with RawServer() as server:
        client = either(server.url)
        getattr(client.meta.events, register)(event, handle)
        assert poll(client)["taskToken"] == "mocked"
    assert server.requests == []


def test_handlers_that_do_not_answer(either: MakeClient) -> None:
    """Each is called once for each attempt, and sees the request as it goes out."""
    seen: list[Any] = []
    with RawServer() as server:
        client = either(server.url)
        client.meta.events.register("before-send", lambda request, **_: seen.append(request))
        poll(client)
    (request,) = seen
    assert request.headers["Authorization"] in server.requests[0]


def test_moto(lean: MakeClient) -> None:
    """A mock of moto's answers for SWF."""
    moto = pytest.importorskip("moto")
    with RawServer() as server, moto.mock_aws():
        client: Any = boto3.client("swf", region_name="us-east-1")
        take_lean_way(client)
        client.register_domain(name="mocked", workflowExecutionRetentionPeriodInDays="7")
        (domain,) = client.list_domains(registrationStatus="REGISTERED")["domainInfos"]
        assert domain["name"] == "mocked"
    assert server.requests == []


# Requests that are not like SWF's


def odd_header(request: Any, **_: Any) -> None:
    request.headers["Expect"] = "100-continue"


def line_break(request: Any, **_: Any) -> None:
    request.headers["X-Own"] = "a\r\n b"


def other_place(request: Any, **_: Any) -> None:
    request.url += "path"


def number(request: Any, **_: Any) -> None:
    request.headers["X-Own"] = 5


def text_body(request: Any, **_: Any) -> None:
    request.data = request.data.decode()


def no_length(request: Any, **_: Any) -> None:
    del request.headers["Content-Length"]


def longer_body(request: Any, **_: Any) -> None:
    request.body += b" "


#: What a handler changes in the request that is about to be sent.
AT_THE_END = (no_length, number)


@pytest.mark.parametrize(
    "change", [odd_header, line_break, no_length, number, other_place, text_body]
)
def test_other_requests_go_through_botocore(
    lean: MakeClient, change: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """A handler of the user's may change a request: then botocore sends it, and a line says so."""
    caplog.set_level(logging.INFO, "flowy")
    with RawServer() as server:
        client = lean(server.url)
        event = "before-send.swf" if change in AT_THE_END else "request-created.swf"
        client.meta.events.register(event, change)
        for _ in range(2):
            assert poll(client)["startedEventId"] == 0
        assert connections_of(client) == set()
    assert len(server.requests) == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"Requests other than plain calls to 127.0.0.1:{server.port} go through botocore's own "
        "HTTP connections."
    ]


def test_an_endpoint_that_only_a_call_shows(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """botocore's rules may lead to another host than the client shows: botocore calls it."""
    caplog.set_level(logging.INFO, "flowy")
    asked: list[Any] = []

    def resolve(host: Any, *_: Any, **__: Any) -> Any:
        asked.append(host)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-gov-west-1")
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    client: Any = connect()
    shown = urlsplit(client._polls.meta.endpoint_url).hostname
    error_of(client._polls)
    (called,) = set(asked)
    texts = [record.getMessage() for record in caplog.records]
    by_botocore = f"Requests other than plain calls to {shown} go through botocore's own HTTP"
    assert any(by_botocore in text for text in texts) is (called != shown)


def test_a_body_that_is_not_as_long_as_it_says(lean: MakeClient) -> None:
    """What is left of it would be a request of its own, on a connection that is kept."""
    with RawServer() as server:
        client = lean(server.url)
        client.meta.events.register("before-send.swf", longer_body)
        poll(client)
        assert connections_of(client) == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Own", "\u20ac"), ("X-\u20ac", "a"), ("X-Own", None), ("", "a"), ("X:Own", "a")],
)
def test_headers_that_cannot_be_sent(either: MakeClient, name: str, value: Any) -> None:
    """Nothing goes out, and both ways raise the same class."""

    def change(request: Any, **_: Any) -> None:
        request.headers[name] = value

    with RawServer() as server:
        client = either(server.url)
        client.meta.events.register("before-send.swf", change)
        assert type(error_of(client)) is HTTPClientError
    assert server.requests == []


def test_the_request_is_botocores(either: MakeClient) -> None:
    """The same headers go out by both ways."""
    with RawServer() as server:
        poll(either(server.url))
    head = server.requests[0].partition(b"\r\n\r\n")[0].decode()
    first, *lines = head.split("\r\n")
    assert first == "POST / HTTP/1.1"
    assert sorted(line.partition(":")[0] for line in lines) == [
        "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "Host",
        "User-Agent", "X-Amz-Date", "X-Amz-Target", "amz-sdk-invocation-id", "amz-sdk-request",
    ]  # fmt: skip
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "Accept-Encoding: identity" in lines
