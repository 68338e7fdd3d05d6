"""Counts a poll while SWF may answer it with a task.

A poll that has failed is not open while its poller waits to send the next one: whoever ends the
worker meanwhile loses no task.
"""

from __future__ import annotations

from collections.abc import Callable

from .slots import Slots
from .task_run import TaskRun


class OpenPoll:
    """The poll of one poller; only its thread uses it.

    Args:
        slots: count the open polls of the worker.
        polls_out: called with 1 when the poll is about to be sent, with -1 when it has ended.
    """

    def __init__(self, slots: Slots, polls_out: Callable[[int], None]) -> None:
        self._slots = slots
        self._polls_out = polls_out
        self.is_open = False  #: Whether SWF may answer it with a task.

    def begin(self) -> None:
        """Count the poll; it is about to be sent."""
        self._polls_out(1)
        self._slots.poll_began()
        self.is_open = True

    def end(self, run: TaskRun | None = None) -> None:
        """Count the poll as ended, if it is open, and the task that it brought."""
        if self.is_open:
            self.is_open = False
            self._slots.poll_ended(run)
            self._polls_out(-1)
