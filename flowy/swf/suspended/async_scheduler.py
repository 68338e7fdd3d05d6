"""Ends suspended tasks by their tokens: what ``async_scheduler`` returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...exception import CodecError, UnknownResourceError
from ...invocation import NO_EXCEPTION, TaskStatus, cut_end, envelope_by
from ...safe_logging import get_logger
from ...task import Activity
from ...transport import encode_details
from ...writing import write
from ..client import SWFClient
from ..limits import MAX_HEARTBEAT_DETAILS_CHARS
from ..scanner import run_types_of

if TYPE_CHECKING:
    from ...claims import Place
    from ...envelope import Envelope

logger = get_logger(__name__)


class AsyncScheduler:
    """Controls suspended activities by their tokens; ``async_scheduler`` returns one.

    It is thread-safe, and needs only its client and the client's connections. Each process should
    make its own, after any fork. Several schedulers may use one token: SWF accepts one answer, and
    every other call finds the task closed.

    Each method makes one call, which the default client repeats a few times if the connection is
    bad. If the task is closed (answered already, timed out, or its workflow has ended), the method
    returns False and logs a line. (``beat`` returns ``TaskStatus.CLOSED``.) If the answer to a
    first attempt was lost, False may also mean that SWF accepted this call.

    Args:
        client: makes the calls.
        envelope: encodes and stores what it sends; None for plain text.
        domain: the domain; the keys of stored values begin with it.

    Each method takes *activity*, the class of the activity. Then it uses the format, the codecs and
    the store of the class; if the class has no codecs or no store, it uses the scheduler's. With
    None, it uses only the scheduler's.

    Raises, from each method:
        RefusedError: SWF cannot read the token, or refuses the caller.
        TransientError: SWF could not be reached, or throttles the call. You can call again; SWF may
            have accepted the first call.
        CodecError: a codec cannot encode the value.
        UnavailableError: a key service or the store does not answer at the moment.
    """

    def __init__(
        self, client: SWFClient, envelope: Envelope | None = None, domain: str = "-"
    ) -> None:
        self._client = client
        #: How what it sends travels; None for plain text.
        self.envelope = envelope
        self._domain = domain

    def heartbeat(
        self, token: str, details: object = None, *, activity: type[Activity] | None = None
    ) -> bool:
        """Send a heartbeat; return False also if the task's cancellation was requested.

        Args:
            token: the activity's ``token``.
            details: how far the work has come, as for ``Activity.heartbeat``: text, or a
                JSON-serializable value, cut to 2,048 characters; or None.
            activity: the class of the activity, or None.

        Raises:
            SerializationError: the details are not JSON-serializable.
        """
        return self.beat(token, details, activity=activity) is TaskStatus.ACTIVE

    def beat(
        self, token: str, details: object = None, *, activity: type[Activity] | None = None
    ) -> TaskStatus:
        """Send a heartbeat, and return the task's status.

        Args and errors are those of ``heartbeat``.

        Returns:
            ``TaskStatus.ACTIVE``; ``TaskStatus.CANCEL_REQUESTED``, which ``cancel`` may answer; or
            ``TaskStatus.CLOSED``, if the task can no longer be answered.
        """
        text = encode_details(details)
        envelope = envelope_by(activity, self.envelope)
        if text is not None and envelope is not None:
            text = envelope.sealed_details(text, MAX_HEARTBEAT_DETAILS_CHARS, cut_end)
        cancel_requested = False

        def beat() -> None:
            """Send the heartbeat."""
            nonlocal cancel_requested
            cancel_requested = self._client.record_activity_task_heartbeat(token, text)

        if not _unless_closed("heartbeat", beat):
            return TaskStatus.CLOSED
        if cancel_requested:
            logger.info("The cancellation of a suspended task was requested.")
            return TaskStatus.CANCEL_REQUESTED
        return TaskStatus.ACTIVE

    def complete(self, token: str, result: Any, *, activity: type[Activity] | None = None) -> bool:
        """Complete the task with *result*, as if its ``run`` had returned it.

        Args:
            token: the activity's ``token``.
            result: a value that is JSON-serializable, or that the converter of *activity* can
                convert.
            activity: the class of the activity, whose converter converts the result by the
                annotation of its ``run``, and whose ``_serialize_result`` writes it; None converts
                nothing, and writes JSON.

        Returns:
            True if SWF took it; False if the task is closed.

        Raises:
            ConversionError: the result does not fit the annotation.
            SerializationError: the result is not JSON-serializable.
            TooLongError: its JSON is longer than 32,768 characters, and cannot be stored.
            CodecError: also if it is encoded already, such as the note of a task.
        """
        types = None if activity is None else run_types_of(activity)
        envelope = envelope_by(activity, self.envelope)
        if envelope is not None:
            _check_not_encoded(result)
        value = result if types is None else types.result_to_wire(result)
        text = write(envelope, (activity or Activity)._serialize_result, value)
        if envelope is not None:
            text = envelope.sealed(text, place=self._place())
        return _unless_closed(
            "complete", lambda: self._client.respond_activity_task_completed(token, text)
        )

    def fail(
        self,
        token: str,
        reason: str,
        details: str | None = None,
        *,
        activity: type[Activity] | None = None,
    ) -> bool:
        """Fail the task, as if its ``run`` had raised an exception with the text *reason*.

        Args:
            token: the activity's ``token``.
            reason: why, cut to 256 characters.
            details: more, cut to the last 32,768 characters; or None.
            activity: the class of the activity, or None.

        Returns:
            True if SWF took it; False if the task is closed.
        """
        text, reason = None if details is None else str(details), str(reason)
        envelope = envelope_by(activity, self.envelope)
        if activity is not None:
            reason, text = write(envelope, activity._serialize_failure, None, reason, text)
        if envelope is not None:
            reason, text = envelope.sealed_failure(reason, text, NO_EXCEPTION)
        return _unless_closed(
            "fail", lambda: self._client.respond_activity_task_failed(token, reason, text)
        )

    def cancel(
        self, token: str, details: str | None = None, *, activity: type[Activity] | None = None
    ) -> bool:
        """Answer *canceled*, which SWF accepts only if a cancellation was requested.

        Args:
            token: the activity's ``token``.
            details: text for the decider, cut to the last 32,768 characters; or None.
            activity: the class of the activity, or None.

        Returns:
            True if SWF took it; False if the task is closed.

        Raises:
            RefusedError: also if no cancellation was requested.
        """
        text = None if details is None else str(details)
        envelope = envelope_by(activity, self.envelope)
        if text is not None and envelope is not None:
            text = envelope.sealed_details(text)
        return _unless_closed(
            "cancel", lambda: self._client.respond_activity_task_canceled(token, text)
        )

    def _place(self) -> Place:
        from ...claims import Place  # imported already, with the envelope

        return Place(self._domain)


def _check_not_encoded(result: Any) -> None:
    from ...envelope import is_envelope_value  # imported already, with the envelope

    if is_envelope_value(result):
        raise CodecError(
            "Cannot complete the task with this result, because it is encoded or stored already. "
            "Read it with flowy.transport.read."
        )


def _unless_closed(verb: str, call: Callable[[], None]) -> bool:
    try:
        call()
    except UnknownResourceError as error:
        logger.warning(
            "Cannot %s a suspended task: it is closed (%s).%s",
            verb,
            error.fault,
            " The answer to an earlier try of this very call was lost, so SWF may have taken it."
            if error.repeated
            else "",
        )
        return False
    return True
