"""Distinguishes trouble with one task's heartbeat from an SWF that is out of reach.

While SWF is out of reach, every heartbeat fails after several slow attempts. Then one heartbeat at
a time is enough to notice when SWF is back, and a log line for each task would add nothing.
"""

from __future__ import annotations

import threading

from ...exception import SWFError, TransientError
from ...logs import log_keys
from ...safe_logging import get_logger
from ...tokens import SuspendedTask
from .schedule import RETRY_SECONDS

logger = get_logger(__name__)

#: After this many heartbeats in a row that did not get through, SWF counts as out of reach.
FAILURES_IN_A_ROW = 5


class OutageDetector:
    """Counts the heartbeats in a row that did not get through; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._error: SWFError | None = None

    @property
    def is_out_of_reach(self) -> bool:
        """Whether SWF is out of reach for all tasks, not only for some."""
        return self._failures >= FAILURES_IN_A_ROW

    def raise_if_out_of_reach(self) -> None:
        """Raise the error of the last heartbeat if SWF is out of reach."""
        with self._lock:
            if self.is_out_of_reach and self._error is not None:
                raise self._error

    def got_through(self) -> None:
        """Note that SWF answered a heartbeat, with whatever answer."""
        with self._lock:
            was_out_of_reach, self._failures = self.is_out_of_reach, 0
        if was_out_of_reach:
            logger.info("SWF takes heartbeats again.")

    def not_sent(self, task: SuspendedTask, error: SWFError) -> None:
        """Note that the heartbeat of *task* did not get through, because of *error*.

        Wrong credentials and settings fail the heartbeats of all tasks: one failure tells enough.
        """
        passes = isinstance(error, TransientError)
        with self._lock:
            was_out_of_reach = self.is_out_of_reach
            self._failures += 1 if passes else FAILURES_IN_A_ROW
            self._error = error
            failures = self._failures
        if was_out_of_reach:
            return
        if not passes:
            logger.error(
                "No heartbeat can be sent: %s. Until one can, only one is tried every few seconds.",
                str(error).rstrip("."),
                extra=log_keys("heartbeat_failed", fault=error.fault),
            )
            return
        if failures <= FAILURES_IN_A_ROW:
            logger.warning(
                "Heartbeat of %s, task %s, not sent (%s). Trying again in %.0f s.",
                task,
                task.id,
                error.fault,
                RETRY_SECONDS,
                extra=log_keys("heartbeat_failed", task.info, fault=error.fault),
            )
        if failures == FAILURES_IN_A_ROW:
            logger.warning(
                "%d heartbeats in a row did not get through; the last error: %s Until one does, "
                "only one is sent every few seconds.",
                failures,
                error,
                extra=log_keys("heartbeat_failed", fault=error.fault),
            )
