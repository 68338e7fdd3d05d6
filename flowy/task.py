"""Activities: what an author writes, and how a run becomes an answer.

SWF delivers an activity task once and then waits: a worker that never answers leaves the task
open until a timeout fires. So a call of an ``Activity`` ends in exactly one answer, whatever
happens in decoding, running or encoding; ``SuspendTask`` alone sends none.
"""

from __future__ import annotations

import inspect
import logging
from typing import Any, Protocol

from . import reasons
from .context import ActivityInfo, current
from .exception import CancelTask, OutsideActivityError, SuspendTask, TransportError
from .failure import details_of, reason_of
from .heartbeat import Verdict
from .transport import decode_input, encode_result

logger = logging.getLogger(__name__)


class Scheduler(Protocol):
    """One task's way back to SWF, as an activity needs it. It takes wire text.

    None of its methods raises for SWF's sake: whether and how long an answer is tried again is
    the scheduler's business. An answer is True when SWF took it, False when it did not.
    """

    def heartbeat(self, token: str, details: str | None = None) -> Verdict:
        """Send a heartbeat and return what is known of the task after it."""

    def verdict(self, token: str) -> Verdict:
        """Return what is known of the task, without a call to SWF."""

    def complete(self, token: str, result: str) -> bool:
        """Answer *completed*; raise ``TooLongError`` where SWF would refuse the result."""

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Answer *failed*; what is too long is cut."""

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*; what is too long is cut."""

    def suspend(self, token: str) -> None:
        """Send no answer: somebody else will, by the token."""

    def give_up(self, token: str) -> None:
        """Deal with a task that was given up because the worker stops, as its policy says."""


