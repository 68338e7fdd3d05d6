"""Which way a client takes, and what the log says of it."""

from __future__ import annotations

import logging
import select
from collections.abc import Callable
from typing import Any, cast

import boto3
import pytest
from botocore import auth, awsrequest, httpsession, utils
from botocore import endpoint as botocore_endpoint
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.httpsession import URLLib3Session

from flowy.swf.client import SWFClient, connect
from flowy.swf.client.lean import signer
from flowy.swf.client.lean.choice import take_lean_way
from flowy.swf.client.lean.session import LeanSession
from tests.unit.scripted_swf import Says, ScriptedSWF, boto3_client
from tests.unit.swf.client.lean.raw_server import (
    PATIENT,
    RawServer,
    connections_of,
)

LEAN = "Calls to SWF go through Flowy's own HTTP connections."
BOTOCORE = "Calls to SWF go through botocore's own HTTP connections, because {}."

Lines = Callable[[], list[tuple[int, str]]]

pytestmark = pytest.mark.usefixtures("settings")


def sessions(client: SWFClient) -> list[type]:
    """Return the kinds of HTTP sessions that the three clients have."""
    clients: tuple[Any, ...] = (client._polls, client._answers, client._heartbeats)
    return [type(each._endpoint.http_session) for each in clients]


# What is chosen


def test_the_lean_way_is_the_default(lines: Lines) -> None:
    """One line says so, for all three clients."""
    client = connect()
    assert sessions(client) == [LeanSession] * 3
    assert lines() == [(logging.DEBUG, LEAN)]


@pytest.mark.parametrize("polls", [True, False])
def test_botocores_way_can_be_forced(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, polls: bool
) -> None:
    """One variable chooses it."""
    monkeypatch.setenv("FLOWY_HTTP", "botocore")
    client = connect(polls=polls)
    assert sessions(client) == [URLLib3Session] * 3
    assert lines() == [(logging.INFO, BOTOCORE.format("FLOWY_HTTP is botocore"))]


def test_a_value_that_means_nothing(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, because it may be a misspelled one."""
    monkeypatch.setenv("FLOWY_HTTP", "boto")
    client = connect()
    assert sessions(client) == [LeanSession] * 3
    (warning, _) = lines()
    assert warning == (
        logging.WARNING,
        "FLOWY_HTTP is 'boto', which is ignored: set it to botocore, or leave it out.",
    )


@pytest.mark.parametrize(
    ("variables", "proxied"),
    [
        ({"HTTPS_PROXY": "http://user:secret@proxy:3128"}, True),
        ({"https_proxy": "proxy:3128"}, True),
        ({"http_proxy": "http://proxy:3128"}, False),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "amazonaws.com"}, False),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, False),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "example.org"}, True),
    ],
)
def test_proxies_of_the_environment(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], proxied: bool
) -> None:
    """If one applies to the endpoint, calls go botocore's way; its password is not shown."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = connect()
    reason = BOTOCORE.format("a proxy applies to the endpoint")
    assert lines() == [(logging.INFO, reason) if proxied else (logging.DEBUG, LEAN)]
    assert sessions(client) == [URLLib3Session if proxied else LeanSession] * 3


def test_a_scheme_in_capitals(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy for its scheme applies."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", "HTTPS://swf.example.org")
    connect()
    assert lines() == [(logging.INFO, BOTOCORE.format("a proxy applies to the endpoint"))]


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"proxies": {"https": "http://proxy:3128"}}, "a proxy applies to the endpoint"),
        ({"proxies": {"http": "http://proxy:3128"}}, None),
        ({"proxies_config": {"proxy_ca_bundle": "/a"}}, "proxies_config is set"),
        ({"client_cert": "/a"}, "a client certificate is configured"),
        ({"client_cert": ("/a", "/b")}, "a client certificate is configured"),
    ],
)
def test_the_configuration_of_the_session(
    lines: Lines, config: dict[str, Any], reason: str | None
) -> None:
    """A default session may have a client configuration of its own."""
    boto3.setup_default_session()
    session: Any = boto3.DEFAULT_SESSION
    session._session.set_default_client_config(Config(**config))
    connect()
    expected = (logging.INFO, BOTOCORE.format(reason)) if reason else (logging.DEBUG, LEAN)
    assert lines() == [expected]


