"""The timekeeper: fires timeouts when they are due.

SWF's timeouts happen on their own: it "adds an event to the workflow execution history" and
"also schedules a decision task" (developer guide, Amazon SWF Timeout Types); moto's happen at
the next call.  A decider that
waits in a poll for ActivityTaskTimedOut makes no call, so someone has to look at the
clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from flowy.local.clock import Clock

logger = logging.getLogger(__name__)

#: Longest sleep, in seconds: the wall clock, by which SWF's timeouts run, may be set.
LOOK_SECONDS = 5.0


class Timekeeper:
    """A thread that runs while the local SWF does.

    Args:
        lock: the local SWF's one lock.
        fire: fires all that is due, with the lock held, and says when to look again
            (seconds since the epoch), or None where nothing is scheduled.
        clock: by which it is due.
    """

    def __init__(
        self, lock: threading.RLock, fire: Callable[[], float | None], clock: Clock
    ) -> None:
        self._changed = threading.Condition(lock)
        self._fire = fire
        self._clock = clock
        self._running = False
        #: When it looks again, in seconds since the epoch.
        self._until = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; what fell due meanwhile is fired at once."""
        self._running = True
        self._thread = threading.Thread(target=self._run, name="flowy-local-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and return once it has."""
        with self._changed:
            self._running = False
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def look(self) -> None:
        """Something happened that may have moved the next timeout."""
        with self._changed:
            self._changed.notify()

    def expect(self, due: float | None) -> None:
        """Something may be due earlier than it was; call it with the lock held."""
        if due is not None and due < self._until:
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while self._running:
                try:
                    due = self._fire()
                except Exception:
                    logger.exception("A timeout broke the local SWF; it goes on without it.")
                    due = None
                left = LOOK_SECONDS if due is None else due - self._clock.now()
                if left > 0 and self._clock.held:
                    # Time stands still; whoever moves it says so.
                    left = LOOK_SECONDS
                self._until = float("inf") if due is None else due
                self._changed.wait(max(0.0, min(left, LOOK_SECONDS)))
