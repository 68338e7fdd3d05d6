"""Detects a blocked event loop: while one coroutine blocks it, all others wait.

A coroutine blocks the loop by waiting or by computing for long without ``await``. It cannot be
interrupted, so the log names it while it blocks.
"""

from __future__ import annotations

import sys
import traceback
from itertools import dropwhile

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..concurrency.event_loop import EventLoop
from ..logs import log_keys
from ..safe_logging import get_logger

logger = get_logger(__name__)

#: How long a coroutine may block the loop before the log names it, in seconds.
WARN_SECONDS = 5.0


class LoopWatch:
    """Checks again and again that an event loop responds; any thread may read the result.

    Args:
        loop: the loop.
        clock: measures how long it does not respond.
    """

    def __init__(self, loop: EventLoop, clock: Clock = SYSTEM_CLOCK) -> None:
        self._loop = loop
        self._clock = clock
        self._asked_at: float | None = None
        self._warned = False

    @property
    def blocked_seconds(self) -> float:
        """For how many seconds the loop has not responded; 0 if it has answered the last check."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else self._clock.now() - asked_at

    def look(self) -> None:
        """Start a check, or warn if the last one has been unanswered for too long."""
        if self._asked_at is None:
            self._asked_at = self._clock.now()
            self._loop.post(self._answer)
        elif self.blocked_seconds >= WARN_SECONDS and not self._warned:
            self._warned = True
            subject = self._loop.blocking()
            logger.warning(
                "The event loop has been blocked for %.1f s by %s, and no other coroutine can run. "
                "Move the blocking call to a thread: await asyncio.to_thread(...).\n%s",
                self.blocked_seconds,
                subject or "a callback",
                self._stack(),
                extra=log_keys(
                    "loop_blocked", getattr(subject, "info", None), seconds=self.blocked_seconds
                ),
            )

    def _answer(self) -> None:
        """Answer the check; runs on the loop."""
        blocked = self.blocked_seconds
        self._asked_at = None
        if self._warned:
            self._warned = False
            extra = log_keys("loop_unblocked", seconds=blocked)
            logger.warning("The event loop runs again after %.1f s.", blocked, extra=extra)

    def _stack(self) -> str:
        """Return the stack of the loop's thread, starting with the coroutine."""
        frame = sys._current_frames().get(self._loop.thread_id or 0)
        if frame is None:
            return "  (its thread has ended)"
        frames = traceback.extract_stack(frame)
        own = dropwhile(lambda each: not each.filename.endswith("asyncio/events.py"), frames)
        return "".join(traceback.format_list(list(own)[1:] or frames)).rstrip()
