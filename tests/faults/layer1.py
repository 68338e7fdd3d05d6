"""Clients for ``layer1`` whose first answer in each process fails before anything is sent.

The fault is none of SWF's: it comes from the credential chain, or from a client that is not
boto3's. Each function returns a client and can be named in the options of ``tests.faults.worker``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, RefreshableCredentials
from botocore.exceptions import ClientError

#: What is printed when the fault strikes, so that a test can tell that it did.
STRUCK = "The first answer met its fault."

_COMPLETE = "RespondActivityTaskCompleted"
_AN_HOUR = timedelta(hours=1)

#: What refreshes credentials: returns botocore's four values, or raises.
Refresh = Callable[[], dict[str, Any]]


def sts_validation_error() -> object:
    """The role cannot be assumed: STS says ValidationError."""
    return _client(_sts("ValidationError"))


def sts_validation_exception() -> object:
    """The role cannot be assumed: STS says it with the code that SWF uses, too."""
    return _client(_sts("ValidationException"))


def sts_access_denied() -> object:
    """The role cannot be assumed: STS says AccessDenied."""
    return _client(_sts("AccessDenied"))


def still_expired() -> object:
    """The refreshed credentials have expired already: botocore raises a bare RuntimeError."""
    return _client(lambda: _credentials(-_AN_HOUR))


def foreign() -> object:
    """An object that is not boto3's and raises exceptions of classes that nobody knows."""
    return _Foreign()


class _Refreshed:
    """Credentials that are refreshed for the first answer; *first* is how that goes."""

    def __init__(self, first: Refresh) -> None:
        self._first: Refresh | None = first
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
        self._thread.late = self._first is not None

    def _now(self) -> datetime:
        late = getattr(self._thread, "late", False)
        return datetime.now(timezone.utc) + (_AN_HOUR if late else timedelta())

    def _refresh(self) -> dict[str, Any]:
        self._thread.late = False
        first, self._first = self._first, None
        if first is None:
            return _credentials(_AN_HOUR)
        print(STRUCK, flush=True)
        return first()


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

    def __init__(self) -> None:
        self._client = boto3.client("swf", config=_config())
        self._is_well = False
        self._lock = threading.Lock()

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        if method.startswith("_") or method == "meta":
            raise AttributeError(method)

        def call(**parameters: Any) -> dict[str, Any]:
            if method == "respond_activity_task_completed":
                self._fail_once()
            answer: dict[str, Any] = getattr(self._client, method)(**parameters)
            del answer["ResponseMetadata"]
            return answer

        return call

    def _fail_once(self) -> None:
        with self._lock:
            was_well, self._is_well = self._is_well, True
        if not was_well:
            print(STRUCK, flush=True)
            raise self.Hiccup("the wrong kind of weather")


def _client(first: Refresh) -> object:
    refreshed = _Refreshed(first)
    session = botocore.session.get_session()
    providers = session.get_component("credential_provider")
    providers.insert_before("env", _Provider(refreshed.credentials))
    client = boto3.session.Session(botocore_session=session).client("swf", config=_config())
    client.meta.events.register(f"before-sign.swf.{_COMPLETE}", refreshed.expire)
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
