"""One task's way back to SWF, as an activity needs it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from .status import StatusRecord, TaskStatus


class Scheduler(Protocol):
    """One task's way back to SWF, as an activity needs it. It takes wire text.

    None of its methods raises for SWF's sake: whether and how long an answer is tried again is
    the scheduler's business. An answer is True when SWF took it, False when it did not.
    """

    @property
    def status(self) -> StatusRecord:
        """What is known of the task, and what the activity was told of it."""

    def heartbeat(self, token: str, details: str | None = None, *, now: bool = False) -> TaskStatus:
        """Send a heartbeat, and return what the activity is told after it.

        A scheduler may coalesce heartbeats that come too fast; with *now* it sends this one.
        """

    def progress(self, token: str, details: str | None = None) -> None:
        """Note that the activity makes progress; the details go out with the next heartbeat."""

    def complete(self, token: str, result: str) -> bool:
        """Answer *completed*; raise ``TooLongError`` if SWF would refuse the result."""

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Answer *failed*; text that is too long is cut."""

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*; text that is too long is cut."""

    def suspend(self, token: str) -> None:
        """Send no answer: somebody else will, by the token."""

    def suspending(self, token: str) -> AbstractContextManager[object]:
        """Return what is entered while the task is put into a store."""
