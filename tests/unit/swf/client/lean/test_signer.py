"""The signature is botocore's own, header for header, with the oldest botocore and the newest."""

from __future__ import annotations

import datetime
import logging
import random
import string
from collections.abc import Callable
from typing import Any

import botocore
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from flowy.swf.client.lean import signer

#: How many requests are signed by both signers: in each test, and how many tests.
EXAMPLES = 1_000
TESTS = 10

REGIONS = ("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "local", "me-central-1")
HOSTS = (
    "swf.us-east-1.amazonaws.com",
    "SWF.us-east-1.amazonaws.com",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "[2001:db8::7]",
    "vpce-0a1b.swf.eu-central-1.vpce.amazonaws.com",
)
PORTS = ("", ":80", ":443", ":4567", ":65535")
#: What is signed, and what is not; botocore's list of those grows with its versions.
HEADERS = (
    "X-Amz-Target", "Content-Type", "User-Agent", "amz-sdk-invocation-id", "amz-sdk-request",
    "X-Amzn-Trace-Id", "traceparent", "tracestate", "baggage", "Expect", "TE", "X-Own", "x-a",
    "A", "Z-last", "X-Amz-User-Agent",
)  # fmt: skip
TEXT = string.ascii_letters + string.digits + " /+=,;:._-~\t'\"()<>@{}[]?*%&#!$^|`"
#: What handlers may put into a header, such as baggage, besides.
MORE_TEXT = "\u00e9\u20ac\u00a0\u2003\x0b\x1c\x85"


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime.datetime], None]:
    """Sets the time that both signers see."""
    now = [datetime.datetime.now(datetime.timezone.utc)]
    monkeypatch.setattr(signer, "now", lambda: now[0])

    def naive() -> datetime.datetime:
        return now[0].replace(tzinfo=None)

    if hasattr(botocore.auth, "get_current_datetime"):
        monkeypatch.setattr(botocore.auth, "get_current_datetime", naive)
    else:

        class Turned(datetime.datetime):
            @classmethod
            def utcnow(cls) -> Any:
                return naive()

        class Module:
            datetime = Turned

        monkeypatch.setattr(botocore.auth, "datetime", Module)

    def set_time(to: datetime.datetime) -> None:
        now[0] = to

    return set_time


