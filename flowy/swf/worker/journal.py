"""The journal of a worker's open tasks, for whoever answers if its process dies."""

from __future__ import annotations

from typing import Protocol

from ...context import ActivityInfo
from ...invocation.outcome import TaskOutcome


class TaskJournal(Protocol):
    """Records each task before it starts, and its outcome; its methods do not raise."""

    def opened(self, token: str, info: ActivityInfo) -> None:
        """Record a task that is about to start, or that was not suspended after all."""

    def suspending(self, token: str) -> None:
        """Record that a task is being put into a store, and may be in it already."""

    def beaten(self, token: str, details: str) -> None:
        """Record the details of a heartbeat, as they are sent, of a task with a history."""

    def settled(self, token: str, outcome: TaskOutcome) -> None:
        """Record the outcome of a task, with which the worker is done."""

    def poll_lost(self, identity: str, fault: str) -> None:
        """Record a poll that may have cost a task."""


class NoJournal:
    """The journal of a process that has no supervisor; it records nothing."""

    def opened(self, token: str, info: ActivityInfo) -> None:
        """Do nothing."""

    def suspending(self, token: str) -> None:
        """Do nothing."""

    def beaten(self, token: str, details: str) -> None:
        """Do nothing."""

    def settled(self, token: str, outcome: TaskOutcome) -> None:
        """Do nothing."""

    def poll_lost(self, identity: str, fault: str) -> None:
        """Do nothing."""