def test_an_endpoint_that_is_not_just_a_host(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore's way knows it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", "http://127.0.0.1:1/behind/a/path")
    connect()
    reason = "the endpoint is not just a host that speaks http or https"
    assert lines() == [(logging.INFO, BOTOCORE.format(reason))]


class OtherEndpoint(botocore_endpoint.Endpoint):
    """An endpoint of another make."""


class OtherSession(URLLib3Session):
    """A session of another make."""


@pytest.mark.parametrize(
    ("owner", "attribute", "value"),
    [
        (botocore_endpoint, "Endpoint", OtherEndpoint),
        (botocore_endpoint.Endpoint, "http_session", OtherSession()),
        (signer, "is_as_tested", lambda: False),
    ],
)
def test_a_botocore_of_another_build(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, owner: Any, attribute: str, value: Any
) -> None:
    """What the lean way builds on is looked at first."""
    client: Any = boto3_client()
    if attribute == "http_session":
        client._endpoint.http_session = value
    else:
        monkeypatch.setattr(owner, attribute, value)
    before = client._endpoint.http_session
    take_lean_way(client)
    assert client._endpoint.http_session is before
    ((_, line),) = lines()
    assert "is not built like those that were tested" in line
    client.close()


def send_slowly(self: Any, request: Any, timeout: float) -> None:
    """Send a request; what a later botocore may ask for."""


class OtherAnswer(AWSResponse):
    """An answer that is built from something else."""

    def __init__(self, url: str, status_code: int) -> None:
        super().__init__(url, status_code, cast("Any", {}), None)


@pytest.mark.parametrize(
    ("owner", "attribute", "value"),
    [
        (auth, "AUTH_TYPE_MAPS", None),
        (auth, "SIGNED_HEADERS_BLACKLIST", None),
        (httpsession, "URLLib3Session", None),
        (httpsession, "create_urllib3_context", None),
        (httpsession, "get_cert_path", None),
        (utils, "get_environ_proxies", None),
        (botocore_endpoint, "Endpoint", None),
        (URLLib3Session, "send", send_slowly),
        (awsrequest, "AWSResponse", OtherAnswer),
    ],
)
def test_a_botocore_to_come(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, owner: Any, attribute: str, value: Any
) -> None:
    """A part that has another name there, or is called differently, stops no worker."""
    client: Any = boto3_client()
    before = client._endpoint.http_session
    signer.signs_alike.cache_clear()
    signer.kept_key_signer.cache_clear()
    if value is None:
        monkeypatch.delattr(owner, attribute)
    else:
        monkeypatch.setattr(owner, attribute, value)
    take_lean_way(client)
    monkeypatch.undo()
    signer.signs_alike.cache_clear()
    signer.kept_key_signer.cache_clear()
    assert client._endpoint.http_session is before
    ((_, line),) = lines()
    assert "is not built like those that were tested" in line
    client.close()


def test_a_signature_that_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A botocore that signs more headers than those that were tested is seen at the start."""
    signer.signs_alike.cache_clear()
    try:
        assert signer.is_as_tested()
        signer.signs_alike.cache_clear()
        monkeypatch.setattr(signer, "_sha256", lambda _: "0")
        assert not signer.is_as_tested()
    finally:
        signer.signs_alike.cache_clear()


def test_a_system_without_poll(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle connection cannot be looked at there."""
    monkeypatch.delattr(select, "poll")
    connect()
    assert lines() == [(logging.INFO, BOTOCORE.format("this system has no poll()"))]


@pytest.mark.parametrize("polls", [True, False])
def test_a_client_passed_in_is_left_alone(lines: Lines, polls: bool) -> None:
    """It goes the way that its maker has chosen."""
    client: Any = boto3_client(**PATIENT)
    session = client._endpoint.http_session
    connect(client, polls=polls)
    assert client._endpoint.http_session is session
    assert lines() == []
    client.close()


# The three clients


def test_the_clients_share_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls, answers and heartbeats that follow each other need one, and one TLS context."""
    with RawServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", server.url)
        client = connect(calls_at_once=3)
        for _ in range(3):
            client.poll_for_activity_task("domain", "list", "me")
        client.respond_activity_task_completed("token", "1")
        polls: Any = client._polls
        assert len(connections_of(polls)) == 1
        polls.close()
    assert server.connections == 1


def test_a_whole_client_over_the_lean_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken answer is sent again by botocore's rules, a broken poll is not."""
    with ScriptedSWF(Says({}, then="drop"), Says(), Says({}, then="drop")) as swf:
        for name, value in swf.environment.items():
            monkeypatch.setenv(name, value)
        client = connect()
        client.respond_activity_task_completed("token", "1")
        assert swf.actions == ["RespondActivityTaskCompleted"] * 2
        with pytest.raises(Exception, match=r"\(ConnectionClosedError\)"):
            client.poll_for_activity_task("domain", "list", "me")
        assert len(swf.actions) == 3
