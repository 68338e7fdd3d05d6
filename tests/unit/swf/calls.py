"""Stand-ins for what is outside a running task: the calls to SWF, and the ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from flowy.exception import CredentialsError, OutOfReachError, RefusedError, UnknownResourceError
from flowy.swf.delivery import Outcome

PATIENCE_SECONDS = 10.0


class Calls:
    """Takes answers as SWF does: the first one counts, the others find the task closed.

    Attributes:
        made: each call that was accepted, verb first.
        tried: the verb of each call that was made.
        trouble: exceptions that the next calls raise, in order, before SWF acts.
        beat: what a heartbeat does.
    """

    def __init__(self) -> None:
        self.made: list[tuple[str, ...]] = []
        self.tried: list[str] = []
        self.trouble: list[Exception] = []
        self.beat: Callable[[], bool] = lambda: False
        self.beats: list[str | None] = []
        self.changed = threading.Condition()
        #: Called within each answer, before SWF decides.
        self.on_answer: Callable[[], Any] = lambda: None

    def heartbeat(self, token: str, details: str | None = None) -> bool:
        with self.changed:
            self.beats.append(details)
            self.changed.notify_all()
        return self.beat()

    def complete(self, token: str, result: str) -> None:
        self._answer("complete", result)

    def fail(self, token: str, reason: str, details: str | None = None) -> None:
        self._answer("fail", reason, details or "")

    def cancel(self, token: str, details: str | None = None) -> None:
        self._answer("cancel", details or "")

    def _answer(self, *answer: str) -> None:
        with self.changed:
            self.tried.append(answer[0])
            self.changed.notify_all()
        self.on_answer()
        with self.changed:
            if self.trouble:
                raise self.trouble.pop(0)
            if self.made:
                raise unknown()
            self.made.append(answer)
            self.changed.notify_all()

    def wait_until(self, reached: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(reached, PATIENCE_SECONDS)


class Book:
    """A ledger that remembers all that was said to it."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, ...]] = []

    def enter(self, token: str, subject: str) -> None:
        self.entries.append(("enter", token))

    def strike(self, token: str, outcome: Outcome) -> None:
        self.entries.append(("strike", token, outcome.name))

    def poll_lost(self, identity: str, fault: str) -> None:
        self.entries.append(("poll_lost", fault))


def unknown() -> UnknownResourceError:
    return UnknownResourceError("closed", fault="UnknownResourceFault")


def throttled() -> OutOfReachError:
    return OutOfReachError("throttled", fault="ThrottlingException")


def refused() -> RefusedError:
    return RefusedError("refused", fault="ValidationException")


def expired() -> CredentialsError:
    return CredentialsError("expired", fault="ExpiredTokenException")
