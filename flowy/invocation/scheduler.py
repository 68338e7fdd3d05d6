"""The protocol through which an activity sends heartbeats and its answer."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from .status import StatusRecord, TaskStatus


class Scheduler(Protocol):
    """Sends the heartbeats and the answer of one task; takes wire text.

    Its methods do not raise if a call to SWF fails: the scheduler decides whether and how long an
    answer is retried. A method that answers returns True if SWF took the answer, else False.
    """

    @property
    def status(self) -> StatusRecord:
        """What is known about the task, and what the activity was told about it."""

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
        """Send no answer: whoever has the token will."""

    def hand_over(self, token: str) -> None:
        """Send no answer: other code does."""

    def suspending(self, token: str) -> AbstractContextManager[object]:
        """Return a context manager to enter while the task is put into a store."""
