"""Detects a blocked event loop: while one coroutine blocks it, all others wait.

A coroutine blocks the loop by waiting or by computing for long without ``await``. It cannot be
interrupted, so the log names it while it blocks. Several may block in turn, so that the one that
runs when the time is over is perhaps not the one that took it: each look notes which one runs.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from traceback import StackSummary

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..concurrency.event_loop import EventLoop
from ..concurrency.loop_step import LoopStep
from ..logs import log_keys
from ..safe_logging import get_logger
from .subjects import Subject, subject_of_step

logger = get_logger(__name__)

#: How long a coroutine may block the loop before the log names it, in seconds.
WARN_SECONDS = 5.0

#: How many coroutines a line names.
NAMED = 3


@dataclass
class Blocker:
    """What runs on a loop that does not respond: an activity, or something without one.

    Attributes:
        subject: what it is.
        stack: its frames at the last look.
        seconds: about how long it has run.
    """

    subject: Subject
    stack: StackSummary
    seconds: float = 0.0


class LoopWatch:
    """Checks again and again that an event loop responds; any thread may read the result.

    Args:
        loop: the loop.
        clock: measures how long it does not respond.
    """

    def __init__(self, loop: EventLoop, clock: Clock = SYSTEM_CLOCK) -> None:
        self._loop = loop
        self._clock = clock
        #: Locked to look and to answer, so that one block is never reported in the wrong order.
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._looked_at = 0.0
        self._blockers: dict[str, Blocker] = {}
        self._seen: Blocker | None = None
        self._warned = False

    @property
    def blocked_seconds(self) -> float:
        """For how many seconds the loop has not responded; 0 if it has answered the last check."""
        asked_at = self._asked_at
        if asked_at is None or self._loop.has_ended:
            return 0.0
        return self._clock.now() - asked_at

    @property
    def blocked_by(self) -> str | None:
        """What has blocked the loop for longest; None if it has answered the last check."""
        # Without the lock, which a log handler that hangs may keep locked.
        ordered = self._ordered()
        return ordered[0].subject.name if ordered and self.blocked_seconds > 0 else None

    def look(self) -> None:
        """Start a check, or note what blocks the loop, and warn if it has for too long."""
        with self._lock:
            if self._loop.has_ended:
                return
            if self._asked_at is None:
                self._ask()
                return
            self._note()
            # Nothing is seen if other threads have kept the interpreter from the loop's.
            if self.blocked_seconds >= WARN_SECONDS and self._blockers and not self._warned:
                self._warn()

    def _ask(self) -> None:
        self._blockers, self._seen = {}, None
        self._asked_at = self._looked_at = self._clock.now()
        self._note()
        self._loop.post(self._answer)

    def _answer(self) -> None:
        """Answer the check; runs on the loop."""
        with self._lock:
            blocked = self.blocked_seconds
            self._asked_at = None
            if self._warned:
                self._warned = False
                self._add(self._clock.now(), self._seen)
                by = f", {self._shares()}" if len(self._blockers) > 1 else ""
                keys = log_keys("loop_unblocked", self._ordered()[0].subject.info, seconds=blocked)
                logger.warning("The event loop runs again after %.1f s%s.", blocked, by, extra=keys)

    def _warn(self) -> None:
        self._warned = True
        longest, seconds = self._ordered()[0], self.blocked_seconds
        logger.warning(
            "The event loop has been blocked for %.1f s%s, and no other coroutine can run. "
            "Move the blocking call to a thread: await asyncio.to_thread(...).\n%s",
            seconds,
            f", {self._shares()}" if len(self._blockers) > 1 else f" by {longest.subject.name}",
            "".join(longest.stack.format()).rstrip(),
            extra=log_keys("loop_blocked", longest.subject.info, seconds=seconds),
        )

    def _note(self) -> None:
        """Note what runs on the loop."""
        now, step = self._clock.now(), self._loop.step()
        seen = None if step is None else self._blocker(step)
        self._add(now, seen)
        self._seen = seen

    def _add(self, now: float, seen: Blocker | None) -> None:
        """Give the time since the last look to what was seen then and what is seen now, by half."""
        found = [each for each in (self._seen, seen) if each is not None]
        for each in found:
            each.seconds += (now - self._looked_at) / len(found)
        self._looked_at = now

    def _blocker(self, step: LoopStep) -> Blocker:
        """Return the record of what runs, by its activity if it belongs to one."""
        subject = subject_of_step(self._loop, step)
        found = self._blockers.setdefault(subject.owner, Blocker(subject, step.stack))
        found.subject, found.stack = subject, step.stack
        return found

    def _ordered(self) -> list[Blocker]:
        """Return all that was seen, what has run for longest first."""
        return sorted(self._blockers.values(), key=lambda each: -each.seconds)

    def _shares(self) -> str:
        """Return how long each has run, the longest first."""
        ordered = self._ordered()
        shares = [(each.seconds, each.subject.name) for each in ordered[:NAMED]]
        if ordered[NAMED:]:
            shares.append((sum(each.seconds for each in ordered[NAMED:]), "others"))
        said = [f"{seconds:.1f} s by {name}" for seconds, name in shares]
        return f"about {', '.join(said)}"
