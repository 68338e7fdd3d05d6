"""A thread that fires timeouts when they are due.

SWF's timeouts fire by themselves: SWF "adds an event to the workflow execution history" and "also
schedules a decision task" (developer guide, Amazon SWF Timeout Types). moto's timeouts fire at the
next call. But a decider that waits in a poll for ActivityTaskTimedOut makes no call, so a thread
must watch the clock.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from .clock import Clock

logger = logging.getLogger(__name__)

#: The longest wait, in seconds: SWF's clock follows the wall clock, which may be set meanwhile.
MAX_WAIT_SECONDS = 5.0

#: The shortest wait, in seconds, in which calls get the lock.
MIN_WAIT_SECONDS = 0.001


class TimeoutWatcher:
    """Calls *fire* whenever a timeout is due, on a thread of its own.

    Args:
        lock: the lock of the local SWF; *fire* is called under it.
        fire: fires every due timeout and returns the time of the next one, in seconds since the
            epoch; None if no timeout is running.
        clock: the clock that timeouts follow.
    """

    def __init__(
        self, lock: threading.RLock, fire: Callable[[], float | None], clock: Clock
    ) -> None:
        self._changed = threading.Condition(lock)
        self._fire = fire
        self._clock = clock
        self._running = False
        #: When the thread fires next, in seconds since the epoch.
        self._next = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it first fires all timeouts that fell due before."""
        self._running = True
        self._thread = threading.Thread(target=self._run, name="flowy-local-clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for its end."""
        with self._changed:
            self._running = False
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Fire now; call this when the clock changes."""
        with self._changed:
            self._changed.notify()

    def expect(self, due: float | None) -> None:
        """Wake up at *due* if that is earlier than planned; call this under the lock.

        Args:
            due: seconds since the epoch; None if no timeout is running.
        """
        if due is not None and due < self._next:
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while self._running:
                try:
                    due = self._fire()
                except Exception:
                    logger.exception("The local SWF cannot fire a timeout; it goes on without it.")
                    due = None
                left = MAX_WAIT_SECONDS if due is None else due - self._clock.now()
                if left > 0 and self._clock.held:
                    # Nothing falls due while the clock is held; a turn or release wakes us.
                    left = MAX_WAIT_SECONDS
                self._next = float("inf") if due is None else due
                self._changed.wait(max(MIN_WAIT_SECONDS, min(left, MAX_WAIT_SECONDS)))
