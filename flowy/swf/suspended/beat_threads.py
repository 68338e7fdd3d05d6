"""Threads in which heartbeats are sent, a few at once.

A call to SWF that hangs takes up to a minute with all its attempts. In one thread it would delay
the heartbeats of all other tasks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...concurrency.threads import Threads

#: How many heartbeats are sent at once, at most. A client needs as many connections.
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
        """Wait until all that was submitted has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0)

    def submit(self, call: Callable[[], object]) -> None:
        """Run *call* in a free thread."""

        def run() -> None:
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
