"""What errors say: the client's own text, who did not answer, where it was asked; no value."""

from __future__ import annotations

import socket

import botocore.exceptions
import pytest

from flowy.exception import CredentialsError, RefusedError, TransientError
from flowy.swf.client import SWFClient, connect
from flowy.swf.client.error_texts import on_loopback
from flowy.swf.client.errors import translated
from tests.unit.scripted_swf import ONE_ATTEMPT, ScriptedSWF, says_fault
from tests.unit.swf.client.conftest import MakeClient

pytestmark = pytest.mark.usefixtures("no_settings")

URL = "https://swf.eu-west-1.amazonaws.com/"


def said(error: Exception) -> str:
    return str(translated(error, "poll_for_activity_task"))


def test_nobody_there(make_client: MakeClient) -> None:
    """The endpoint, the system's word for what is wrong, and the region."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = make_client(f"http://127.0.0.1:{port}", **ONE_ATTEMPT)
    with pytest.raises(TransientError) as caught:
        SWFClient(client, client).poll_for_activity_task("domain", "list", "me")
    assert str(caught.value) == (
        "Cannot poll_for_activity_task: no answer from SWF (EndpointConnectionError): Could not "
        f'connect to the endpoint URL: "http://127.0.0.1:{port}/" (Connection refused). Region '
        f"{client.meta.region_name}, endpoint http://127.0.0.1:{port}."
    )
    assert caught.value.fault == "EndpointConnectionError"


def test_a_certificate() -> None:
    """What is wrong with it is what there is to fix."""
    problem = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    text = said(botocore.exceptions.SSLError(endpoint_url=URL, error=OSError(problem)))
    assert f"no answer from SWF (SSLError): SSL validation failed for {URL} {problem}" in text


def test_a_system_error_of_any_client() -> None:
    """The system's text is kept; the rest of it may be anything."""
    assert said(ConnectionResetError(104, "Connection reset by peer")) == (
        "Cannot poll_for_activity_task: no answer from SWF (ConnectionResetError): Connection "
        "reset by peer."
    )
    assert "SECRET" not in said(ConnectionResetError("SECRET"))


@pytest.mark.parametrize(
    ("url", "service"),
    [
        (URL, "SWF"),
        ("https://sts.amazonaws.com/", "STS"),
        ("https://sts.eu-west-1.amazonaws.com/", "STS"),
        ("https://vpce-1.sts.eu-west-1.vpce.amazonaws.com/", "STS"),
        ("https://portal.sso.eu-west-1.amazonaws.com/", "SSO"),
    ],
)
def test_who_did_not_answer(url: str, service: str) -> None:
    """The client asks others for credentials first: the error does not blame SWF."""
    error = botocore.exceptions.ConnectTimeoutError(endpoint_url=url)
    assert f"no answer from {service} (ConnectTimeoutError)" in said(error)
    assert url in said(error)


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.HTTPClientError(error="SECRET"),
        botocore.exceptions.ResponseStreamingError(error="SECRET"),
        botocore.exceptions.ProxyConnectionError(proxy_url="http://me:SECRET@proxy.test"),
        botocore.exceptions.EndpointConnectionError(endpoint_url="http://me:SECRET@swf.test/"),
        botocore.exceptions.CredentialRetrievalError(provider="role", error_msg="SECRET"),
        botocore.exceptions.ParamValidationError(report="SECRET"),
    ],
)
def test_no_value_is_said(error: Exception) -> None:
    """Neither a parameter nor a password in a URL."""
    assert "SECRET" not in said(error)


def test_refused_credentials_say_where(make_client: MakeClient) -> None:
    """Credentials of another region, or of another SWF, are what is commonly wrong."""
    with ScriptedSWF(says_fault("UnrecognizedClientException", "The token is invalid.")) as swf:
        client = make_client(swf.url, **ONE_ATTEMPT)
        with pytest.raises(CredentialsError) as caught:
            SWFClient(client, client).respond_activity_task_completed("token", "1")
    assert str(caught.value).endswith(
        f"The token is invalid. Region {client.meta.region_name}, endpoint {swf.url}."
    )


@pytest.mark.parametrize("misled", [True, False])
def test_no_region(misled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_REGION is what other SDKs read, and boto3 does not."""
    if misled:
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
    else:
        monkeypatch.delenv("AWS_REGION", raising=False)
    with pytest.raises(RefusedError) as caught:
        connect()
    text = str(caught.value)
    assert "Set AWS_DEFAULT_REGION" in text
    assert ("AWS_REGION is, but boto3 does not read it" in text) is misled


def test_another_region_than_the_environment_says(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If AWS_REGION says another one than boto3 uses, both are named."""
    client = make_client("http://127.0.0.1:1", **ONE_ATTEMPT)
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    assert SWFClient(client, client).place == (
        f" Region {client.meta.region_name} (AWS_REGION is ap-south-1, but boto3 reads "
        "AWS_DEFAULT_REGION), endpoint http://127.0.0.1:1."
    )


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:4567", True),
        ("http://127.1.2.3", True),
        ("http://localhost:4567/", True),
        ("http://[::1]:4567", True),
        ("https://swf.eu-west-1.amazonaws.com", False),
        ("http://192.168.0.7:4567", False),
        ("http://localhost.example.com", False),
        ("http://[", False),
        ("", False),
        (None, False),
    ],
)
def test_on_loopback(url: object, local: bool) -> None:
    """Only an endpoint on this machine can be a local SWF."""
    assert on_loopback(url) is local