class Activity:
    """The base class of activities: override ``run``.

    A worker constructs one instance for each task and calls it once, so attributes set in
    ``run`` are the task's own.

    Args:
        input: the wire text of the arguments; None where the task has none.
        scheduler: what it answers through.
        token: names the task at SWF. It is a credential: who holds it can end the task.
    """

    def __init__(self, input: str | None, scheduler: Scheduler, token: str) -> None:
        self._input = input
        self._scheduler = scheduler
        self._token = token
        self._told = Verdict.GO_ON

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work and return a value that JSON can say; override it, with any signature.

        Raises:
            SuspendTask: raise it to send no answer now; see `token`.
            CancelTask: raise it to answer *canceled* when that was requested.
            Exception: any other exception fails the task: its text is the reason, at most 256
                characters, its traceback the details, at most the last 32,768.
        """
        raise NotImplementedError(
            f"Cannot run {type(self).__qualname__}: it does not override run()."
        )

    @property
    def token(self) -> str:
        """The task's token, by which ``async_scheduler`` can end it later: keep it secret."""
        return self._token

    @property
    def info(self) -> ActivityInfo:
        """What is known of this task: its type, ids, domain and declared timeouts.

        Raises:
            OutsideActivityError: no worker runs this activity.
        """
        return current()

    @property
    def cancel_requested(self) -> bool:
        """Whether the latest heartbeat brought a request to cancel this task; makes no call."""
        if self._scheduler.verdict(self._token) is not Verdict.CANCEL_REQUESTED:
            return False
        self._told = Verdict.CANCEL_REQUESTED
        return True

    def heartbeat(self, details: object = None) -> bool:
        """Tell SWF that the task is alive, and learn whether to go on.

        Args:
            details: how far it has come, kept by SWF for the decider if the task times out: text,
                or a value that JSON can say. Cut to 2,048 characters; None for none.

        Returns:
            True to go on. False to give up: the task is closed at SWF, its cancellation was
            requested, no beat was accepted for the declared heartbeat timeout, or the worker
            must stop. Clean up, then return None: the worker then answers what fits.

            A call that is throttled or does not get through is tried again for up to 5 s and
            then answers True, until the declared heartbeat timeout (start-to-close where none
            is declared) has passed with no beat accepted. The declared timeouts are a guess: a
            workflow may override them, and SWF does not tell.

        Raises:
            SerializationError: the details have no JSON form.
        """
        if details is not None and not isinstance(details, str):
            details = encode_result(details)
        self._told = self._scheduler.heartbeat(self._token, details)
        return self._told is Verdict.GO_ON

    hearbeat = heartbeat  # the spelling of the first Flowy's examples

    def __call__(self) -> None:
        """Decode the input, run, encode the value and answer: one answer, whatever happens.

        Raises:
            KeyboardInterrupt, SystemExit: when they came out of ``run``, after the answer.
        """
        try:
            arguments = self._arguments()
            if arguments is None:
                return
            args, kwargs = arguments
            value = self.run(*args, **kwargs)
        except SuspendTask:
            self._scheduler.suspend(self._token)
        except CancelTask as cancel:
            self._canceled(cancel)
        except BaseException as error:
            self._fail(reason_of(error), error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        else:
            if value is None and self._told is not Verdict.GO_ON:
                self._gave_up()
            else:
                self._complete(value)

    def _arguments(self) -> tuple[list[Any], dict[str, Any]] | None:
        """Return ``(args, kwargs)`` for ``run``; where there are none, fail and return None."""
        try:
            args, kwargs = self._deserialize_arguments(self._input)
            args, kwargs = list(args), dict(kwargs)
        except Exception as error:
            self._fail(reasons.INPUT_UNREADABLE + reason_of(error), error)
            return None
        try:
            # What a decorator wraps is not what is called: it may pass arguments of its own.
            inspect.signature(self.run, follow_wrapped=False).bind(*args, **kwargs)
        except TypeError as error:
            self._fail(reasons.INPUT_MISFIT + f"run() {reason_of(error)}", error)
            return None
        except ValueError:
            pass  # a callable without a signature: the call itself will tell
        return args, kwargs

    def _complete(self, value: Any) -> None:
        try:
            text = self._serialize_result(value)
            if not isinstance(text, str):
                raise TypeError(
                    f"_serialize_result returned {type(text).__name__}; it must return text"
                )
        except Exception as error:
            self._fail(reasons.RESULT_NOT_SERIALIZABLE + reason_of(error), error)
            return
        try:
            self._scheduler.complete(self._token, text)
        except TransportError as error:
            self._fail(reasons.RESULT_TOO_LONG + reason_of(error))

    def _canceled(self, cancel: CancelTask) -> None:
        if self._told is Verdict.GO_ON:
            reason = "CancelTask was raised, but nobody asked to cancel this task."
            self._fail(reasons.CANCEL_NOT_REQUESTED + reason, cancel)
        else:
            self._gave_up(None if cancel.details is None else str(cancel.details))

    def _gave_up(self, details: str | None = None) -> None:
        """Answer for an activity that was told to give up, and did."""
        if self._told is Verdict.CANCEL_REQUESTED:
            self._scheduler.cancel(self._token, details)
        elif self._told is Verdict.STOPPING:
            self._scheduler.give_up(self._token)
        elif self._told is Verdict.LOST:
            reason = "the activity gave up, for no heartbeat was accepted for too long."
            self._fail(reasons.HEARTBEAT_LOST + reason)
        # Closed: SWF would refuse any answer.

    def _fail(self, reason: str, error: BaseException | None = None) -> None:
        # The reason is left out: the author's text may hold input, and logs are no place for it.
        what = "gave up" if error is None else f"failed: {type(error).__qualname__}"
        logger.error("Activity %s %s; SWF gets the reason.", self._subject(), what)
        details = None if error is None else details_of(error, skip_file=__file__)
        self._scheduler.fail(self._token, reason, details)

    def _subject(self) -> str:
        try:
            return str(current())
        except OutsideActivityError:
            return type(self).__qualname__

    @staticmethod
    def _serialize_result(result: Any) -> str:
        """Return the wire text of what ``run`` returned; override it to change the transport."""
        return encode_result(result)

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        """Return ``(args, kwargs)`` from the task's input, None where it has none.

        Override it to change the transport.
        """
        return decode_input(input)
