"""Activities: what an author writes.

SWF delivers an activity task once and then waits: a worker that never answers leaves the task
open until a timeout fires. So a call of an ``Activity`` sends exactly one answer, whatever happens
in decoding, running or encoding; only ``SuspendTask`` and ``HandOverTask`` send none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..context import ActivityInfo, current, remaining_seconds
from ..deprecation import deprecated
from ..exception import CancelTask, SuspendTask
from ..invocation import (
    Failed,
    Scheduler,
    TaskStatus,
    details_for,
    ends_thread,
    invoke,
    seal_note,
    sealing_of,
    send_answer,
)
from ..middleware import Middleware
from ..tokens import SuspendedTask, TokenStore
from ..transport import decode_input, decode_result, encode_details, encode_input, encode_result
from ..writing import write
from .history import HistoryOfTask

if TYPE_CHECKING:
    from ..claims import Store
    from ..codecs import Codec
    from ..convert import Converter


class Activity(HistoryOfTask):
    """The base class of activities: override ``run``.

    A worker constructs one instance for each task and calls it once, so attributes that ``run``
    sets belong to one task.

    Args:
        input: the wire text of the arguments; None if the task has none.
        scheduler: sends its heartbeats and its answer.
        token: identifies the task at SWF. It is a credential: whoever has it can end the task.
    """

    #: Heartbeats in the background: True sends one every third of the declared heartbeat timeout, a
    #: number sends one at that interval in seconds, False sends none. The decorator's
    #: ``auto_heartbeat`` overrides it.
    auto_heartbeat: ClassVar[bool | float] = False

    #: After this many seconds without a report, background heartbeats pause; None: they never do.
    #: The decorator's ``max_stall`` overrides it.
    max_stall: ClassVar[float | None] = None

    #: Converts by the annotations of ``run``, if any; the decorator's ``converter`` overrides it.
    converter: ClassVar[Converter | None] = None

    #: Whether ``_deserialize_arguments`` may block, so that it must not run on an event loop.
    _decoding_blocks: ClassVar[bool] = False
    #: Codecs of everything that SWF gets, in the order in which they encode; see ``flowy.codecs``.
    codecs: ClassVar[Sequence[Codec]] = ()

    #: The store of values that are too long for SWF, or None; see ``flowy.claims``.
    claims: ClassVar[Store | None] = None

    #: Whether reasons of failures are sent as details, which are encrypted.
    hide_reasons: ClassVar[bool] = False

    #: Whether an input that is not encrypted fails the task.
    require_encryption: ClassVar[bool] = False

    #: Middleware around ``run``, inside the worker's own; the first one is outermost.
    middleware: ClassVar[Sequence[Middleware]] = ()

    def __init__(self, input: str | None, scheduler: Scheduler, token: str) -> None:
        self._input = input
        self._scheduler = scheduler
        self._token = token

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work and return a JSON-serializable value; override it, with any signature.

        Raises:
            SuspendTask: raise it to send no answer; whoever has the `token` answers later.
            HandOverTask: raise it to send no answer, because other code does.
            CancelTask: raise it to answer *canceled* after the cancellation was requested.
            Exception: any other exception fails the task. Its text becomes the reason, cut to 256
                characters; the name of its class comes first if the text alone would not explain it
                (``KeyError: 'order'``). Its traceback becomes the details, cut to the last 32,768
                characters.
        """
        raise NotImplementedError(
            f"Cannot run {type(self).__qualname__}: it does not override run()."
        )

    @property
    def token(self) -> str:
        """The task's token; with it ``async_scheduler`` can end the task later. Keep it secret."""
        return self._token

    @property
    def info(self) -> ActivityInfo:
        """What is known about this task: its type, ids, domain and timeouts.

        Raises:
            OutsideActivityError: no worker runs this activity.
        """
        return current()

    @property
    def cancel_requested(self) -> bool:
        """Whether the latest heartbeat brought a request to cancel this task; makes no call.

        True has the effect of a heartbeat that returns False: return None or raise ``CancelTask``
        to answer *canceled*. Any other value completes the task.
        """
        status = self._scheduler.status
        if status.current is not TaskStatus.CANCEL_REQUESTED:
            return False
        status.told = TaskStatus.CANCEL_REQUESTED
        return True

    def heartbeat(self, details: object = None) -> bool:
        """Tell SWF that the task is alive, and learn whether to go on.

        Args:
            details: how far the work has come; SWF keeps it for the decider if the task times out.
                Text, or a JSON-serializable value, cut to 2,048 characters; or None.

        Returns:
            True to go on. False to give up: the task is closed at SWF, its cancellation was
            requested, SWF accepted no heartbeat for the declared heartbeat timeout, or the worker
            must stop. Then clean up and return None: the worker sends the matching answer
            (canceled, failed or none).

            If SWF throttles the call or cannot be reached, Flowy tries again for up to 5 s, and
            then returns True, until the declared heartbeat timeout (start-to-close if none is
            declared) has passed without an accepted heartbeat. The timeouts in force may differ
            from the declared ones: a workflow may override them, and SWF does not tell the worker.

        Raises:
            SerializationError: the details are not JSON-serializable.
            OutsideActivityError: called in a forked child of the worker.
        """
        text = details_for(self._scheduler, type(self), encode_details(details))
        return self._scheduler.heartbeat(self._token, text) is TaskStatus.ACTIVE

    @deprecated("Write heartbeat.")
    def hearbeat(self, details: object = None) -> bool:
        """Call ``heartbeat``: the first Flowy's examples spell it so. Write ``heartbeat``."""
        return self.heartbeat(details)

    def progress(self, details: object = None) -> None:
        """Report progress without a call to SWF; never blocks.

        With ``auto_heartbeat``, the next background heartbeat sends the details, and ``max_stall``
        counts from this call.

        Args:
            details: as for ``heartbeat``.

        Raises:
            SerializationError: the details are not JSON-serializable.
        """
        text = details_for(self._scheduler, type(self), encode_details(details))
        self._scheduler.progress(self._token, text)

    def remaining(self) -> float | None:
        """Return how many seconds of the declared start-to-close are left, at least 0.

        It counts from the poll that brought the task, and returns at most what is left of
        schedule-to-close; None if neither timeout is declared. This is an estimate: a workflow may
        override both timeouts, SWF does not tell the worker, and the worker does not know how long
        the task was queued. If the history was read, it counts by the timeouts in force.

        Raises:
            OutsideActivityError: no worker runs this activity.
        """
        return remaining_seconds()

    def suspend(
        self, store: TokenStore, note: object = None, *, timeout: float | None = None
    ) -> NoReturn:
        """Store this task in *store*, then end the run without an answer.

        It sends a heartbeat, then stores the token, `info`, the note and the deadline, and then
        ends the run. If the task cannot be stored, it fails and is not suspended.

        Args:
            store: stores the task, such as a ``flowy.tokens.sqlite.SQLiteTokenStore``.
            note: information for whoever finishes the task: any JSON-serializable value.
            timeout: how many seconds the task may wait, if the workflow overrides the declared
                timeouts; None for the time that `remaining` returns.

        Raises:
            SuspendTask: always, unless one of the others is raised; let it pass.
            CancelTask: the heartbeat reported that the task is closed, or that its cancellation was
                requested. The task was not stored. Let this pass, too: the worker sends the
                matching answer.
            TokenStoreError: the task could not be stored.
            SerializationError: the note is not JSON-serializable.
            OutsideActivityError: no worker runs this activity.
        """
        self._keep(self._scheduler.heartbeat(self._token, now=True), store, note, timeout)
        raise SuspendTask

    def _keep(
        self, told: TaskStatus, store: TokenStore, note: object, timeout: float | None
    ) -> None:
        # A worker that is stopping may suspend: the task survives its end.
        if told not in (TaskStatus.ACTIVE, TaskStatus.STOPPING):
            raise CancelTask
        left = self.remaining() if timeout is None else timeout
        now = time.time()  # the wall clock: see flowy.tokens.store
        deadline = None if left is None else now + left
        sealing = sealing_of(self._scheduler, type(self))
        if sealing is not None and note is not None:
            note = seal_note(sealing, write(sealing, encode_result, note))
        with self._scheduler.suspending(self._token):
            store.keep(SuspendedTask(self._token, self.info, note, now, deadline))

    def __call__(self) -> Any:
        """Decode the input, run, encode the value and answer: one answer, whatever happens.

        Raises:
            KeyboardInterrupt, SystemExit: ``run`` raised them; the answer has been sent.
        """
        status, sealing = self._scheduler.status, sealing_of(self._scheduler, type(self))
        answer = invoke(self, self._input, status, self.middleware, self.converter, sealing)
        send_answer(answer, self._scheduler, self._token, type(self))
        error = answer.error if isinstance(answer, Failed) else None
        if error is not None and ends_thread(error):
            raise error

    @staticmethod
    def _serialize_result(result: Any) -> str:
        """Return the wire text of the value of ``run``; override it to change the transport."""
        return encode_result(result)

    @classmethod
    def _fetched(cls, text: str) -> str:
        """Return an input or a result itself, if its format lets it be elsewhere.

        What is in envelopes is not opened yet. A worker calls it only with codecs or a store.
        """
        return text

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        """Return ``(args, kwargs)`` from the task's input; override it to change the transport.

        *input* is None if the task has no input.
        """
        return decode_input(input)

    @staticmethod
    def _serialize_failure(
        error: BaseException | None, reason: str, details: str | None
    ) -> tuple[str, str | None]:
        """Return the reason and the details of a failure; override it to change the transport.

        *reason* and *details* are the texts that Flowy would send, in any length: a reason that
        begins with a constant of ``flowy.reasons`` is Flowy's own. *error* is the exception behind
        the failure. Texts that are too long for SWF are cut. The method is not called if the worker
        itself fails the task, such as at a stop.
        """
        return reason, details

    # For callers in Python, never for a worker: call_activity, ActivityEnvironment, flowy call

    @classmethod
    def _serialize_arguments(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """Return the input for ``_deserialize_arguments``, when a caller passes the class.

        None calls without an input.
        """
        return encode_input(args, kwargs)

    @classmethod
    def _deserialize_result(cls, text: str | None) -> Any:
        """Return the value that ``_serialize_result`` wrote, when a caller passes the class.

        *text* is None if the task completed without a result.
        """
        return decode_result(text)
