"""Clocks of the tests' own, for whatever takes a ``flowy.concurrency.clock.Clock``.

``SelfTurningClock`` is for code that runs in the test's own thread: only waiting moves it, at
once. ``TurnedClock`` is for code in other threads: the test turns it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from flowy.concurrency.clock import Clock, Lock
from flowy.concurrency.stop import StopFlag, StopLevel
from tests.patience import PATIENCE_SECONDS, until

#: How often a thread that waits on a ``TurnedClock`` looks at it, in real seconds.
LOOK_SECONDS = 0.002


class SelfTurningClock(Clock):
    """A clock that only waiting in the test's own thread moves: each wait there passes at once.

    Other threads, such as the one that watches calls, wait as long as they say.

    Args:
        stops: the level to which ``flag`` is raised during the wait of this number, from 1 on.
    """

    def __init__(self, stops: Mapping[int, StopLevel] | None = None) -> None:
        self.time = 1_000.0
        #: The seconds of each wait, in order.
        self.waits: list[float] = []
        #: A flag that waits by this clock.
        self.flag = StopFlag(self)
        self._stops = stops or {}
        self._thread = threading.get_ident()

    def now(self) -> float:
        return self.time

    def wait(self, condition: threading.Condition, seconds: float | None) -> bool:
        if threading.get_ident() != self._thread:
            return condition.wait(seconds)
        return self._pass(seconds)

    def acquire(self, lock: Lock, seconds: float | None) -> bool:
        self._pass(seconds)
        return lock.acquire(blocking=False)

    def _pass(self, seconds: float | None) -> bool:
        assert seconds is not None, "nothing waits for ever"
        self.waits.append(seconds)
        if (stop := self._stops.get(len(self.waits))) is not None:
            self.flag.raise_to(stop)
        else:
            self.time += seconds
        return False


class TurnedClock(Clock):
    """A clock that stands still until the test turns it; any number of threads may wait on it."""

    def __init__(self) -> None:
        self._now = 1_000.0
        self._waiting: list[float] = []  # until when, by this clock
        self._begun = threading.Condition()

    def now(self) -> float:
        return self._now

    def turn(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self._now += seconds

    def turn_when_awaited(self, seconds: float) -> None:
        """Let *seconds* pass as soon as a thread waits for a moment within them."""
        latest = self._now + seconds
        with self._begun:
            assert self._begun.wait_for(
                lambda: any(at <= latest for at in list(self._waiting)), PATIENCE_SECONDS
            ), f"nothing waits for a moment within {seconds} s"
        self.turn(seconds)

    def keep_turning(self, reached: Callable[[], bool], seconds: float = 1.0) -> None:
        """Let *seconds* pass, again and again, until this is reached.

        For threads that wait by this clock, and the test does not know how often or how long.
        """

        def look() -> bool:
            if not (done := reached()):
                self.turn(seconds)
            return done

        until(look)

    def wait(self, condition: threading.Condition, seconds: float | None) -> bool:
        if seconds is None:
            return condition.wait()
        ends = self._begin(seconds)
        try:
            # Whoever waits looks at its condition after each look, too: a notification that comes
            # just as a look ends would be lost.
            condition.wait(LOOK_SECONDS)
            return self._now < ends
        finally:
            self._waiting.remove(ends)

    def acquire(self, lock: Lock, seconds: float | None) -> bool:
        if seconds is None:
            return lock.acquire()
        ends = self._begin(seconds)
        try:
            while self._now < ends:
                if lock.acquire(timeout=LOOK_SECONDS):
                    return True
            return False
        finally:
            self._waiting.remove(ends)

    def _begin(self, seconds: float) -> float:
        """Note that a thread waits, and return until when."""
        ends = self._now + seconds
        self._waiting.append(ends)
        with self._begun:
            self._begun.notify_all()
        return ends
