"""The failures by which a supervisor answers for the tasks of processes that died.

SWF may take minutes to accept one, and a stop cannot wait for ever: what is still under way then
counts as unanswered.
"""

from __future__ import annotations

import threading

from ...concurrency.clock import Clock
from ...concurrency.retry import Deadline


class Failures:
    """The failures of tasks that are under way, for whoever waits until none is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._subjects: list[str] = []

    def add(self, subject: str) -> None:
        """Note that one is under way."""
        with self._condition:
            self._subjects.append(subject)

    def ended(self, subject: str) -> bool:
        """Note that one has ended; False if it counts as unanswered already."""
        with self._condition:
            if subject not in self._subjects:
                return False
            self._subjects.remove(subject)
            self._condition.notify_all()
            return True

    def wait(self, seconds: float) -> None:
        """Wait until none is under way, for *seconds* at most."""
        deadline = Deadline(seconds, clock=self._clock)
        with self._condition:
            while self._subjects and not deadline.passed:
                self._clock.wait(self._condition, deadline.remaining_seconds())

    def give_up_after(self, seconds: float) -> list[str]:
        """Wait as ``wait``; return those that are under way still, and count on them no longer."""
        self.wait(seconds)
        with self._condition:
            given_up, self._subjects = self._subjects, []
            return given_up
