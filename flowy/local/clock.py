"""SWF's clock, which a test can stop and turn forward.

Every time stamp and every timeout of a local SWF follows this clock, while long polls and workers
follow real time. So a test of a one-hour timeout takes a millisecond: hold the clock, poll for the
task, turn the clock by an hour, read the history.

SWF's time stamps are whole milliseconds, so the clock shows those. It counts in microseconds, so
that short turns add up.
"""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Protocol

from .real_time import wall_us


class ClockFollower(Protocol):
    """Whatever must react when the clock moves: the service that fires timeouts."""

    def turn(self, seconds: float) -> None:
        """Move the clock forward, firing each timeout on the way at its own time."""

    def set_clock(self, timestamp: float) -> None:
        """Set the clock, in seconds since the epoch.

        Raises:
            ValueError: it would go back to before something that has happened.
        """

    def clock_changed(self) -> None:
        """React to a clock that was held or released: the next timeout is due at another time."""


class Clock:
    """The time at a local SWF, in seconds since the epoch.

    It follows the wall clock until it is held, turned or set. After a turn it stays ahead of the
    wall clock. It goes back only if it is set before anything has happened. It shows whole
    milliseconds, as SWF does. Every method may be called from any thread.

    Example::

        swf.clock.set(datetime(2030, 1, 1, tzinfo=timezone.utc))
        swf.clock.hold()
        swf.clock.turn(3600)  # returns when every timeout of that hour has fired
        swf.clock.release()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead_us = 0
        self._held_us: int | None = None
        self._follower: ClockFollower | None = None

    def __repr__(self) -> str:
        state = "held" if self.held else "running"
        return f"<Clock {state} at {self.now():.3f}>"

    def now(self) -> float:
        """Return the time, in seconds since the epoch, to the millisecond."""
        return self._now_us() // 1000 / 1000

    def later(self, seconds: float) -> float:
        """Return the time in that many seconds, in seconds since the epoch, to the microsecond."""
        return (self._now_us() + _us(seconds)) / 1_000_000

    @property
    def held(self) -> bool:
        """Whether the clock is stopped."""
        return self._held_us is not None

    @property
    def ahead_seconds(self) -> float:
        """How far the clock is ahead of the wall clock, in seconds; below 0 if it is behind."""
        return (self._now_us() - wall_us()) / 1_000_000

    def hold(self) -> None:
        """Stop the clock; do nothing if it is held already."""
        with self._lock:
            if self._held_us is None:
                self._held_us = self._now_us()
        self._tell_follower()

    def release(self) -> None:
        """Let the clock run on from its present time; do nothing if it is running."""
        with self._lock:
            if self._held_us is not None:
                self._ahead_us = self._held_us - wall_us()
                self._held_us = None
        self._tell_follower()

    def turn(self, seconds: float) -> None:
        """Move the clock forward, whether it is held or running.

        When this returns, everything that was due has happened: each timeout at its own time and in
        order, as if the time had really passed.

        Args:
            seconds: how far, in seconds; 0 or more.

        Raises:
            ValueError: *seconds* is below 0.
        """
        if not seconds >= 0:
            raise ValueError(
                f"Cannot turn the clock by {seconds} seconds: it only moves forward. "
                "Pass 0 seconds or more."
            )
        if self._follower is None:
            with self._lock:
                self._move(_us(seconds))
        else:
            # The service reads the time under its own lock, so that concurrent turns add up.
            self._follower.turn(seconds)

    def set(self, when: datetime | float) -> None:
        """Set the clock to a date, from which it runs on, unless it is held.

        A later date than the clock's is a turn: everything that falls due until then happens, each
        timeout at its own time. An earlier date is possible only before there are types or
        executions, because their time stamps would lie in the future.

        Args:
            when: a datetime with a time zone, or seconds since the epoch; to the millisecond.

        Raises:
            ValueError: the datetime has no time zone, or the clock would go back to before
                something that has happened.
        """
        if isinstance(when, datetime) and when.tzinfo is None:
            raise ValueError(
                f"Cannot set the clock to {when}: the datetime has no time zone. Pass "
                "datetime(..., tzinfo=timezone.utc)."
            )
        timestamp = when.timestamp() if isinstance(when, datetime) else float(when)
        if not 0 <= timestamp < float("inf"):
            raise ValueError(
                f"Cannot set the clock to {when}: it must be a date from 1970 on. Pass a datetime, "
                "or seconds since the epoch."
            )
        if self._follower is None:
            self.put(timestamp)
        else:
            self._follower.set_clock(timestamp)

    def put(self, timestamp: float) -> None:
        """Move the clock to a time, back or forward, without firing timeouts."""
        with self._lock:
            self._move(_us(timestamp) - self._now_us())

    def advance_to(self, timestamp: float) -> None:
        """Move the clock to a time without firing timeouts; do nothing if it is past already."""
        with self._lock:
            self._move(max(0, _us(timestamp) - self._now_us()))

    def resume(self, ahead_seconds: float, latest: float) -> None:
        """Go on as the clock of a state that was restored.

        A held clock stays where it is, and a clock that was turned stays ahead, but the clock is
        never earlier than the latest event.

        Args:
            ahead_seconds: how far the restored clock was ahead of the wall clock, in seconds;
                below 0 if it was behind.
            latest: time of the latest event, in seconds since the epoch.
        """
        with self._lock:
            if self._held_us is None:
                known, ahead = self._ahead_us, _us(ahead_seconds)
                self._ahead_us = max(known, ahead) if known else ahead
        self.advance_to(latest)

    def attach(self, follower: ClockFollower) -> None:
        """Let *follower* carry out every turn from now on."""
        self._follower = follower

    def _now_us(self) -> int:
        held = self._held_us
        return wall_us() + self._ahead_us if held is None else held

    def _move(self, microseconds: int) -> None:
        if self._held_us is not None:
            self._held_us += microseconds
        else:
            self._ahead_us += microseconds

    def _tell_follower(self) -> None:
        if self._follower is not None:
            self._follower.clock_changed()


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
