"""A clock for the threads of a worker, which tells whether one waits for a given time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tests.patience import until
from tests.unit.clocks import LOOK_SECONDS, TurnedClock


class StopClock(TurnedClock):
    """A clock that tells whether a thread waits for a given time."""

    def __init__(self) -> None:
        super().__init__()
        self._endless = 0

    def wait(self, condition: threading.Condition, seconds: float | None) -> bool:
        if seconds is not None:
            return super().wait(condition, seconds)
        self._endless += 1  # whoever waits has the lock of the condition
        try:
            return super().wait(condition, None)
        finally:
            self._endless -= 1

    def wait_for_waiter(self, seconds: float | None) -> None:
        """Wait until a thread waits for exactly *seconds*; None for one without a limit."""
        if seconds is None:
            self._look_until(lambda: self._endless > 0)
        else:
            at = self._now + seconds
            self._look_until(lambda: any(abs(each - at) < 1e-6 for each in list(self._waiting)))

    def turn_by(self, seconds: float) -> None:
        """Let *seconds* pass as soon as a thread waits for exactly that long."""
        self.wait_for_waiter(seconds)
        self.turn(seconds)

    def turn_until(self, reached: Callable[[], bool], step_seconds: float = 1.0) -> float:
        """Let time pass in steps that a thread waits for; return how much had to, in seconds."""
        began_at = self._now

        def is_due() -> bool:
            latest = self._now + step_seconds + 1e-6
            return any(self._now < each <= latest for each in list(self._waiting))

        while not reached():
            self._look_until(lambda: reached() or is_due())
            if not reached():
                self.turn(step_seconds)
        return self._now - began_at

    @staticmethod
    def _look_until(reached: Callable[[], bool]) -> None:
        until(reached, "a thread that waits for that long", every_seconds=LOOK_SECONDS)
