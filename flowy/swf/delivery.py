"""One running task's way back to SWF, which goes on trying.

An answer that is not delivered leaves its task open until it times out, however well the work
was done. So an answer is tried for as long as SWF may still take it, through throttles and
outages; one that SWF refuses is followed by one that it cannot refuse; and of all who might
answer, the activity, a stop that has waited long enough, exactly one does.
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .. import reasons
from ..exception import CredentialsError, OutOfReachError, RefusedError, UnknownResourceError
from ..failure import cut_end, sendable
from ..heartbeat import Heartbeat, Verdict
from ..retry import Backoff, Deadline
from ..shutdown import StopFlag, StopLevel
from .values import MAX_HEARTBEAT_DETAILS_CHARS

logger = logging.getLogger(__name__)

#: An answer is tried until the declared start-to-close after the poll, but at least this long,
#: in seconds.
LEAST_ANSWER_SECONDS = 300

#: How long an answer is tried where no start-to-close is declared, in seconds.
UNLIMITED_ANSWER_SECONDS = 3_600

#: How much longer an answer is tried once the worker was asked to stop, where no grace was
#: given; and once the grace has ended, in seconds.
ANSWER_SECONDS_AT_STOP = 60.0
ANSWER_SECONDS_IN_A_HURRY = 5.0


class Outcome(enum.Enum):
    """What became of a task, as far as its worker knows."""

    OPEN = "open"  #: No answer yet.
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    SUSPENDED = "suspended"
    UNKNOWN_LEFT = "left to its timeout, its type is unknown"
    CLOSED = "closed already"  #: SWF had closed it before the answer, or took an earlier try.
    UNANSWERED = "not answered"  #: The answer was given up.
    FAILED_BY_STOP = "failed by the stop"
    ABANDONED = "abandoned by the stop"


class Calls(Protocol):
    """The calls by which a task is answered: ``ActivityScheduler``, or a stand-in."""

    def heartbeat(self, token: str, details: str | None = None) -> bool:
        """Send a heartbeat and return whether a cancellation was requested."""

    def complete(self, token: str, result: str) -> None:
        """Answer *completed*."""

    def fail(self, token: str, reason: str, details: str | None = None) -> None:
        """Answer *failed*."""

    def cancel(self, token: str, details: str | None = None) -> None:
        """Answer *canceled*."""


class Ledger(Protocol):
    """Where open tasks are written down, so that somebody answers if this process dies."""

    def enter(self, token: str, subject: str) -> None:
        """Write a task down before it is started."""

    def strike(self, token: str, outcome: Outcome) -> None:
        """Strike it out: it is answered, or its answer is somebody else's business."""

    def poll_lost(self, identity: str, fault: str) -> None:
        """Write down a poll that may have cost a task."""


class NoLedger:
    """For a process that nobody watches."""

    def enter(self, token: str, subject: str) -> None:
        """Write nothing."""

    def strike(self, token: str, outcome: Outcome) -> None:
        """Strike nothing."""

    def poll_lost(self, identity: str, fault: str) -> None:
        """Write nothing."""


@dataclass(frozen=True)
class StopPolicy:
    """What a stop means for what runs.

    Attributes:
        flag: raised when a stop is asked for.
        grace_seconds: how long running activities may go on from then; None for as long as they
            like.
        on_stop: ``"abandon"`` or ``"fail"`` what still runs after that.
    """

    flag: StopFlag
    grace_seconds: float | None = None
    on_stop: str = "abandon"


