"""Stand-ins for what is outside a running task: SWF's calls, and the journal of open tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flowy.exception import (
    CredentialsError,
    TransientError,
    UnknownResourceError,
    ValidationError,
)
from flowy.invocation import TaskOutcome
from flowy.swf.client import SWFClient
from tests.patience import PATIENCE_SECONDS


class Calls:
    """Takes answers as SWF does: a task's first one counts, the others find it closed.

    ``client()`` makes these calls through a layer1; ``heartbeat``, ``complete``, ``fail`` and
    ``cancel`` are the calls themselves.

    Attributes:
        made: each answer that was accepted, verb first.
        tried: the verb of each answer that was given.
        beats: the details of each heartbeat.
        trouble: exceptions that the next answers raise, in order, before SWF acts.
        beat: what a heartbeat does.
        on_answer: called within each answer, before SWF decides.
    """

    def __init__(self) -> None:
        self.made: list[tuple[str, ...]] = []
        self.tried: list[str] = []
        self.beats: list[str | None] = []
        self.trouble: list[BaseException] = []
        self.beat: Callable[[], bool] = lambda: False
        self.on_answer: Callable[[], Any] = lambda: None
        self.changed = threading.Condition()
        self._closed: set[str] = set()

    def client(self) -> SWFClient:
        """Return a client of ours that makes these calls."""
        layer1 = _Layer1(self)
        return SWFClient(layer1, layer1)

    def heartbeat(self, token: str, details: str | None = None) -> bool:
        with self.changed:
            self.beats.append(details)
            self.changed.notify_all()
        return self.beat()

    def complete(self, token: str, result: str) -> None:
        self._answer(token, "complete", result)

    def fail(self, token: str, reason: str, details: str | None = None) -> None:
        self._answer(token, "fail", reason, details or "")

    def cancel(self, token: str, details: str | None = None) -> None:
        self._answer(token, "cancel", details or "")

    def _answer(self, token: str, *answer: str) -> None:
        with self.changed:
            self.tried.append(answer[0])
            self.changed.notify_all()
        self.on_answer()
        with self.changed:
            if self.trouble:
                raise self.trouble.pop(0)
            if token in self._closed:
                raise unknown()
            self._closed.add(token)
            self.made.append(answer)
            self.changed.notify_all()

    def wait_until(self, reached: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(reached, PATIENCE_SECONDS)


class _Layer1:
    """An object with a client's methods, in SWF's own words."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def record_activity_task_heartbeat(self, **call: Any) -> dict[str, Any]:
        requested = self._calls.heartbeat(call["taskToken"], call.get("details"))
        return {"cancelRequested": requested}

    def respond_activity_task_completed(self, **call: Any) -> None:
        self._calls.complete(call["taskToken"], call["result"])

    def respond_activity_task_failed(self, **call: Any) -> None:
        self._calls.fail(call["taskToken"], call["reason"], call.get("details"))

    def respond_activity_task_canceled(self, **call: Any) -> None:
        self._calls.cancel(call["taskToken"], call.get("details"))


class RecordingJournal:
    """A journal that remembers all that was written down, in order."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, ...]] = []

    def opened(self, token: str, subject: str) -> None:
        self.entries.append(("opened", token))

    def suspending(self, token: str) -> None:
        self.entries.append(("suspending", token))

    def settled(self, token: str, outcome: TaskOutcome) -> None:
        self.entries.append(("settled", token, outcome.name))

    def poll_lost(self, identity: str, fault: str) -> None:
        self.entries.append(("poll_lost", fault))


def unknown() -> UnknownResourceError:
    return UnknownResourceError("closed", fault="UnknownResourceFault")


def throttled() -> TransientError:
    return TransientError("throttled", fault="ThrottlingException")


def refused() -> ValidationError:
    return ValidationError("refused", fault="ValidationException")


def expired() -> CredentialsError:
    return CredentialsError("expired", fault="ExpiredTokenException")
