"""What is set up wrongly: refused with the file or setting to correct, and not as an outage."""

from __future__ import annotations

import logging
import socket
import traceback
from pathlib import Path

import pytest

from flowy.exception import CredentialsError, RefusedError, SWFError
from flowy.swf.client import connect

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.fixture
def region(no_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


def not_made() -> str:
    """Return why no client can be made: refused, not out of reach."""
    with pytest.raises(SWFError) as caught:
        connect()
    assert isinstance(caught.value, RefusedError)
    return str(caught.value)


@pytest.mark.usefixtures("region")
def test_a_broken_configuration_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named; trying again would not help."""
    file = tmp_path / "config"
    file.write_text("no section = here\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    text = not_made()
    assert text.startswith("Cannot make a client: an AWS configuration file cannot be read (")
    assert str(file) in text


@pytest.mark.usefixtures("region")
def test_an_endpoint_without_a_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text names it and shows one that is right."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", "localhost:4567")
    text = not_made()
    assert "Invalid endpoint: localhost:4567" in text
    assert "with its scheme, such as http://127.0.0.1:4567" in text


def test_a_file_of_credentials_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and SWF is not said to be out of reach: nothing was sent."""
    (tmp_path / "config").write_text(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/worker\n"
        f"web_identity_token_file = {tmp_path / 'token'}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CredentialsError) as caught:
        connect().poll_for_activity_task("shop", "list", "me")
    assert str(caught.value).endswith(
        f"a file for the AWS credentials cannot be read (FileNotFoundError): "
        f"'{tmp_path / 'token'}': No such file or directory."
    )


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize("way", ["", "botocore"])
@pytest.mark.parametrize("text", [None, "no certificate"])
def test_certificates_that_cannot_be_read(
    text: str | None, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong AWS_CA_BUNDLE is set up wrongly, too: the text names the file."""
    monkeypatch.setenv("FLOWY_HTTP", way)
    bundle = tmp_path / "bundle.pem"
    if text is not None:
        bundle.write_text(text)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", f"https://127.0.0.1:{port}")
        with pytest.raises(RefusedError) as caught:
            connect().poll_for_activity_task("shop", "list", "me")
    assert f"the certificates in '{bundle}' cannot be read (SSLError)" in str(caught.value)
    assert str(caught.value).endswith("Set AWS_CA_BUNDLE to a file of certificates.")


@pytest.mark.usefixtures("region")
def test_an_endpoint_with_an_underscore(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's names may have one, and boto3 refuses it: the scheme is not what is wrong."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", "http://my_swf:4567")
    text = not_made()
    assert "Invalid endpoint: http://my_swf:4567. A host name has letters, digits, hyph" in text
    assert "scheme" not in text


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://127.0.0.1:99999", "http://me:SECRET@127.0.0.1:0"]
)
def test_an_endpoint_that_no_call_can_use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore makes a client of it, whose calls look as if SWF were out of reach."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", url)
    text = not_made()
    assert text.startswith(
        "Cannot make a client: no call can be made to endpoint "
        f"{url.replace('me:SECRET@', '')}, because of its scheme or port. "
    )


@pytest.mark.usefixtures("region")
@pytest.mark.parametrize("way", ["", "botocore"])
@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_credentials_with_a_line_break(
    name: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that was saved with a line break fails all calls: no outage. No text repeats it."""
    monkeypatch.setenv("FLOWY_HTTP", way)
    for each in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(each, "TOKEN\n" if each == name else "key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(CredentialsError) as caught:
            connect().poll_for_activity_task("shop", "list", "me")
    assert "the AWS credentials contain a line break" in str(caught.value)
    assert f"{name}" in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "TOKEN\\n" not in shown


@pytest.mark.usefixtures("region")
def test_credentials_by_a_wrong_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """botocore raises a plain ValueError when it retrieves credentials: its text is kept."""
    caplog.set_level(logging.CRITICAL, "botocore")
    (tmp_path / "token").write_text("token")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/worker")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "sts.test")
    with pytest.raises(CredentialsError) as caught:
        connect().poll_for_activity_task("shop", "list", "me")
    assert str(caught.value).endswith(
        "the AWS credentials cannot be retrieved (ValueError): Invalid endpoint: sts.test."
    )
