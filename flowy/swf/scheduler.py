"""The way back to SWF: heartbeat, complete, fail, cancel, by token.

``ActivityScheduler`` makes one call and says what came of it; ``AsyncScheduler`` is what whoever
finishes suspended tasks is given. A running task's answers are tried for longer: ``delivery``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from ..exception import RefusedError, TooLongError, UnknownResourceError
from ..failure import cut_end, cut_start, sendable
from ..heartbeat import Verdict
from ..transport import encode_result
from .client import SWFClient
from .values import (
    MAX_DETAILS_CHARS,
    MAX_HEARTBEAT_DETAILS_CHARS,
    MAX_REASON_CHARS,
    MAX_RESULT_CHARS,
    MAX_TOKEN_CHARS,
)

logger = logging.getLogger(__name__)


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


class AsyncScheduler:
    """Controls suspended activities by their tokens; what ``async_scheduler`` returns.

    Thread-safe, and cheap to keep for years: it holds one client with its connections, no thread
    and no state. Each process makes its own, after any fork. Several may act on one token: SWF
    takes one answer, and every other call says that the task is closed already.

    Each method makes one call, which the default client repeats a few times where the way to SWF
    is bad. Each answers False, with a log line, where the task is closed: answered already, timed
    out, or its workflow has ended; ``beat`` says ``Verdict.CLOSED``. Where the answer to a first
    try was lost on its way, False may also mean that this very call was taken.

    Raises, from each method:
        RefusedError: SWF cannot read the token, or refuses the caller.
        OutOfReachError: SWF could not be reached, or throttles: whether it took the call is not
            known, and it may be made again.
    """

    def __init__(self, scheduler: ActivityScheduler) -> None:
        self._scheduler = scheduler

    def heartbeat(self, token: str, details: object = None) -> bool:
        """Send a heartbeat; False also when the task's cancellation was requested.

        Args:
            token: the activity's ``token``.
            details: how far it has come, as for ``Activity.heartbeat``: text, or a value that
                JSON can say, cut to 2,048 characters; None for none.

        Raises:
            SerializationError: the details have no JSON form.
        """
        return self.beat(token, details) is Verdict.GO_ON

    def beat(self, token: str, details: object = None) -> Verdict:
        """Send a heartbeat, and tell *closed* from *cancellation requested*.

        Args and errors are those of ``heartbeat``.

        Returns:
            ``Verdict.GO_ON``; ``Verdict.CANCEL_REQUESTED``, to be answered by ``cancel`` where
            nothing speaks against it; or ``Verdict.CLOSED``, to which no answer is possible.
        """
        text = details if details is None or isinstance(details, str) else encode_result(details)
        cancel_requested = False

        def beat() -> None:
            nonlocal cancel_requested
            cancel_requested = self._scheduler.heartbeat(token, text)

        if not _unless_closed("heartbeat", beat):
            return Verdict.CLOSED
        if cancel_requested:
            logger.info("The cancellation of a suspended task was requested.")
            return Verdict.CANCEL_REQUESTED
        return Verdict.GO_ON

    def complete(self, token: str, result: Any) -> bool:
        """Complete the task with *result*, as if its ``run`` had returned it.

        Returns:
            True when SWF took it; False when the task is closed.

        Raises:
            SerializationError: the result has no JSON form.
            TooLongError: its JSON is longer than 32,768 characters.
        """
        text = encode_result(result)
        return _unless_closed("complete", lambda: self._scheduler.complete(token, text))

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Fail the task, as if its ``run`` had raised an exception with the text *reason*.

        Args:
            token: the activity's ``token``.
            reason: why, cut to 256 characters.
            details: more, cut to the last 32,768 characters; None for none.

        Returns:
            True when SWF took it; False when the task is closed.
        """
        text = None if details is None else str(details)
        return _unless_closed("fail", lambda: self._scheduler.fail(token, str(reason), text))

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*, which is for tasks whose cancellation was requested.

        Args:
            token: the activity's ``token``.
            details: text for the decider, cut to the last 32,768 characters; None for none.

        Returns:
            True when SWF took it; False when the task is closed.

        Raises:
            RefusedError: also where SWF refuses it, for no cancellation was requested.
        """
        text = None if details is None else str(details)
        return _unless_closed("cancel", lambda: self._scheduler.cancel(token, text))


def _unless_closed(verb: str, call: Callable[[], None]) -> bool:
    try:
        call()
    except UnknownResourceError as error:
        logger.warning(
            "Cannot %s a suspended task: it is closed (%s).%s",
            verb,
            error.fault,
            " The answer to an earlier try of this very call was lost, and SWF may have taken it."
            if error.repeated
            else "",
        )
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