class Chance(random.Random):
    """Draws what is signed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._texts = ["".join(self.choices(TEXT, k=length)) for length in range(1, 400)]
        self.secrets = self.sample(self._texts, 12)  # more than keys are kept

    def text(self) -> str:
        return self.choice(self._texts)

    def value(self) -> str:
        return f"{self.text()}{self.choice((*MORE_TEXT, ''))}{self.text()}"

    def credentials(self) -> ReadOnlyCredentials:
        token = self.text() if self.random() < 0.5 else None
        return ReadOnlyCredentials(self.text(), self.choice(self.secrets), token)

    def request(self) -> Callable[[], AWSRequest]:
        """Return what makes one request again and again."""
        url = f"{self.choice(('http', 'https'))}://{self.choice(HOSTS)}{self.choice(PORTS)}"
        url += "/" if self.random() < 0.9 else ""
        headers = {name: self.value() for name in self.sample(HEADERS, self.randrange(7))}
        if self.random() < 0.9:
            headers["X-Amz-Target"] = "SimpleWorkflowService.PollForActivityTask"
        body = self.randbytes(self.choice((1, 2, 60, 300, 5_000)))
        return lambda: AWSRequest("POST", url, headers, body)


@pytest.mark.parametrize("seed", range(TESTS))
def test_10_000_requests_are_signed_alike(
    turn: Callable[[datetime.datetime], None], seed: int
) -> None:
    """Bodies, tokens, regions, hosts, ports, headers and clocks, drawn by chance."""
    chance = Chance(seed)
    kept_key, standard = signer.kept_key_signer(), botocore.auth.SigV4Auth
    start = datetime.datetime(1999, 12, 31, tzinfo=datetime.timezone.utc)
    signer._key.cache_clear()
    for example in range(EXAMPLES):
        turn(start + datetime.timedelta(seconds=chance.randrange(10**9)))
        make, credentials, region = chance.request(), chance.credentials(), chance.choice(REGIONS)
        signed = []
        for kind in (kept_key, standard):
            request = make()
            kind(credentials, "swf", region).add_auth(request)
            signed.append((request.headers.items(), request.context["timestamp"]))
        assert signed[0] == signed[1], f"example {example}"
    kept = signer._key.cache_info()
    assert kept.hits + kept.misses == EXAMPLES  # none was handed over to botocore


def a_plain_request() -> AWSRequest:
    headers = {"X-Amz-Target": "SimpleWorkflowService.PollForActivityTask"}
    return AWSRequest("POST", "https://swf.us-east-1.amazonaws.com/", headers, b"{}")


def _with(**attributes: Any) -> Callable[[], AWSRequest]:
    def make() -> AWSRequest:
        request = a_plain_request()
        for name, value in attributes.items():
            setattr(request, name, value)
        return request

    return make


def _with_header(name: str, value: str, *more: str) -> Callable[[], AWSRequest]:
    def make() -> AWSRequest:
        request = a_plain_request()
        for each in (value, *more):
            request.headers[name] = each
        return request

    return make


#: Requests that SWF's clients do not make.
ODD: dict[str, Callable[[], AWSRequest]] = {
    "another method": _with(method="GET"),
    "a path": _with(url="https://swf.us-east-1.amazonaws.com/a/../b%20c"),
    "a line break in the URL": _with(url="https://swf.us-east-1.amazonaws.com/\n"),
    "a query": _with(url="https://swf.us-east-1.amazonaws.com/?b=2&a=1"),
    "parameters": _with(params={"b": "2", "a": "1"}),
    "no body": _with(data=b""),
    "a form": _with(data={"a": "1"}),
    "text": _with(data="{}"),
    "a body that is not signed": _with(context={"payload_signing_enabled": False}),
    "a checksum behind the body": _with(
        context={"checksum": {"request_algorithm": {"in": "trailer"}}}
    ),
    "a header twice": _with_header("X-Own", "a", "b"),
    "a name with a space": _with_header("X-Own ", "a"),
    "a name with a tab": _with_header("\tX-Own", "a"),
    "a host": _with_header("Host", "other.example"),
    "a date": _with_header("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
    "an old date": _with_header("X-Amz-Date", "19700101T000000Z"),
    "an old signature": _with_header("Authorization", "AWS4-HMAC-SHA256 ..."),
    "an old token": _with_header("X-Amz-Security-Token", "old"),
    "a digest": _with_header("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"),
}


@pytest.mark.parametrize("name", ODD)
def test_any_other_request_is_botocores(
    name: str, turn: Callable[[datetime.datetime], None]
) -> None:
    """It is handed over, and signed by botocore's own code."""
    make = ODD[name]
    assert signer._plain_headers(make(), botocore.auth.SIGNED_HEADERS_BLACKLIST) is None
    credentials = ReadOnlyCredentials("key", "secret", "token")
    signed = []
    for kind in (signer.kept_key_signer(), botocore.auth.SigV4Auth):
        request = make()
        kind(credentials, "swf", "us-east-1").add_auth(request)
        signed.append(request.headers.items())
    assert signed[0] == signed[1]


def test_no_credentials() -> None:
    """botocore says that there are none."""
    with pytest.raises(botocore.exceptions.NoCredentialsError):
        credentials: Any = None
        signer.kept_key_signer()(credentials, "swf", "us-east-1").add_auth(a_plain_request())


def test_a_debug_log_shows_each_step(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever looks for a wrong signature sees what botocore logs of one."""
    caplog.set_level(logging.DEBUG, "botocore.auth")
    credentials = ReadOnlyCredentials("key", "secret", None)
    signer.kept_key_signer()(credentials, "swf", "us-east-1").add_auth(a_plain_request())
    assert "CanonicalRequest" in caplog.text
