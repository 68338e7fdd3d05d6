"""What a heartbeat tells, and the clock by which silence becomes a verdict.

SWF's RecordActivityTaskHeartbeat is the only way in which a worker learns that its task is
closed or that its cancellation was requested. A beat that does not get through is no verdict: it
is tried again for a while, and only when the declared heartbeat timeout has passed without one
accepted beat must the task be taken for lost, since SWF has then very likely timed it out and
its retry may be running elsewhere.
"""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable

from .exception import OutOfReachError, SWFError, UnknownResourceError
from .retry import Backoff, Deadline

logger = logging.getLogger(__name__)

#: How long one beat is tried again within its own call, in seconds.
BEAT_TRIED_SECONDS = 5.0


class Verdict(enum.Enum):
    """What is known of a task after its latest heartbeat."""

    GO_ON = "go on"
    CANCEL_REQUESTED = "its cancellation was requested"
    STOPPING = "the worker must stop"
    LOST = "no heartbeat was accepted for too long"
    CLOSED = "the task is closed"


class Heartbeat:
    """The heartbeats of one task; make it when the task starts, for its clock runs from there.

    Args:
        subject: names the task in log lines.
        lost_after_seconds: the declared heartbeat timeout, or start-to-close where there is
            none; None for never.
        pause: waits between two tries, in seconds; answers True to give up at once.
    """

    def __init__(
        self,
        subject: str,
        *,
        lost_after_seconds: float | None,
        pause: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subject = subject
        self._lost_after_seconds = lost_after_seconds
        self._pause = pause
        self._clock = clock
        self._accepted_at = clock()
        self._refusal_logged = False
        self.verdict = Verdict.GO_ON

    def beat(self, send: Callable[[], bool]) -> Verdict:
        """Send one beat and return what is known after it; never raises for SWF's sake.

        Args:
            send: makes the call; returns whether a cancellation was requested, raises
                ``SWFError`` where the beat was not accepted.
        """
        if self.verdict is Verdict.CLOSED:
            return self.verdict  # closed is closed: no need to ask again
        try:
            cancel_requested = self._try_for_a_while(send)
        except UnknownResourceError:
            self.verdict = Verdict.CLOSED
        except SWFError as error:
            self._log_refusal(error)
            self._judge_silence()
        else:
            self._accepted_at = self._clock()
            self._refusal_logged = False
            self.verdict = Verdict.CANCEL_REQUESTED if cancel_requested else Verdict.GO_ON
        return self.verdict

    def _try_for_a_while(self, send: Callable[[], bool]) -> bool:
        deadline = Deadline(BEAT_TRIED_SECONDS, clock=self._clock)
        backoff = Backoff(first_seconds=0.2, cap_seconds=1.0)
        while True:
            try:
                return send()
            except OutOfReachError as error:
                pause = backoff.next_seconds()
                left = deadline.remaining_seconds()
                if left is not None and pause >= left:
                    raise
                logger.debug(
                    "Heartbeat of %s not sent (%s); again in %.1f s.",
                    self._subject,
                    error.fault,
                    pause,
                )
                if self._pause(pause):
                    raise

    def _judge_silence(self) -> None:
        if self.verdict is Verdict.CANCEL_REQUESTED:
            return  # that stays true, however silent SWF has become
        limit = self._lost_after_seconds
        if limit is not None and self._clock() - self._accepted_at >= limit:
            if self.verdict is not Verdict.LOST:
                logger.error(
                    "No heartbeat of %s accepted for %d s; the activity is told to give up.",
                    self._subject,
                    int(limit),
                )
            self.verdict = Verdict.LOST

    def _log_refusal(self, error: SWFError) -> None:
        if isinstance(error, OutOfReachError):
            logger.warning(
                "Heartbeat of %s not sent (%s); the activity goes on.", self._subject, error.fault
            )
        elif not self._refusal_logged:
            self._refusal_logged = True
            logger.error(
                "Heartbeat of %s refused (%s); the activity goes on until its declared timeout.",
                self._subject,
                error.fault,
            )
