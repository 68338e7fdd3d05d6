"""Delivers one answer, until SWF takes it or it is too late.

A task whose answer is not delivered stays open until it times out, however well the work was done.
So an answer is retried for as long as SWF may still take it, through throttling and outages. Text
that SWF refuses is replaced by text that it cannot refuse.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from ... import reasons
from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.retry import Backoff, Deadline
from ...concurrency.stop import StopFlag, StopLevel
from ...context import ActivityInfo
from ...exception import SWFError, TooLongError, UnknownResourceError, ValidationError
from ...invocation import (
    Answer,
    Canceled,
    Completed,
    Failed,
    HandedOver,
    NoAnswer,
    Sealing,
    TaskOutcome,
    TaskStatus,
    reason_of,
    sealed_answer,
)
from ...logs import log_keys
from ...safe_logging import get_logger
from .last_heartbeat import with_last_heartbeat

logger = get_logger(__name__)

#: An answer is tried until the declared start-to-close after the poll, but at least for this
#: long, in seconds.
LEAST_ANSWER_SECONDS = 300

#: How long an answer is tried if no start-to-close is declared, in seconds.
UNLIMITED_ANSWER_SECONDS = 3_600

#: How much longer than the timeouts in force an answer is tried, if they are known, in seconds.
ANSWER_SECONDS_AFTER_DEADLINE = 5.0

#: How much longer an answer is tried after a stop was requested without a grace, and after the
#: grace is over, in seconds.
ANSWER_SECONDS_AT_STOP = 60.0
ANSWER_SECONDS_AFTER_GRACE = 5.0


@dataclass(frozen=True)
class StopPolicy:
    """How a stop treats running activities.

    Attributes:
        flag: raised when a stop is requested.
        grace_seconds: how long running activities may go on after that; None for no limit.
        on_stop: ``"abandon"`` or ``"fail"`` those that still run after the grace.
    """

    flag: StopFlag
    grace_seconds: float | None = None
    on_stop: Literal["abandon", "fail"] = "abandon"


class AnswerCalls(Protocol):
    """The calls that end a task: those of ``SWFClient``."""

    def respond_activity_task_completed(self, token: str, result: str) -> None:
        """Answer *completed*."""

    def respond_activity_task_failed(
        self, token: str, reason: str, details: str | None = None
    ) -> None:
        """Answer *failed*."""

    def respond_activity_task_canceled(self, token: str, details: str | None = None) -> None:
        """Answer *canceled*."""

    def cut_call(self, thread: int) -> None:
        """Cut the call that a thread is making."""


class Responder:
    """Delivers the answer of one task.

    Args:
        client: makes the calls.
        token: the task's token.
        subject: the task, for log lines.
        start_to_close_seconds: the declared timeout; None for no limit.
        policy: the worker's policy; when its flag is raised, less time is left.
        sealing: seals the details of failures and cancellations; None leaves them as they are.
        clock: measures the time, from now on.
    """

    def __init__(
        self,
        client: AnswerCalls,
        token: str,
        *,
        subject: ActivityInfo,
        start_to_close_seconds: float | None,
        policy: StopPolicy,
        sealing: Sealing | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._client = client
        self._token = token
        self._subject = subject
        self._policy = policy
        self._stop = policy.flag
        self._sealing = sealing
        self._clock = clock
        self._deadline = Deadline(
            max(start_to_close_seconds or UNLIMITED_ANSWER_SECONDS, LEAST_ANSWER_SECONDS),
            clock=clock,
        )
        self._thread: int | None = None  # the thread that delivers
        #: The reason of the failure that was sent to SWF; None without a failure.
        self.reason: str | None = None

    def task_ends_in(self, seconds: float | None) -> None:
        """Try the answer until the task times out, in *seconds* from now; None for no limit."""
        left = UNLIMITED_ANSWER_SECONDS if seconds is None else seconds
        self._deadline = Deadline(left + ANSWER_SECONDS_AFTER_DEADLINE, clock=self._clock)

    def give_up(self) -> None:
        """Stop trying, and cut the call that is under way; any thread may call this."""
        self._deadline.shorten(0.0)
        if self._thread is not None:
            self._client.cut_call(self._thread)

    def respond(self, answer: Answer, last_heartbeat: str | None) -> TaskOutcome:
        """Deliver the answer of a run, if it has one.

        Args:
            answer: the answer.
            last_heartbeat: the details of the last heartbeat, which those of a failure repeat.

        Returns:
            As ``deliver``; or the outcome of a task that gets no answer.
        """
        if isinstance(answer, NoAnswer):
            if answer.why is not TaskStatus.STOPPING:
                return TaskOutcome.CLOSED
            if self._policy.on_stop == "abandon":
                return TaskOutcome.ABANDONED
            reason = f"{reasons.WORKER_STOPPED}the activity was still running after the grace."
            told = self._deliver_sealed(with_last_heartbeat(Failed(reason), last_heartbeat))
            return TaskOutcome.FAILED_BY_STOP if told is TaskOutcome.FAILED else told
        if isinstance(answer, Failed):
            return self._deliver_sealed(with_last_heartbeat(answer, last_heartbeat))
        if isinstance(answer, Canceled):
            return self._deliver_sealed(answer)
        if isinstance(answer, Completed):
            return self.deliver(answer)
        return TaskOutcome.HANDED_OVER if isinstance(answer, HandedOver) else TaskOutcome.SUSPENDED

    def _deliver_sealed(self, answer: Failed | Canceled) -> TaskOutcome:
        sealing = self._sealing
        return self.deliver(answer if sealing is None else sealed_answer(sealing, answer))

    def deliver(self, answer: Completed | Failed | Canceled) -> TaskOutcome:
        """Send an answer until SWF takes it, says that the task is closed, or time is up.

        Returns:
            The answer that SWF took; FAILED also if it refused the result or the cancellation.
            CLOSED or UNANSWERED if it took none.
        """
        self._thread = threading.get_ident()
        if isinstance(answer, Completed):
            call = functools.partial(
                self._client.respond_activity_task_completed, self._token, answer.result
            )
            try:
                return self._try(TaskOutcome.COMPLETED, call)
            except TooLongError as error:
                return self._fail(reasons.RESULT_TOO_LONG + reason_of(error))
            except ValidationError as error:
                return self._fail(f"{reasons.RESULT_REFUSED}SWF answered {error.fault}.")
        if isinstance(answer, Canceled):
            call = functools.partial(
                self._client.respond_activity_task_canceled, self._token, answer.details
            )
            try:
                return self._try(TaskOutcome.CANCELED, call)
            except ValidationError as error:
                reason = f"SWF did not take the cancellation ({error.fault})."
                return self._fail(reasons.CANCEL_NOT_REQUESTED + reason, answer.details)
        return self._fail(answer.reason, answer.details)

    def _fail(self, reason: str, details: str | None = None) -> TaskOutcome:
        self.reason = reason
        try:
            return self._try(TaskOutcome.FAILED, self._failed(reason, details))
        except ValidationError as error:
            fault = error.fault
        logger.warning(
            "SWF refused the reason of %s (%s); sending a plain reason.",
            self._subject,
            fault,
            extra=log_keys("answer_failed", self._subject, fault=fault),
        )
        self.reason = plain = f"{reasons.REASON_REFUSED}SWF answered {fault}."
        try:
            return self._try(TaskOutcome.FAILED, self._failed(plain, None))
        except ValidationError as error:
            return self._given_up(error)

    def _failed(self, reason: str, details: str | None) -> Callable[[], None]:
        return functools.partial(
            self._client.respond_activity_task_failed, self._token, reason, details
        )

    def _try(self, outcome: TaskOutcome, call: Callable[[], None]) -> TaskOutcome:
        """Make a call until it is taken.

        Raises:
            ValidationError, TooLongError: SWF will never take this answer; another one may be
                tried.
        """
        backoff = Backoff(first_seconds=0.5, cap_seconds=20.0)
        tried_before = False
        while True:
            level = self._stop.level
            try:
                call()
                return outcome
            except UnknownResourceError as error:
                return self._closed_already(tried_before or error.repeated)
            except ValidationError:
                raise
            except SWFError as error:
                # Any other error may be transient: credentials are renewed, policies fixed. Until
                # then the worker could not poll either, so waiting costs nothing.
                self._shorten_deadline(level)
                pause = min(backoff.next_seconds(), self._deadline.remaining_seconds() or 0.0)
                if self._deadline.passed:
                    return self._given_up(error)
                logger.warning(
                    "Answer of %s not delivered (%s); trying again in %.1f s.",
                    self._subject,
                    error.fault,
                    pause,
                    extra=log_keys("answer_failed", self._subject, fault=error.fault),
                )
                tried_before = True
                if self._stop.wait(pause, StopLevel(min(level + 1, StopLevel.KILL))):
                    backoff.reset()  # little time is left now

    def _shorten_deadline(self, level: StopLevel) -> None:
        if level is StopLevel.DRAIN:
            grace = self._policy.grace_seconds
            patience = ANSWER_SECONDS_AT_STOP if grace is None else grace
            self._deadline.shorten(max(patience, ANSWER_SECONDS_AFTER_GRACE))
        elif level is StopLevel.CANCEL:
            self._deadline.shorten(ANSWER_SECONDS_AFTER_GRACE)
        elif level is StopLevel.KILL:
            self._deadline.shorten(0.0)

    def _closed_already(self, tried_before: bool) -> TaskOutcome:
        if tried_before:
            logger.info(
                "%s is closed: an earlier try of its answer arrived, or it timed out.",
                self._subject,
                extra=log_keys("task_closed", self._subject),
            )
        else:
            logger.warning(
                "%s was closed before its answer: it timed out, or its workflow ended.",
                self._subject,
                extra=log_keys("task_closed", self._subject),
            )
        return TaskOutcome.CLOSED

    def _given_up(self, error: SWFError) -> TaskOutcome:
        logger.error(
            "Answer of %s given up (%s): the task stays open until it times out. %s",
            self._subject,
            error.fault,
            error,
            extra=log_keys("answer_failed", self._subject, fault=error.fault),
        )
        return TaskOutcome.UNANSWERED
