"""Logs each level of a stop at once, and then every 15 s what the stop still waits for.

SWF cannot cancel a poll, so a stop may take a minute in which nothing happens. Whoever pressed
Ctrl-C must see that the worker is stopping, what it waits for, and how to speed it up.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.stop import StopFlag, StopLevel
from ...logs import log_keys
from ...nouns import counted
from ...safe_logging import get_logger

logger = get_logger(__name__)

#: The time between two lines about a stop, in seconds.
SAY_SECONDS = 15.0

#: How long SWF keeps a poll open, in seconds.
POLL_HELD_SECONDS = 60

#: The most activities that one line names.
NAMED = 10

_WORDS = {
    StopLevel.DRAIN: "Stopping",
    StopLevel.CANCEL: "Canceling",
    StopLevel.KILL: "Ending now",
}

#: The effects of the next signals, if signals stop the worker.
_NEXT = {
    StopLevel.DRAIN: " Again: cancel what runs. A third time: end now.",
    StopLevel.CANCEL: " Again: end now.",
    StopLevel.KILL: "",
}


@dataclass(frozen=True)
class Awaited:
    """The work that a stop waits for.

    Attributes:
        activities: the tasks that are not settled, as texts.
        polls: the number of polls that are out.
        processes: the number of worker processes that have not ended; None in a worker process.
    """

    activities: tuple[str, ...] = ()
    polls: int = 0
    processes: int | None = None

    def text(self, grace_seconds: float | None = None, polls_seconds: float = 0.0) -> str:
        """Return the awaited work as a text, with the limits on the wait.

        Args:
            grace_seconds: how long activities may go on; None for no limit.
            polls_seconds: how long SWF keeps the polls open; 0 if the stop does not wait for them,
                or if that time is over.
        """
        running = counted(len(self.activities), "activity runs", "activities run")
        parts = [running if self.activities else "no activity runs"]
        if self.activities and grace_seconds is not None:
            parts[0] += f", up to {grace_seconds:.0f} s"
        if self.polls:
            out = counted(self.polls, "poll is out", "polls are out")
            parts.append(f"{out}, up to {polls_seconds:.0f} s" if polls_seconds >= 1 else out)
        if self.processes is not None:
            parts.append(counted(self.processes, "process has", "processes have") + " not ended")
        return ", ".join(parts)

    @property
    def names(self) -> str:
        """The activities, in parentheses after a space; empty if there are none."""
        if not self.activities:
            return ""
        more = len(self.activities) - NAMED
        shown = [*self.activities[:NAMED], *([f"and {more:,} more"] if more > 0 else [])]
        return f" ({', '.join(shown)})"


class StopLog:
    """Logs what a stop does and what it waits for.

    Args:
        flag: the stop flag of the worker.
        awaited: returns the work that the stop waits for now.
        grace_seconds: how long running activities may go on; None for no limit.
        cancel_seconds: how long they may take to end after that.
        is_over: tells whether the worker has ended; then nothing more is logged.
        level: the log level; DEBUG in a worker process, because its supervisor logs the same.
    """

    def __init__(
        self,
        flag: StopFlag,
        awaited: Callable[[], Awaited],
        *,
        grace_seconds: float | None,
        cancel_seconds: float,
        is_over: Callable[[], bool],
        level: int = logging.INFO,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._flag = flag
        self._awaited = awaited
        self._seconds = {StopLevel.DRAIN: grace_seconds, StopLevel.CANCEL: cancel_seconds}
        self._is_over = is_over
        self._level = level
        self._clock = clock
        self._began_at: float | None = None

    def reached(self, level: StopLevel) -> None:
        """Log that the stop has reached *level*, and what it waits for.

        A level is not logged if a later one has been reached already. The first level also starts a
        thread that logs every 15 s what the stop still waits for.
        """
        if self._began_at is None:
            self._began_at = self._clock.now()
        if not self._is_over() and self._flag.level <= level:
            cause = self._flag.causes.get(level)
            polls = 0.0 if level is StopLevel.KILL else self._polls_seconds
            logger.log(
                self._level,
                "%s%s: %s.%s",
                _WORDS[level],
                f" ({cause})" if cause else "",
                self._awaited().text(self._seconds.get(level), polls),
                _NEXT[level] if cause and cause.startswith("SIG") else "",
                extra=log_keys("stop_requested"),
            )
        if level is StopLevel.DRAIN:
            with contextlib.suppress(RuntimeError):  # the stop goes on without the thread
                threading.Thread(target=self._go_on, name="flowy-stop-log", daemon=True).start()

    def _go_on(self) -> None:
        while not self._flag.wait(SAY_SECONDS, StopLevel.KILL) and not self._is_over():
            awaited, seconds = self._awaited(), self._seconds_so_far
            logger.log(
                self._level,
                "Still stopping after %.0f s: %s%s.",
                seconds,
                awaited.text(None, self._polls_seconds),
                awaited.names,
                extra=log_keys("stop_waiting", seconds=seconds),
            )

    @property
    def _seconds_so_far(self) -> float:
        return self._clock.now() - (self._began_at or 0.0)

    @property
    def _polls_seconds(self) -> float:
        """How long SWF may keep the polls open that went out before the stop."""
        return max(POLL_HELD_SECONDS - self._seconds_so_far, 0.0)
