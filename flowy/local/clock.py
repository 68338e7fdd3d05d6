"""SWF's clock: a test may hold it and turn it.

Every time stamp and every timeout of a local SWF goes by this clock; polls are held, and
workers run, by real time.  So a timeout of an hour is a millisecond's test: hold the
clock, hand out the task, turn the clock by an hour, look at the history.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Mechanism(Protocol):
    """What goes by the clock."""

    def turn(self, seconds: float) -> None:
        """Go through all that is due in that time, each at its own."""

    def look(self) -> None:
        """The clock was held or let go: what is due next may have moved."""


class Clock:
    """The time at a local SWF, in seconds since the epoch.

    It runs with the wall clock, until it is held or turned.  Turned, it stays ahead; it
    never goes back.  Safe to use from any thread.

    Example::

        swf.clock.hold()
        swf.clock.turn(3600)  # every timeout of that hour has fired when it returns
        swf.clock.release()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead_seconds = 0.0
        self._held: float | None = None
        self._mechanism: Mechanism | None = None

    def __repr__(self) -> str:
        state = "held" if self.held else "running"
        return f"<Clock {state} at {self.now():.3f}>"

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        held = self._held
        return time.time() + self._ahead_seconds if held is None else held

    @property
    def held(self) -> bool:
        """Whether it stands still."""
        return self._held is not None

    @property
    def ahead_seconds(self) -> float:
        """By how much it is ahead of the wall clock now, in seconds; behind is below 0."""
        return self.now() - time.time()

    def hold(self) -> None:
        """Stop it; does nothing where it stands still already."""
        with self._lock:
            if self._held is None:
                self._held = self.now()
        self._look()

    def release(self) -> None:
        """Let it run on from where it stands; does nothing where it runs already."""
        with self._lock:
            if self._held is not None:
                self._ahead_seconds = self._held - time.time()
                self._held = None
        self._look()

    def turn(self, seconds: float) -> None:
        """Put it forward, held or not.

        When it returns, all that fell due has happened: each timeout at its own time and
        in its order, as if the time had passed.

        Args:
            seconds: by how much, 0 or more.

        Raises:
            ValueError: a time below 0.
        """
        if not seconds >= 0:
            raise ValueError(
                f"A clock turns forward only: seconds must be 0 or more, not {seconds}"
            )
        if self._mechanism is None:
            with self._lock:
                self._forward(seconds)
        else:
            # From when is its to say: of two turns at once, one begins where the other ends.
            self._mechanism.turn(seconds)

    def advance_to(self, timestamp: float) -> None:
        """Put its hand forward, and nothing else; where it is there already, do nothing."""
        with self._lock:
            self._forward(max(0.0, timestamp - self.now()))

    def resume(self, ahead_seconds: float, latest: float) -> None:
        """Go on as the clock of a state that was kept.

        Held, it stays where it is; turned already, it stays ahead.  But it never stands
        before anything that has happened.

        Args:
            ahead_seconds: by how much that clock was ahead of the wall clock; behind is
                below 0.
            latest: when something happened last, in seconds since the epoch.
        """
        with self._lock:
            if self._held is None:
                known = self._ahead_seconds
                self._ahead_seconds = max(known, ahead_seconds) if known else ahead_seconds
        self.advance_to(latest)

    def _forward(self, seconds: float) -> None:
        if self._held is not None:
            self._held += seconds
        else:
            self._ahead_seconds += seconds

    def attach(self, mechanism: Mechanism) -> None:
        """Turn this with the clock from now on."""
        self._mechanism = mechanism

    def _look(self) -> None:
        if self._mechanism is not None:
            self._mechanism.look()
