"""The heartbeats of one task, and how long it may go without an accepted one.

Only the answer to SWF's RecordActivityTaskHeartbeat tells a worker that its task is closed, or that
its cancellation was requested. A heartbeat that does not get through says nothing about the task,
so it is tried again for a while. If no heartbeat was accepted for as long as the declared heartbeat
timeout, the task counts as lost: SWF has very likely timed it out, and its retry may be running
elsewhere.

Heartbeats are throttled per account (160 a second and 2,000 at once by default), so one tight loop
must not use up the quota of the whole fleet.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.retry import Backoff, Deadline
from ...context import ActivityInfo
from ...exception import SWFError, TransientError, UnknownResourceError
from ...invocation import StatusRecord, TaskStatus
from ...logs import log_keys
from ...safe_logging import get_logger

logger = get_logger(__name__)

#: How long one call retries its heartbeat, in seconds.
TRIED_SECONDS = 5.0

#: How many heartbeats in a row go out at once; after them, one goes out each interval.
BURST = 10

#: The longest interval between two heartbeats after a burst, in seconds; a tenth of the declared
#: heartbeat timeout if that is less.
INTERVAL_SECONDS = 1.0


class Heartbeats:
    """Sends the heartbeats of one task, from the author and in the background.

    Args:
        subject: which task it is, for log lines.
        send: sends one heartbeat with its details; returns whether a cancellation was requested,
            raises ``SWFError`` if SWF did not accept it.
        status: gets SWF's answers.
        timeout_seconds: the declared heartbeat timeout, or None.
        lost_after_seconds: how long the task may go without an accepted heartbeat until it counts
            as lost; None for no limit.
        pause: waits between two tries, in seconds; returns True to give up at once.
        ended: called after each try, with the fault, or None for an accepted heartbeat.
    """

    def __init__(
        self,
        subject: ActivityInfo,
        send: Callable[[str | None], bool],
        status: StatusRecord,
        *,
        timeout_seconds: float | None = None,
        lost_after_seconds: float | None,
        pause: Callable[[float], bool],
        ended: Callable[[str | None], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        #: Which task it is.
        self.subject = subject
        self._send = send
        self._status = status
        self._lost_after_seconds = lost_after_seconds
        self._pause = pause
        self._ended = ended
        self._clock = clock
        self._lock = threading.Lock()
        self._interval_seconds = _interval_seconds(timeout_seconds)
        self._allowance = float(BURST)
        self._allowance_at = self._accepted_at = self._reported_at = clock.now()
        #: When SWF last accepted a heartbeat, by the clock; None for never.
        self.accepted_at: float | None = None
        self._refusal_logged = False
        self._stopped = False
        #: The newest details that the author gave; None before the first.
        self.details: str | None = None
        self._accepted_details: str | None = None

    def beat(self, details: str | None = None, *, now: bool = False) -> None:
        """Report progress for the author, and send a heartbeat unless too many were sent lately.

        With *now* it is sent in any case. Errors of SWF are not raised. In a tight loop most calls
        send nothing, and the newest details go out with the next heartbeat.
        """
        self.progress(details)
        with self._lock:
            at = self._clock.now()
            refilled = (at - self._allowance_at) / self._interval_seconds
            self._allowance = min(float(BURST), self._allowance + refilled)
            self._allowance_at = at
            if self._allowance < 1.0 and not now:
                return
            self._allowance = max(0.0, self._allowance - 1.0)
        self.send()

    def progress(self, details: str | None = None) -> None:
        """Note that the activity makes progress; the details go out with the next heartbeat."""
        self._reported_at = self._clock.now()
        if details is not None:
            self.details = details

    @property
    def silent_seconds(self) -> float:
        """How long ago the author last reported progress, in seconds."""
        return self._clock.now() - self._reported_at

    @property
    def unaccepted_seconds(self) -> float:
        """How long ago SWF accepted the last heartbeat, or handed the task out, in seconds."""
        return self._clock.now() - self._accepted_at

    def timeouts_known(
        self, timeout_seconds: float | None, lost_after_seconds: float | None
    ) -> None:
        """Count by the timeouts in force from now on; the arguments are the constructor's."""
        self._interval_seconds = _interval_seconds(timeout_seconds)
        self._lost_after_seconds = lost_after_seconds

    def flush(self) -> None:
        """Send the newest details, once, unless SWF has accepted them."""
        if self.details == self._accepted_details or self._status.learned is TaskStatus.CLOSED:
            return
        with contextlib.suppress(SWFError):
            self._try()

    def stop(self) -> None:
        """Send no more heartbeats: the task is settled, and must time out if it was abandoned."""
        self._stopped = True

    def send(self) -> None:
        """Send a heartbeat now, with the newest details.

        Each heartbeat repeats them, because SWF keeps only the last one's details of a task that
        times out.
        """
        if self._stopped or self._status.learned is TaskStatus.CLOSED:
            return
        try:
            cancel_requested = self._try_for_a_while()
        except UnknownResourceError:
            self._status.closed()
        except SWFError as error:
            self._log_refusal(error)
            self._judge_silence()
        else:
            self._accepted_at = self.accepted_at = self._clock.now()
            self._refusal_logged = False
            self._status.accepted(cancel_requested=cancel_requested)

    def _try_for_a_while(self) -> bool:
        deadline = Deadline(TRIED_SECONDS, clock=self._clock)
        backoff = Backoff(first_seconds=0.2, cap_seconds=1.0)
        while True:
            try:
                return self._try()
            except TransientError as error:
                pause = backoff.next_seconds()
                if pause >= (deadline.remaining_seconds() or 0.0):
                    raise
                logger.debug(
                    "Heartbeat of %s not sent (%s); trying again in %.1f s.",
                    self.subject,
                    error.fault,
                    pause,
                    extra=log_keys("heartbeat_failed", self.subject, fault=error.fault),
                )
                if self._pause(pause):
                    raise

    def _try(self) -> bool:
        details = self.details
        cancel_requested = self._told(details)
        self._accepted_details = details
        return cancel_requested

    def _told(self, details: str | None) -> bool:
        if self._ended is None:
            return self._send(details)
        fault: str | None = None
        try:
            return self._send(details)
        except BaseException as error:
            fault = error.fault if isinstance(error, SWFError) else type(error).__name__
            raise
        finally:
            self._ended(fault)

    def _judge_silence(self) -> None:
        limit = self._lost_after_seconds
        silent = limit is not None and self._clock.now() - self._accepted_at >= limit
        if silent and self._status.lost():
            logger.error(
                "No heartbeat of %s was accepted for %d s; the activity is told to give up.",
                self.subject,
                int(limit or 0),
                extra=log_keys("task_lost", self.subject),
            )

    def _log_refusal(self, error: SWFError) -> None:
        extra = log_keys("heartbeat_failed", self.subject, fault=error.fault)
        if isinstance(error, TransientError):
            logger.warning(
                "Heartbeat of %s not sent (%s); the activity goes on.",
                self.subject,
                error.fault,
                extra=extra,
            )
        elif not self._refusal_logged:
            self._refusal_logged = True
            logger.error(
                "Heartbeat of %s refused (%s); the activity goes on until its declared timeout. %s",
                self.subject,
                error.fault,
                error,
                extra=extra,
            )


def _interval_seconds(timeout_seconds: float | None) -> float:
    return min(INTERVAL_SECONDS, (timeout_seconds or INTERVAL_SECONDS * 10) / 10)
