"""Clients for ``layer1`` whose first answers in each process fail before anything is sent.

The fault is none of SWF's: it comes from the credential chain, or from a client that is not
boto3's. Each function returns a client and can be named in the options of ``tests.faults.worker``.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, RefreshableCredentials
from botocore.exceptions import ClientError

#: What is printed when a fault strikes, so that a test can tell that it did.
STRUCK = "An answer met its fault."

_COMPLETE = "RespondActivityTaskCompleted"
_AN_HOUR = timedelta(hours=1)

#: What refreshes credentials: returns botocore's four values, or raises.
Refresh = Callable[[], dict[str, Any]]


def refreshed() -> object:
    """A client whose credentials are refreshed for its first answers, each time in vain.

    STS says ValidationError, says it with the code that SWF uses, too, and denies access; then
    the new credentials have expired already, and botocore raises a bare RuntimeError.
    """
    return _client(
        _sts("ValidationError"),
        _sts("ValidationException"),
        _sts("AccessDenied"),
        lambda: _credentials(-_AN_HOUR),
    )


def foreign() -> object:
    """An object that is not boto3's and raises exceptions of classes that nobody knows.

    Some have a ``response``, as botocore's have, with something else in it.
    """
    return _Foreign()


class _Refreshed:
    """Credentials that are refreshed for the first answers; *faults* are how that goes."""

    def __init__(self, faults: Iterable[Refresh]) -> None:
        self._faults = deque(faults)
        self._thread = threading.local()  # polls of other threads need no refreshing
        self.credentials = RefreshableCredentials(
            "key",
            "secret",
            "token",
            datetime.now(timezone.utc) + _AN_HOUR,
            refresh_using=self._refresh,
            method=_Provider.METHOD,
            time_fetcher=self._now,
        )

    def expire(self, **_: object) -> None:
        """Let this thread find them expired, once."""
        self._thread.late = bool(self._faults)

    def _now(self) -> datetime:
        late = getattr(self._thread, "late", False)
        return datetime.now(timezone.utc) + (_AN_HOUR if late else timedelta())

    def _refresh(self) -> dict[str, Any]:
        self._thread.late = False
        if not self._faults:
            return _credentials(_AN_HOUR)
        print(STRUCK, flush=True)
        return self._faults.popleft()()


class _Provider(CredentialProvider):
    METHOD = "tests"

    def __init__(self, credentials: RefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> RefreshableCredentials:
        return self._credentials


class _Foreign:
    """Has a client's methods, and its own answers: dictionaries without metadata."""

    class Hiccup(Exception):
        """Of no family."""

    class Mute(Exception):
        """Cannot be asked."""

        @property
        def response(self) -> object:
            raise ValueError("ask another")

    class Odd(Exception):
        """Answers the questions that botocore's exceptions answer, in another way."""

        def __init__(self, metadata: object) -> None:
            self.response = {"Error": {"Code": "Weather"}, "ResponseMetadata": metadata}

    def __init__(self) -> None:
        self._client = boto3.client("swf", config=_config())
        self._faults = deque(
            (self.Hiccup("the wrong kind of weather"), self.Mute(), self.Odd(None), self.Odd([]))
        )

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        if method.startswith("_") or method == "meta":
            raise AttributeError(method)

        def call(**parameters: Any) -> dict[str, Any]:
            if method == "respond_activity_task_completed":
                self._fail()
            answer: dict[str, Any] = getattr(self._client, method)(**parameters)
            del answer["ResponseMetadata"]
            return answer

        return call

    def _fail(self) -> None:
        with suppress(IndexError):
            error = self._faults.popleft()
            print(STRUCK, flush=True)
            raise error


def _client(*faults: Refresh) -> object:
    credentials = _Refreshed(faults)
    session = botocore.session.get_session()
    providers = session.get_component("credential_provider")
    providers.insert_before("env", _Provider(credentials.credentials))
    client = boto3.session.Session(botocore_session=session).client("swf", config=_config())
    client.meta.events.register(f"before-sign.swf.{_COMPLETE}", credentials.expire)
    return client


def _config() -> Config:
    return Config(read_timeout=70, retries={"total_max_attempts": 1})


def _sts(code: str) -> Refresh:
    def refresh() -> dict[str, Any]:
        metadata = {"HTTPStatusCode": 400, "RequestId": "sts", "RetryAttempts": 0}
        raise ClientError(
            {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata},  # type: ignore[typeddict-item]
            "AssumeRole",
        )

    return refresh


def _credentials(lasting: timedelta) -> dict[str, Any]:
    return {
        "access_key": "key",
        "secret_key": "secret",
        "token": "token",
        "expiry_time": (datetime.now(timezone.utc) + lasting).isoformat(),
    }
