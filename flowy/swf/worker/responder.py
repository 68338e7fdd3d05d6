"""Delivering one answer, until SWF takes it or it is too late.

An answer that is not delivered leaves its task open until it times out, however well the work was
done. So an answer is tried for as long as SWF may still take it, through throttles and outages.
Text that SWF refuses is replaced by text that it cannot refuse.
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
from ...exception import SWFError, TooLongError, UnknownResourceError, ValidationError
from ...invocation import Canceled, Completed, Failed, TaskOutcome, cut_end, reason_of, sendable
from ...safe_logging import get_logger
from ..limits import MAX_HEARTBEAT_DETAILS_CHARS

logger = get_logger(__name__)

#: An answer is tried until the declared start-to-close after the poll, but at least for this
#: long, in seconds.
LEAST_ANSWER_SECONDS = 300

#: How long an answer is tried if no start-to-close is declared, in seconds.
UNLIMITED_ANSWER_SECONDS = 3_600

#: How much longer an answer is tried once the worker was asked to stop without a grace; and once
#: the grace is over, in seconds.
ANSWER_SECONDS_AT_STOP = 60.0
ANSWER_SECONDS_AFTER_GRACE = 5.0


@dataclass(frozen=True)
class StopPolicy:
    """What a stop means for what runs.

    Attributes:
        flag: raised when a stop is requested.
        grace_seconds: how long running activities may go on from then; None for no limit.
        on_stop: ``"abandon"`` or ``"fail"`` what still runs after that.
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
        """Cut the call that a thread makes just now."""


class Responder:
    """Delivers the answer of one task.

    Args:
        client: makes the calls.
        token: the task's.
        subject: names the task in log lines.
        start_to_close_seconds: the declared timeout; None for no limit.
        policy: the worker's; once its flag is raised, less time is left.
        clock: by which time is measured, from now on.
    """

    def __init__(
        self,
        client: AnswerCalls,
        token: str,
        *,
        subject: object,
        start_to_close_seconds: float | None,
        policy: StopPolicy,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._client = client
        self._token = token
        self._subject = subject
        self._policy = policy
        self._stop = policy.flag
        self._deadline = Deadline(
            max(start_to_close_seconds or UNLIMITED_ANSWER_SECONDS, LEAST_ANSWER_SECONDS),
            clock=clock,
        )
        self._thread: int | None = None  # the one that delivers

    def give_up(self) -> None:
        """Try no more, and cut the call that is under way; any thread may call it."""
        self._deadline.shorten(0.0)
        if self._thread is not None:
            self._client.cut_call(self._thread)

    def deliver(self, answer: Completed | Failed | Canceled) -> TaskOutcome:
        """Send an answer until SWF takes it, says that the task is closed, or time is up.

        Returns:
            What SWF was told: FAILED also if it does not take the result or the cancellation.
            CLOSED or UNANSWERED if it was told nothing.
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
        try:
            return self._try(TaskOutcome.FAILED, self._failed(reason, details))
        except ValidationError as error:
            fault = error.fault
        logger.warning(
            "SWF refused the reason of %s (%s); a plain reason is sent.", self._subject, fault
        )
        plain = f"{reasons.REASON_REFUSED}SWF answered {fault}."
        try:
            return self._try(TaskOutcome.FAILED, self._failed(plain, None))
        except ValidationError as error:
            return self._given_up(error.fault)

    def _failed(self, reason: str, details: str | None) -> Callable[[], None]:
        return functools.partial(
            self._client.respond_activity_task_failed, self._token, reason, details
        )

    def _try(self, outcome: TaskOutcome, call: Callable[[], None]) -> TaskOutcome:
        """Make a call until it is taken.

        Raises:
            ValidationError, TooLongError: SWF would refuse this very answer for ever; another
                one may be tried.
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
                # It may pass: credentials are renewed, policies fixed. Until then the worker
                # could not poll either, and loses nothing by waiting.
                self._shorten_deadline(level)
                pause = min(backoff.next_seconds(), self._deadline.remaining_seconds() or 0.0)
                if self._deadline.passed:
                    return self._given_up(error.fault)
                logger.warning(
                    "Answer of %s not delivered (%s); trying again in %.1f s.",
                    self._subject,
                    error.fault,
                    pause,
                )
                tried_before = True
                if self._stop.wait(pause, StopLevel(min(level + 1, StopLevel.KILL))):
                    backoff.reset()  # the time that is left now is short

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
            )
        else:
            logger.warning(
                "%s was closed before its answer: it timed out, or its workflow ended.",
                self._subject,
            )
        return TaskOutcome.CLOSED

    def _given_up(self, fault: str) -> TaskOutcome:
        logger.error(
            "Answer of %s given up (%s): the task stays open until it times out.",
            self._subject,
            fault,
        )
        return TaskOutcome.UNANSWERED


def with_last_heartbeat(answer: Failed, last: str | None) -> Failed:
    """Return a failure whose details end with those of the last heartbeat, never cut off.

    Args:
        answer: the failure.
        last: the details of the last heartbeat, in any length; None for none.
    """
    if last is None:
        return answer
    last = cut_end(sendable(last), MAX_HEARTBEAT_DETAILS_CHARS)
    details = f"{answer.details or ''}\nLast heartbeat: {last}".lstrip("\n")
    return Failed(answer.reason, details, answer.error)
