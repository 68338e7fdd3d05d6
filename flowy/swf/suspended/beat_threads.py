"""Threads in which heartbeats are sent, a few at once.

A hanging call to SWF takes up to a minute with all its attempts. If there were only one thread,
such a call would delay the heartbeats of all other tasks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...concurrency.threads import Threads

#: How many heartbeats are sent at once, at most; a client needs as many connections.
BEATS_AT_ONCE = 8


class BeatThreads:
    """Runs up to ``BEATS_AT_ONCE`` callables at once; one thread submits them."""

    def __init__(self) -> None:
        self._threads = Threads(BEATS_AT_ONCE, "flowy-keeper")
        self._changed = threading.Condition()
        self._running = 0

    def wait_for_free(self, seconds: float) -> bool:
        """Return whether a thread is free, or becomes free within *seconds*."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running < BEATS_AT_ONCE, seconds)

    def wait_for_all(self) -> None:
        """Wait until all submitted calls have ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0)

    def submit(self, call: Callable[[], object]) -> None:
        """Run *call* in a free thread."""

        def run() -> None:
            """Make the call, then free the thread."""
            try:
                call()
            finally:
                with self._changed:
                    self._running -= 1
                    self._changed.notify_all()

        with self._changed:
            self._running += 1
        self._threads.submit(run)

    def close(self) -> None:
        """Let the threads end when they are free."""
        self._threads.close()
