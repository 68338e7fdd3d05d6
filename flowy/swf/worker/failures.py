"""The failures that a supervisor reports for the tasks of processes that died.

SWF may take minutes to accept a failure, and a stop must not wait that long. Failures that are
still under way after a limit are given up, and their tasks count as unanswered.
"""

from __future__ import annotations

import threading

from ...concurrency.clock import Clock
from ...concurrency.retry import Deadline


class Failures:
    """The failures of tasks that are under way, to wait for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._subjects: list[str] = []

    def add(self, subject: str) -> None:
        """Note that one is under way."""
        with self._condition:
            self._subjects.append(subject)

    def ended(self, subject: str) -> bool:
        """Note that one has ended; return False if it was given up before."""
        with self._condition:
            if subject not in self._subjects:
                return False
            self._subjects.remove(subject)
            self._condition.notify_all()
            return True

    def wait(self, seconds: float) -> None:
        """Wait up to *seconds* until all have ended."""
        deadline = Deadline(seconds, clock=self._clock)
        with self._condition:
            while self._subjects and not deadline.passed:
                self._clock.wait(self._condition, deadline.remaining_seconds())

    def give_up_after(self, seconds: float) -> list[str]:
        """Wait like ``wait``, then give up those that are still under way, and return them."""
        self.wait(seconds)
        with self._condition:
            given_up, self._subjects = self._subjects, []
            return given_up
