"""The way back to SWF: heartbeat, complete, fail, cancel, by token.

``ActivityScheduler`` makes one call and says what came of it. ``TaskScheduler`` is one running
task's: it goes on trying, for an answer that is not delivered leaves the task open until it
times out, however well the work was done. ``AsyncScheduler`` is for whoever finishes suspended
tasks.
"""

from __future__ import annotations

import enum
import logging
import time
from collections.abc import Callable
from typing import Any

from .. import reasons
from ..exception import (
    CredentialsError,
    OutOfReachError,
    RefusedError,
    TooLongError,
    UnknownResourceError,
)
from ..failure import cut_end, cut_start, sendable
from ..heartbeat import Heartbeat, Verdict
from ..retry import Backoff, Deadline
from ..shutdown import StopFlag, StopLevel
from ..transport import encode_result
from .client import SWFClient
from .values import (
    MAX_DETAILS_CHARS,
    MAX_HEARTBEAT_DETAILS_CHARS,
    MAX_REASON_CHARS,
    MAX_RESULT_CHARS,
    MAX_TOKEN_CHARS,
    ActivityDefaults,
)

logger = logging.getLogger(__name__)

#: An answer is tried until the declared start-to-close after the poll, but at least this long,
#: in seconds.
LEAST_ANSWER_SECONDS = 300

#: How long an answer is tried where no start-to-close is declared, in seconds.
UNLIMITED_ANSWER_SECONDS = 3_600

#: How much longer an answer is tried once the worker was asked to stop, in seconds.
ANSWER_SECONDS_AT_STOP = {StopLevel.FINISH: 60.0, StopLevel.HURRY: 5.0, StopLevel.AT_ONCE: 0.0}


class ActivityScheduler:
    """One call each, in wire text; what is too long is cut, but a result is not.

    Raises, from each method:
        UnknownResourceError: the task is closed.
        OutOfReachError: SWF could not be reached, or throttled.
        RefusedError: SWF cannot read the token, or refuses the caller.
    """

    def __init__(self, client: SWFClient) -> None:
        self._client = client

    def heartbeat(self, token: str, details: str | None = None) -> bool:
        """Send a heartbeat and return whether the task's cancellation was requested."""
        if details is not None:
            details = cut_end(sendable(details), MAX_HEARTBEAT_DETAILS_CHARS)
        return self._client.record_activity_task_heartbeat(_checked(token), details)

    def complete(self, token: str, result: str) -> None:
        """Answer *completed*.

        Raises:
            TooLongError: the result is longer than 32,768 characters.
        """
        if len(result) > MAX_RESULT_CHARS:
            raise TooLongError(
                f"the result has {len(result):,} characters, SWF takes {MAX_RESULT_CHARS:,}. "
                "Store it elsewhere and return where it is.",
                length=len(result),
                limit=MAX_RESULT_CHARS,
            )
        self._client.respond_activity_task_completed(_checked(token), sendable(result))

    def fail(self, token: str, reason: str, details: str | None = None) -> None:
        """Answer *failed*; of the details the end is kept, where a traceback says most."""
        self._client.respond_activity_task_failed(
            _checked(token), cut_end(sendable(reason), MAX_REASON_CHARS), _cut_details(details)
        )

    def cancel(self, token: str, details: str | None = None) -> None:
        """Answer *canceled*, which SWF takes after a request to cancel."""
        self._client.respond_activity_task_canceled(_checked(token), _cut_details(details))


class Outcome(enum.Enum):
    """What became of a task, as far as its worker knows."""

    OPEN = "open"  #: No answer yet.
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    SUSPENDED = "suspended"
    ABANDONED = "left to its timeout"
    CLOSED = "closed already"  #: SWF had closed it before the answer, or took an earlier try.
    UNANSWERED = "not answered"  #: The answer was given up.


