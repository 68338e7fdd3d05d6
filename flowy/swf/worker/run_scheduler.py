"""The scheduler of one task run, through which an activity in a worker answers."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from ...exception import OutsideActivityError
from ...invocation import (
    Answer,
    Canceled,
    Completed,
    Failed,
    HandedOver,
    Sealing,
    StatusRecord,
    Suspended,
    TaskStatus,
    seal_result,
)
from .heartbeats import Heartbeats


class OpenRun(Protocol):
    """The part of a ``TaskRun`` that the scheduler uses."""

    status: StatusRecord
    heartbeats: Heartbeats

    @property
    def sealing(self) -> Sealing | None:
        """Seals the texts of the task, if its activity has codecs or a store."""

    @property
    def is_forked(self) -> bool:
        """Whether this process is a forked child of the worker."""

    def finish(self, answer: Answer) -> bool:
        """Answer for the task; return whether SWF took the answer."""

    def suspending(self) -> AbstractContextManager[None]:
        """Return a context manager to enter while the task is put into a store."""


class RunScheduler:
    """The ``flowy.invocation.Scheduler`` of one task run; the token is always the task's own."""

    def __init__(self, run: OpenRun) -> None:
        self._run = run

    @property
    def status(self) -> StatusRecord:
        """What is known about the task, and what the activity was told about it."""
        return self._run.status

    @property
    def sealing(self) -> Sealing | None:
        """Seals the texts of the task; None if they travel as they are.

        Details are sealed when they are sent, so the methods here take them as they are, and a
        result as it is or sealed.
        """
        return self._run.sealing

    def heartbeat(self, token: str, details: str | None = None, *, now: bool = False) -> TaskStatus:
        """Send a heartbeat unless too many were sent lately; return what the activity is told."""
        if self._run.is_forked:
            raise OutsideActivityError(
                "Cannot send a heartbeat: this process is a forked child of the worker, and must "
                "not answer for it. Report to the parent process, and send the heartbeat there."
            )
        self._run.heartbeats.beat(details, now=now)
        return self._run.status.tell()

    def progress(self, token: str, details: str | None = None) -> None:
        """Note that the activity makes progress."""
        self._run.heartbeats.progress(details)

    def complete(self, token: str, result: str) -> bool:
        """Answer *completed*; a result that is too long fails the task."""
        sealing = self._run.sealing
        if sealing is None or sealing.has_sealed(result):
            return self._run.finish(Completed(result))
        # The author's own ``__call__`` has written it.
        return self._run.finish(seal_result(sealing, result))

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Answer *failed*."""
        return self._run.finish(Failed(reason, details))

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*."""
        return self._run.finish(Canceled(details))

    def suspend(self, token: str) -> None:
        """Send no answer."""
        self._run.finish(Suspended())

    def hand_over(self, token: str) -> None:
        """Send no answer: other code does."""
        self._run.finish(HandedOver())

    def suspending(self, token: str) -> AbstractContextManager[None]:
        """Return a context manager to enter while the task is put into a store."""
        return self._run.suspending()
