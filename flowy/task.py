"""Activities: what an author writes, and how a run becomes an answer.

SWF delivers an activity task once and then waits: a worker that never answers leaves the task
open until a timeout fires. So a call of an ``Activity`` ends in exactly one answer, whatever
happens in decoding, running or encoding; ``SuspendTask`` alone sends none.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import time
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn, Protocol

from . import reasons
from .context import ActivityInfo, current, remaining_seconds
from .exception import CancelTask, OutsideActivityError, SuspendTask, TransportError
from .executor import off_loop
from .failure import details_of, reason_of
from .heartbeat import Verdict
from .tokens import SuspendedTask, TokenStore
from .transport import decode_input, encode_result

logger = logging.getLogger(__name__)


class Scheduler(Protocol):
    """One task's way back to SWF, as an activity needs it. It takes wire text.

    None of its methods raises for SWF's sake: whether and how long an answer is tried again is
    the scheduler's business. An answer is True when SWF took it, False when it did not.
    """

    def heartbeat(self, token: str, details: str | None = None, *, now: bool = False) -> Verdict:
        """Send a heartbeat and return what is known of the task after it.

        Where beats come too fast it may wait for a later one, but with *now* it is sent.
        """

    def progress(self, token: str, details: str | None = None) -> None:
        """Take note that the activity gets on; the details ride on the next heartbeat."""

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


@dataclass(frozen=True)
class _Failure:
    """Why a run fails: the reason for SWF, and the exception that says more."""

    reason: str
    error: BaseException | None = None


class Activity:
    """The base class of activities: override ``run``.

    A worker constructs one instance for each task and calls it once, so attributes set in
    ``run`` are the task's own.

    Args:
        input: the wire text of the arguments; None where the task has none.
        scheduler: what it answers through.
        token: names the task at SWF. It is a credential: who holds it can end the task.
    """

    #: Beat in the background: True, every third of the declared heartbeat timeout; a number,
    #: every so many seconds; False, not at all. The decorator's ``auto_heartbeat`` overrides it.
    auto_heartbeat: ClassVar[bool | float] = False

    #: Rest the background beats while nothing was reported for so many seconds; None, never. The
    #: decorator's ``max_stall`` overrides it.
    max_stall: ClassVar[float | None] = None

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
        self._told = self._scheduler.heartbeat(self._token, _details_text(details))
        return self._told is Verdict.GO_ON

    hearbeat = heartbeat  # the spelling of the first Flowy's examples

    def progress(self, details: object = None) -> None:
        """Report that the activity gets on, without a call to SWF; never blocks.

        With ``auto_heartbeat`` the details ride on the next beat in the background, and
        ``max_stall`` counts from here.

        Args:
            details: as for ``heartbeat``.

        Raises:
            SerializationError: the details have no JSON form.
        """
        self._scheduler.progress(self._token, _details_text(details))

    def remaining(self) -> float | None:
        """Return how many seconds of the declared start-to-close are left, at least 0.

        Counted from when the poll brought the task, with schedule-to-close as an upper bound;
        None where neither is declared. An estimate: a workflow may override both timeouts, SWF
        does not tell the worker, and the time that the task was queued is not known either.

        Raises:
            OutsideActivityError: no worker runs this activity.
        """
        return remaining_seconds()

    def suspend(
        self, store: TokenStore, note: object = None, *, timeout: float | None = None
    ) -> NoReturn:
        """Keep this task in *store*, then end the run without an answer: somebody else will.

        A heartbeat goes out first. Then the token, `info`, the note and the deadline are kept,
        and only then the run ends: kept, or the activity fails, never suspended and forgotten.

        Args:
            store: where it is kept, a ``flowy.tokens.sqlite.SQLiteTokenStore`` say.
            note: what whoever finishes it needs to know: any value that JSON can say.
            timeout: how many seconds it may wait, where the workflow overrides the declared
                timeouts; None for what these leave, as `remaining` tells.

        Raises:
            SuspendTask: always, but where one of the others is raised; let it pass.
            CancelTask: the heartbeat said that nobody waits any more: the task is closed, or its
                cancellation was requested. Nothing was kept; let it pass too, and the worker
                answers what fits.
            TokenStoreError: it could not be kept.
            SerializationError: the note has no JSON form.
            OutsideActivityError: no worker runs this activity.
        """
        self._told = self._scheduler.heartbeat(self._token, now=True)
        self._keep(store, note, timeout)
        raise SuspendTask

    def _keep(self, store: TokenStore, note: object, timeout: float | None) -> None:
        if self._told not in (Verdict.GO_ON, Verdict.STOPPING):  # a worker that stops may be freed
            raise CancelTask
        left = self.remaining() if timeout is None else timeout
        now = time.time()  # the wall clock: see flowy.tokens.store
        deadline = None if left is None else now + left
        store.keep(SuspendedTask(self._token, self.info, note, now, deadline))

    def __call__(self) -> Any:
        """Decode the input, run, encode the value and answer: one answer, whatever happens.

        Raises:
            KeyboardInterrupt, SystemExit: when they came out of ``run``, after the answer.
        """
        arguments = self._arguments()
        if isinstance(arguments, _Failure):
            self._fail(arguments)
            return
        args, kwargs = arguments
        try:
            value = self.run(*args, **kwargs)
        except BaseException as error:
            self._answer_error(error)
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
        else:
            self._answer_value(value)

    def _arguments(self) -> tuple[list[Any], dict[str, Any]] | _Failure:
        """Return ``(args, kwargs)`` for ``run``, or why there are none."""
        try:
            args, kwargs = self._deserialize_arguments(self._input)
            args, kwargs = list(args), dict(kwargs)
        except Exception as error:
            return _Failure(reasons.INPUT_UNREADABLE + reason_of(error), error)
        try:
            self._bind(args, kwargs)
        except TypeError as error:
            return _Failure(f"{reasons.INPUT_MISFIT}run() {reason_of(error)}", error)
        except ValueError:
            pass  # a callable without a signature: the call itself will tell
        return args, kwargs

    def _bind(self, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Raise TypeError where the arguments do not fit ``run``."""
        function = getattr(self.run, "__func__", None)
        # A static method has none, and is asked each time.
        signature = _signature(self.run) if function is None else _signature_of_method(function)
        signature.bind(*args, **kwargs)

    def _answer_value(self, value: Any) -> None:
        if value is None and self._told is not Verdict.GO_ON:
            self._gave_up()
            return
        try:
            text = self._serialize_result(value)
            if not isinstance(text, str):
                raise TypeError(
                    f"_serialize_result returned {type(text).__name__}; it must return text"
                )
        except Exception as error:
            self._fail(_Failure(reasons.RESULT_NOT_SERIALIZABLE + reason_of(error), error))
            return
        try:
            self._scheduler.complete(self._token, text)
        except TransportError as error:
            self._fail(_Failure(reasons.RESULT_TOO_LONG + reason_of(error)))

    def _answer_error(self, error: BaseException) -> None:
        if isinstance(error, SuspendTask):
            self._scheduler.suspend(self._token)
        elif not isinstance(error, CancelTask):
            self._fail(_Failure(reason_of(error), error))
        elif self._told is Verdict.GO_ON:
            reason = "CancelTask was raised, but nobody asked to cancel this task."
            self._fail(_Failure(reasons.CANCEL_NOT_REQUESTED + reason, error))
        else:
            self._gave_up(None if error.details is None else str(error.details))

    def _gave_up(self, details: str | None = None) -> None:
        """Answer for an activity that was told to give up, and did."""
        if self._told is Verdict.CANCEL_REQUESTED:
            self._scheduler.cancel(self._token, details)
        elif self._told is Verdict.STOPPING:
            self._scheduler.give_up(self._token)
        elif self._told is Verdict.LOST:
            reason = "the activity gave up, for no heartbeat was accepted for too long."
            self._fail(_Failure(reasons.HEARTBEAT_LOST + reason))
        # Closed: SWF would refuse any answer.

    def _fail(self, failure: _Failure) -> None:
        error = failure.error
        # First of all: it frees memory where that is what was short.
        details = None if error is None else details_of(error, skip_file=__file__)
        # The reason is left out: the author's text may hold input, and logs are no place for it.
        what = "gave up" if error is None else f"failed: {type(error).__qualname__}"
        logger.error("Activity %s %s; SWF gets the reason.", self._subject(), what)
        self._scheduler.fail(self._token, failure.reason, details)

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