class TaskScheduler:
    """One running task's way back: what an ``Activity`` answers through.

    Args:
        scheduler: makes the calls.
        subject: names the task in log lines.
        defaults: the declared timeouts, by which heartbeats and answers know when to give up;
            None where there is no implementation.
        stop: the worker's; an answer is not tried for ever once it is raised.
    """

    def __init__(
        self,
        scheduler: ActivityScheduler,
        *,
        subject: str,
        defaults: ActivityDefaults | None,
        stop: StopFlag,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scheduler = scheduler
        self._subject = subject
        self._stop = stop
        start_to_close = defaults.start_to_close if defaults else None
        self._deadline = Deadline(
            max(start_to_close or UNLIMITED_ANSWER_SECONDS, LEAST_ANSWER_SECONDS), clock=clock
        )
        # Made here and not with the first beat: SWF's clock runs since the poll.
        self._heartbeat = Heartbeat(
            subject,
            lost_after_seconds=(defaults.heartbeat if defaults else None) or start_to_close,
            pause=lambda seconds: stop.wait(seconds, StopLevel.HURRY),
            clock=clock,
        )
        self.outcome = Outcome.OPEN

    def heartbeat(self, token: str, details: str | None = None) -> Verdict:
        """Send a heartbeat and return what is known of the task after it."""
        verdict = self._heartbeat.beat(lambda: self._scheduler.heartbeat(token, details))
        if verdict is Verdict.CLOSED:
            self.outcome = Outcome.CLOSED
        return self.verdict(token)

    def verdict(self, token: str) -> Verdict:
        """Return what is known of the task, without a call to SWF."""
        verdict = self._heartbeat.verdict
        if verdict is Verdict.GO_ON and self._stop.is_set(StopLevel.HURRY):
            return Verdict.STOPPING
        return verdict

    def complete(self, token: str, result: str) -> bool:
        """Answer *completed*; a result that SWF refuses becomes a failure.

        Raises:
            TooLongError: the result is longer than 32,768 characters.
        """
        try:
            return self._deliver(Outcome.COMPLETED, lambda: self._scheduler.complete(token, result))
        except RefusedError as error:
            return self.fail(token, f"{reasons.RESULT_REFUSED}SWF answered {error.fault}.")

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Answer *failed*; where SWF refuses the text, with a text that it cannot refuse."""
        try:
            return self._deliver(
                Outcome.FAILED, lambda: self._scheduler.fail(token, reason, details)
            )
        except RefusedError as error:
            fault = error.fault
        logger.warning(
            "SWF refused the reason of %s (%s); it gets a plain one.", self._subject, fault
        )
        plain = f"{reasons.REASON_REFUSED}SWF answered {fault}."
        try:
            return self._deliver(Outcome.FAILED, lambda: self._scheduler.fail(token, plain))
        except RefusedError as error:
            return self._give_up_answer(error.fault)

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*; where SWF does not take that, *failed*."""
        try:
            return self._deliver(Outcome.CANCELED, lambda: self._scheduler.cancel(token, details))
        except RefusedError as error:
            reason = f"SWF did not take the cancellation ({error.fault})."
            return self.fail(token, reasons.CANCEL_NOT_REQUESTED + reason, details)

    def suspend(self, token: str) -> None:
        """Send no answer: somebody else will, by the token."""
        self.outcome = Outcome.SUSPENDED

    def give_up(self, token: str) -> None:
        """Leave the task to its timeout."""
        self.outcome = Outcome.ABANDONED

    def _deliver(self, outcome: Outcome, answer: Callable[[], None]) -> bool:
        """Send an answer until SWF takes it, says that the task is closed, or time is up.

        Raises:
            RefusedError: SWF would refuse this very answer for ever.
        """
        backoff = Backoff(first_seconds=0.5, cap_seconds=20.0)
        while True:
            level = self._stop.level
            try:
                answer()
            except UnknownResourceError:
                return self._closed_already(backoff.tries > 0)
            except (OutOfReachError, CredentialsError) as error:
                # Credentials are renewed and policies mended; until then the worker, which could
                # not poll either, loses nothing by waiting.
                if level in ANSWER_SECONDS_AT_STOP:
                    self._deadline.shorten(ANSWER_SECONDS_AT_STOP[level])
                pause = min(backoff.next_seconds(), self._deadline.remaining_seconds() or 0.0)
                if self._deadline.passed:
                    return self._give_up_answer(error.fault)
                logger.warning(
                    "Answer of %s not delivered (%s); trying again in %.1f s.",
                    self._subject,
                    error.fault,
                    pause,
                )
                self._stop.wait(pause, StopLevel(min(level + 1, StopLevel.AT_ONCE)))
            else:
                self.outcome = outcome
                return True

    def _closed_already(self, tried_before: bool) -> bool:
        self.outcome = Outcome.CLOSED
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
        return False

    def _give_up_answer(self, fault: str) -> bool:
        self.outcome = Outcome.UNANSWERED
        logger.error(
            "Answer of %s given up (%s): the task stays open until it times out.",
            self._subject,
            fault,
        )
        return False


class AsyncScheduler:
    """Controls suspended activities by their tokens; what ``async_scheduler`` returns.

    Thread-safe, and cheap to keep. Each method makes one call, which the client repeats a few
    times where the way to SWF is bad, and answers True when SWF took it. It answers False, with
    a log line, when the task is closed: completed or failed already, timed out, or its workflow
    has ended.

    Raises, from each method:
        RefusedError: SWF cannot read the token, or refuses the caller.
        OutOfReachError: SWF could not be reached, or throttles: whether it took the call is not
            known, and it may be made again.
    """

    def __init__(self, scheduler: ActivityScheduler) -> None:
        self._scheduler = scheduler

    def heartbeat(self, token: str) -> bool:
        """Send a heartbeat; False also when the task's cancellation was requested."""
        cancel_requested = False

        def beat() -> None:
            nonlocal cancel_requested
            cancel_requested = self._scheduler.heartbeat(token)

        taken = _unless_closed("heartbeat", beat)
        if cancel_requested:
            logger.info("The cancellation of a suspended task was requested.")
        return taken and not cancel_requested

    def complete(self, token: str, result: Any) -> bool:
        """Complete the task with *result*, as if its ``run`` had returned it.

        Raises:
            SerializationError: the result has no JSON form.
            TooLongError: its JSON is longer than 32,768 characters.
        """
        text = encode_result(result)
        return _unless_closed("complete", lambda: self._scheduler.complete(token, text))

    def fail(self, token: str, reason: str) -> bool:
        """Fail the task, as if its ``run`` had raised an exception with the text *reason*.

        The reason is cut to 256 characters.
        """
        return _unless_closed("fail", lambda: self._scheduler.fail(token, str(reason)))


def _unless_closed(verb: str, call: Callable[[], None]) -> bool:
    try:
        call()
    except UnknownResourceError as error:
        logger.warning("Cannot %s a suspended task: it is closed (%s).", verb, error.fault)
        return False
    return True


def _checked(token: str) -> str:
    if not isinstance(token, str) or not 1 <= len(token) <= MAX_TOKEN_CHARS:
        raise RefusedError(
            f"Cannot use this token: SWF's are text of 1 to {MAX_TOKEN_CHARS:,} characters. Give "
            "the activity's `token` as it was.",
            fault="ValidationException",
        )
    return token


def _cut_details(details: str | None) -> str | None:
    return None if details is None else cut_start(sendable(details), MAX_DETAILS_CHARS)
