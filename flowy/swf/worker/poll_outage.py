"""Logs failed polls in a few lines, however many pollers a worker has.

While SWF is out of reach, throttles or refuses, every poll of every poller fails. The log gets one
line at the start of such an outage, one each minute while it lasts, and one at its end.
"""

from __future__ import annotations

import logging
import threading

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...exception import LimitExceededError, SWFError, TransientError
from ...logs import log_keys
from ...nouns import counted
from ...safe_logging import get_logger

logger = get_logger(__name__)

#: The time between two log lines while an outage lasts, in seconds.
SAY_SECONDS = 60.0

#: Polls that fail within this time after an answer, in seconds, belong to the same outage, because
#: a throttle lets some polls through.
PAUSE_SECONDS = 10.0

_TOO_MANY_POLLS = " More than 1,000 polls are open on the task list: run fewer workers."


class PollOutage:
    """The failed polls of all pollers of one worker; any thread may use it.

    Args:
        task_list: the task list of the polls.
        place: a sentence with region and endpoint, after a space; empty if not known.
        clock: measures the time.
    """

    def __init__(self, task_list: str, place: str = "", *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._task_list = task_list
        self._place = place
        self._clock = clock
        self._lock = threading.Lock()
        self._lasts = False
        self._began_at = self._over_at = self._said_at = float("-inf")
        self._level = logging.NOTSET  # the highest of the lines about this outage
        self._is_told = False  # whether to log its end, too
        self._failed = 0

    def failed(self, error: SWFError, pause_seconds: float) -> None:
        """Note that a poll failed and is tried again after a pause; log it if a line is due."""
        level = logging.WARNING if isinstance(error, TransientError) else logging.ERROR
        with self._lock:
            now = self._clock.now()
            if not self._lasts and now - self._over_at > PAUSE_SECONDS:
                self._began_at, self._failed, self._level = now, 0, logging.NOTSET
            self._lasts = True
            self._failed += 1
            if level <= self._level and now - self._said_at < SAY_SECONDS:
                logger.debug("Poll failed again (%s).", error.fault)
                return
            self._level, self._said_at, self._is_told = max(level, self._level), now, True
            seconds, failed = now - self._began_at, self._failed
        text = self._text_of(error)
        extra = log_keys("poll_failed", seconds=seconds, fault=error.fault)
        if failed > 1:
            logger.log(
                level,
                "Polls of task list %s have failed for %.0f s, %s so far. The last one (%s): %s",
                self._task_list,
                seconds,
                f"{failed:,}",
                error.fault,
                text,
                extra=extra,
            )
        else:
            logger.log(
                level,
                "Poll failed (%s): %s Polling again in %.1f s.",
                error.fault,
                text,
                pause_seconds,
                extra=extra,
            )

    def _text_of(self, error: SWFError) -> str:
        """Return the error's text, with the place that was polled and with a way out."""
        text = str(error).rstrip(".") + "."
        if self._place.strip() not in text:
            text += self._place
        return text + _TOO_MANY_POLLS if isinstance(error, LimitExceededError) else text

    def answered(self, began_at: float) -> None:
        """Note that SWF answered a poll, which was sent at *began_at* by the clock.

        A poll that was sent before the outage does not end it: SWF keeps polls open for a minute.
        """
        if not self._lasts:
            return
        with self._lock:
            if not self._lasts or began_at < self._began_at:
                return
            self._lasts = False
            self._over_at = self._clock.now()
            if not self._is_told:
                return
            self._is_told = False
            seconds, failed = self._over_at - self._began_at, self._failed
        logger.warning(
            "Polling %s works again after %.0f s; %s.",
            self._task_list,
            seconds,
            counted(failed, "poll had failed", "polls had failed"),
            extra=log_keys("poll_recovered", seconds=seconds),
        )