class TaskScheduler:
    """What an ``Activity`` answers through: ``flowy.task.Scheduler`` for one task.

    Args:
        calls: makes the calls.
        token: the task's.
        subject: names the task in log lines.
        heartbeat_seconds, start_to_close_seconds: the declared timeouts, by which heartbeats and
            answers know when to give up; None for no limit.
        policy: the worker's; an answer is not tried for ever once its flag is raised.
        ledger: where the task is written down while it is open.
    """

    def __init__(
        self,
        calls: Calls,
        token: str,
        *,
        subject: str,
        heartbeat_seconds: int | None,
        start_to_close_seconds: int | None,
        policy: StopPolicy,
        ledger: Ledger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._token = token
        self._subject = subject
        self._policy = policy
        self._stop = policy.flag
        self._ledger = ledger
        self._deadline = Deadline(
            max(start_to_close_seconds or UNLIMITED_ANSWER_SECONDS, LEAST_ANSWER_SECONDS),
            clock=clock,
        )
        self._lock = threading.Lock()
        self._answering = False
        self.heartbeats = Heartbeat(
            subject,
            lambda details: calls.heartbeat(token, details),
            timeout_seconds=heartbeat_seconds,
            lost_after_seconds=heartbeat_seconds or start_to_close_seconds,
            pause=lambda seconds: self._stop.wait(seconds, StopLevel.HURRY),
            clock=clock,
        )
        self.outcome = Outcome.OPEN
        #: What the last heartbeat of the activity's own has told it.
        self.told = Verdict.GO_ON

    def heartbeat(self, token: str, details: str | None = None, *, now: bool = False) -> Verdict:
        """Send a heartbeat and return what is known of the task after it."""
        self.heartbeats.beat(details, now=now)
        self.told = self.verdict(token)
        return self.told

    def progress(self, token: str, details: str | None = None) -> None:
        """Take note that the activity gets on."""
        self.heartbeats.progress(details)

    def verdict(self, token: str) -> Verdict:
        """Return what is known of the task, without a call to SWF."""
        verdict = self.heartbeats.verdict
        if verdict is Verdict.GO_ON and self._stop.is_set(StopLevel.HURRY):
            return Verdict.STOPPING
        return verdict

    def complete(self, token: str, result: str) -> bool:
        """Answer *completed*; a result that SWF refuses becomes a failure.

        Raises:
            TooLongError: the result is longer than 32,768 characters.
        """
        try:
            return self._deliver(Outcome.COMPLETED, lambda: self._calls.complete(token, result))
        except RefusedError as error:
            return self.fail(token, f"{reasons.RESULT_REFUSED}SWF answered {error.fault}.")

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Answer *failed*; where SWF refuses the text, with a text that it cannot refuse.

        The details of the last heartbeat stand at the end, where they are never cut.
        """
        return self._fail(Outcome.FAILED, reason, details)

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*; where SWF does not take that, *failed*."""
        try:
            return self._deliver(Outcome.CANCELED, lambda: self._calls.cancel(token, details))
        except RefusedError as error:
            reason = f"SWF did not take the cancellation ({error.fault})."
            return self.fail(token, reasons.CANCEL_NOT_REQUESTED + reason, details)

    def suspend(self, token: str) -> None:
        """Send no answer: somebody else will, by the token."""
        self._leave(Outcome.SUSPENDED)

    def leave_unknown(self) -> None:
        """Send no answer: a worker that has the type may come before the task times out."""
        self._leave(Outcome.UNKNOWN_LEFT)

    def give_up(self, token: str) -> None:
        """Deal as the stop's policy says with a task that nobody goes on with."""
        if self._policy.on_stop == "abandon":
            self._leave(Outcome.ABANDONED)
        else:
            reason = "it had not ended when the grace had."
            self._fail(Outcome.FAILED_BY_STOP, reasons.WORKER_STOPPED + reason, None)

    def dismiss(self) -> None:
        """Deal as the stop's policy says with a task that still runs; its answer comes too late.

        Nothing happens where its answer is under way.
        """
        self.give_up(self._token)

    def let_go(self) -> None:
        """The run is over: see that it has not ended without an answer."""
        if self.settled:
            return
        verdict = self.verdict(self._token)
        if verdict is Verdict.CLOSED:
            self._leave(Outcome.CLOSED)
        elif verdict is Verdict.STOPPING:
            self.give_up(self._token)
        else:
            self.fail(self._token, f"{reasons.NO_ANSWER}its call ended and had answered nothing.")

    @property
    def settled(self) -> bool:
        """Whether all is done that this worker will do for the task."""
        return self.outcome is not Outcome.OPEN

    def _fail(self, outcome: Outcome, reason: str, details: str | None) -> bool:
        last = self.heartbeats.details
        if last is not None:
            last = cut_end(sendable(last), MAX_HEARTBEAT_DETAILS_CHARS)
            details = f"{details or ''}\nLast heartbeat: {last}".lstrip("\n")
        try:
            return self._deliver(outcome, lambda: self._calls.fail(self._token, reason, details))
        except RefusedError as error:
            fault = error.fault
        logger.warning(
            "SWF refused the reason of %s (%s); it gets a plain one.", self._subject, fault
        )
        plain = f"{reasons.REASON_REFUSED}SWF answered {fault}."
        try:
            return self._deliver(outcome, lambda: self._calls.fail(self._token, plain))
        except RefusedError as error:
            self._leave(self._unanswered(error.fault))
            return False

    def _leave(self, outcome: Outcome) -> None:
        if self._claim():
            self._settle(outcome)

    def _settle(self, outcome: Outcome) -> None:
        self.heartbeats.rest()
        self._ledger.strike(self._token, outcome)
        self.outcome = outcome

    def _claim(self) -> bool:
        """Take the right to answer; False where somebody else has it."""
        with self._lock:
            if self._answering:
                return False
            self._answering = True
            return True

    def _deliver(self, outcome: Outcome, answer: Callable[[], None]) -> bool:
        """Send an answer until SWF takes it, says that the task is closed, or time is up.

        Raises:
            RefusedError, TooLongError: SWF would refuse this very answer for ever; another may
                be tried.
        """
        if not self._claim():
            logger.info("%s is answered already; a later answer is dropped.", self._subject)
            return False
        try:
            outcome = self._try(outcome, answer)
        except Exception:
            with self._lock:
                self._answering = False
            raise
        except BaseException as error:
            # Interrupted, as by a third signal: SWF may have taken it, and a failure sent after
            # it would say of a task that has ended well that it had not.
            self._settle(self._unanswered(type(error).__name__))
            raise
        self._settle(outcome)
        return outcome not in (Outcome.CLOSED, Outcome.UNANSWERED)

    def _try(self, outcome: Outcome, answer: Callable[[], None]) -> Outcome:
        backoff = Backoff(first_seconds=0.5, cap_seconds=20.0)
        tried_before = False
        while True:
            level = self._stop.level
            try:
                answer()
                return outcome
            except UnknownResourceError as error:
                return self._closed_already(tried_before or error.repeated)
            except (OutOfReachError, CredentialsError) as error:
                # Credentials are renewed and policies mended; until then the worker, which could
                # not poll either, loses nothing by waiting.
                self._hurry(level)
                pause = min(backoff.next_seconds(), self._deadline.remaining_seconds() or 0.0)
                if self._deadline.passed:
                    return self._unanswered(error.fault)
                logger.warning(
                    "Answer of %s not delivered (%s); trying again in %.1f s.",
                    self._subject,
                    error.fault,
                    pause,
                )
                tried_before = True
                if self._stop.wait(pause, StopLevel(min(level + 1, StopLevel.AT_ONCE))):
                    backoff.reset()  # the time that is left now is short

    def _hurry(self, level: StopLevel) -> None:
        if level is StopLevel.FINISH:
            grace = self._policy.grace_seconds
            patience = ANSWER_SECONDS_AT_STOP if grace is None else grace
            self._deadline.shorten(max(patience, ANSWER_SECONDS_IN_A_HURRY))
        elif level is StopLevel.HURRY:
            self._deadline.shorten(ANSWER_SECONDS_IN_A_HURRY)
        elif level is StopLevel.AT_ONCE:
            self._deadline.shorten(0.0)

    def _closed_already(self, tried_before: bool) -> Outcome:
        if tried_before:
            logger.info(
                "%s is closed: an earlier try of its answer arrived, or it timed out.",
                self._subject,
            )
        else:
            logger.warning(
                "%s was closed before its answer: it timed out, or its workflow ended.",
                self._subject,
            )
        return Outcome.CLOSED

    def _unanswered(self, fault: str) -> Outcome:
        logger.error(
            "Answer of %s given up (%s): the task stays open until it times out.",
            self._subject,
            fault,
        )
        return Outcome.UNANSWERED
