"""Where a worker's open tasks are written down, for whoever answers if its process dies."""

from __future__ import annotations

from typing import Protocol

from ...invocation.outcome import TaskOutcome


class TaskJournal(Protocol):
    """Is told of each task before it starts, and of what became of it. None of this raises."""

    def opened(self, token: str, subject: str) -> None:
        """Write down a task that is about to start, or that is not suspended after all."""

    def suspending(self, token: str) -> None:
        """Write down that a task is being put into a store; whether it is in it is not known."""

    def settled(self, token: str, outcome: TaskOutcome) -> None:
        """Write down that the worker has done all that it will do for a task."""

    def poll_lost(self, identity: str, fault: str) -> None:
        """Write down a poll that may have cost a task."""


class NoJournal:
    """For a process that nobody watches."""

    def opened(self, token: str, subject: str) -> None:
        """Write nothing."""

    def suspending(self, token: str) -> None:
        """Write nothing."""

    def settled(self, token: str, outcome: TaskOutcome) -> None:
        """Write nothing."""

    def poll_lost(self, identity: str, fault: str) -> None:
        """Write nothing."""
