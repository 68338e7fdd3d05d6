"""A request to stop: a flag with three levels, safe to raise from a signal handler.

A signal handler runs between two bytecodes of the main thread, which may have acquired any lock at
that moment. A handler that acquires a lock, logs, or sets a ``threading.Event`` can deadlock, so
raising the flag only releases locks that waiters alone acquire. (A ``queue.SimpleQueue`` will not
do: until Python 3.13 its ``get(timeout)`` may wait forever if a signal comes meanwhile.)
"""

from __future__ import annotations

import contextlib
import enum
import threading

from .clock import SYSTEM_CLOCK, Clock


class StopLevel(enum.IntEnum):
    """How urgently a worker was asked to stop."""

    NONE = 0  #: Not at all.
    DRAIN = 1  #: Poll no more, and let running activities finish.
    CANCEL = 2  #: The grace is over: ``heartbeat()`` returns False, coroutines are canceled.
    KILL = 3  #: Stop waiting, even for polls.


class StopFlag:
    """A level that only rises; any thread and any signal handler may raise it."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        # A gate for each level: whoever waits for CANCEL must sleep on when DRAIN is reached.
        self._gates = {level: _Gate(clock) for level in StopLevel if level}
        #: Why each level was reached, in a few words, such as the name of a signal.
        self.causes: dict[StopLevel, str] = {}

    @property
    def level(self) -> StopLevel:
        """The level reached so far."""
        return max((level for level in self._gates if self.is_set(level)), default=StopLevel.NONE)

    def is_set(self, level: StopLevel = StopLevel.DRAIN) -> bool:
        """Return whether a stop was requested, at least as urgently as *level*."""
        return self._gates[level].is_open

    def raise_to(self, level: StopLevel, cause: str | None = None) -> None:
        """Request a stop as urgently as *level*; a level below the present one changes nothing.

        Args:
            level: how urgently.
            cause: why, in a few words; None if unknown.
        """
        for step, gate in self._gates.items():
            if step <= level and not gate.is_open:
                if cause is not None:
                    self.causes.setdefault(step, cause)
                gate.open()

    def wait(self, seconds: float | None, level: StopLevel = StopLevel.DRAIN) -> bool:
        """Sleep until *level* is reached or *seconds* have passed; return whether it is reached.

        Several threads may wait. None waits without a limit.
        """
        return self._gates[level].wait(seconds)


class _Gate:
    """Closed until it is opened, then open forever; waiters pass through one by one."""

    def __init__(self, clock: Clock) -> None:
        self.is_open = False
        self._clock = clock
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Open it; safe in a signal handler."""
        self.is_open = True
        self._release()

    def wait(self, seconds: float | None) -> bool:
        """Wait until it is open, for at most *seconds*; return whether it is open."""
        if not self.is_open and self._clock.acquire(self._lock, seconds):
            self._release()  # for the next waiter
        return self.is_open

    def _release(self) -> None:
        with contextlib.suppress(RuntimeError):  # opened twice at once: it is released already
            self._lock.release()