class AsyncActivity(Activity):
    """The base class of activities whose ``run`` is a coroutine.

    A worker runs them on one event loop, beside the threads of the others. Decoding happens
    there; encoding, heartbeats and answers in threads of their own.

    ``run`` is canceled, by a CancelledError at what it awaits, when a background heartbeat has
    learned that the task is closed or that its cancellation was requested, and when the worker
    must stop: once for each of these. Clean up and let it pass, or raise CancelTask: the worker
    answers what fits, as after a heartbeat that answered False. One that its own
    ``await self.heartbeat()`` told so is not canceled besides. A CancelledError that comes from
    elsewhere fails the task.
    """

    async def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work, as ``Activity.run``."""
        return super().run(*args, **kwargs)

    async def heartbeat(self, details: object = None) -> bool:  # type: ignore[override]
        """Tell SWF that the task is alive, and learn whether to go on: ``Activity.heartbeat``."""
        text = _details_text(details)
        self._told = await off_loop(lambda: self._scheduler.heartbeat(self._token, text))
        return self._told is Verdict.GO_ON

    hearbeat = heartbeat  # type: ignore[assignment]

    async def suspend(  # type: ignore[override]
        self, store: TokenStore, note: object = None, *, timeout: float | None = None
    ) -> NoReturn:
        """Keep this task in *store*, then end the run without an answer: ``Activity.suspend``."""
        beat = functools.partial(self._scheduler.heartbeat, self._token, now=True)
        self._told = await off_loop(beat)
        await off_loop(lambda: self._keep(store, note, timeout))
        raise SuspendTask

    async def __call__(self) -> None:
        """Decode, run, encode and answer, as ``Activity.__call__``."""
        arguments = self._arguments()
        if isinstance(arguments, _Failure):
            failure = arguments
            await off_loop(lambda: self._fail(failure))
            return
        args, kwargs = arguments
        try:
            value = await _noting(self.run(*args, **kwargs), self._canceled)
        except asyncio.CancelledError as canceled:
            await off_loop(self._answer_to_cancelled(canceled))
        except BaseException as caught:
            # Not raised again, whatever it is: a SystemExit would end the loop of all others.
            error_ = caught
            await off_loop(lambda: self._answer_error(error_))
        else:
            await off_loop(lambda: self._answer_value(value))

    def _canceled(self) -> None:
        """Take note that ``run`` was canceled: by the worker, if there is a cause for it."""
        verdict = self._scheduler.verdict(self._token)
        if verdict is not Verdict.GO_ON:
            self._told = verdict

    def _answer_to_cancelled(self, error: asyncio.CancelledError) -> Callable[[], None]:
        """Return the answer for a run that ended in a CancelledError."""
        verdict = self._scheduler.verdict(self._token)
        if verdict is not Verdict.GO_ON:
            self._told = verdict
        # It stays told though a heartbeat came through while it cleaned up.
        if self._told is Verdict.GO_ON:
            return lambda: self._answer_error(error)
        return self._gave_up


@types.coroutine
def _noting(
    run: Coroutine[Any, Any, Any], canceled: Callable[[], None]
) -> Generator[Any, Any, Any]:
    """Await *run*, and call *canceled* before each CancelledError that is thrown into it.

    What ``run`` makes of one is its own business: it may catch it, and then answer None.
    """
    resume: Callable[[Any], Any] = run.send
    sent: Any = None
    while True:
        try:
            awaited = resume(sent)
        except StopIteration as end:
            return end.value
        try:
            resume, sent = run.send, (yield awaited)
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError):
                canceled()
            resume, sent = run.throw, error


@functools.lru_cache(maxsize=1_000)
def _signature_of_method(function: Callable[..., Any]) -> inspect.Signature:
    # Bound to anything: what is left out is `self`.
    return _signature(types.MethodType(function, object()))


def _signature(run: Callable[..., Any]) -> inspect.Signature:
    # What a decorator wraps is not what is called: it may pass arguments of its own.
    return inspect.signature(run, follow_wrapped=False)


def _details_text(details: object) -> str | None:
    if details is None or isinstance(details, str):
        return details
    return encode_result(details)
