"""Answers for suspended tasks, and records the answers in the store.

If two processes answer for a task at once, SWF takes one of the answers. The store only records
what SWF took, afterwards. If a process dies in between, the task is closed at SWF and open in the
store until the keeper learns of its end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..exception import TokenStoreError
from ..invocation.declared_envelope import envelope_by
from ..invocation.outcome import TaskOutcome
from ..invocation.sealing import NO_EXCEPTION
from ..logs import log_keys
from ..safe_logging import get_logger
from .store import TokenStore, kept_reason
from .suspended_task import SuspendedTask

if TYPE_CHECKING:
    from ..envelope import Envelope

logger = get_logger(__name__)


class TokenScheduler(Protocol):
    """Answers for tasks by their tokens, such as what ``async_scheduler`` returns.

    Each method returns True if SWF took the answer, False if the task is closed. A scheduler that
    knows classes has the keyword *activity*, too. One with codecs has them in the attribute
    ``envelope``, so that the store keeps nothing that SWF gets encrypted.
    """

    def complete(self, token: str, result: Any) -> bool:
        """Answer *completed*."""

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Answer *failed*."""

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*."""


class Finisher:
    """Answers for tasks of a store; thread-safe if the store and the scheduler are.

    Args:
        store: has the tasks.
        scheduler: sends the answers to SWF: ``async_scheduler(domain)``.

    Each method takes *activity*, the class of the activity, to use its converter, codecs and store.
    None uses only the codecs and the store of the scheduler. The token store keeps the reason and
    the details in the form that SWF gets: if they are encrypted at SWF, they are encrypted in the
    store.

    Each method returns True if SWF accepted the answer, and False if the task was closed already.
    If the store cannot record the answer, the method logs an ERROR, and the keeper marks the task
    later. If the scheduler raises an error, the method raises it, and the task stays open in the
    store.
    """

    def __init__(self, store: TokenStore, scheduler: TokenScheduler) -> None:
        self._store = store
        self._scheduler = scheduler

    def complete(
        self, task: SuspendedTask, result: Any = None, *, activity: type | None = None
    ) -> bool:
        """Complete *task* with *result*, a JSON-serializable value.

        Args:
            task: a task of the store.
            result: the result for the decider.
            activity: the class of the activity, whose converter converts the result by the
                annotation of its ``run``; None converts nothing.

        Raises:
            ConversionError: the result does not fit the annotation; the task stays open.
        """
        complete: Callable[..., bool] = self._scheduler.complete
        given = _given(activity)
        return self._answer(
            task, TaskOutcome.COMPLETED, None, lambda: complete(task.token, result, **given)
        )

    def fail(
        self,
        task: SuspendedTask,
        reason: str,
        details: str | None = None,
        *,
        activity: type | None = None,
    ) -> bool:
        """Fail *task* with *reason*, cut to 256 characters, and *details*, cut to 32,768."""
        fail: Callable[..., bool] = self._scheduler.fail
        given, envelope = _given(activity), self._envelope(activity)
        # Before the call, so that no error follows an answer that SWF has taken.
        kept = str(reason)
        if envelope is not None:
            kept = envelope.shown_reason(kept, NO_EXCEPTION)
        return self._answer(
            task, TaskOutcome.FAILED, kept, lambda: fail(task.token, reason, details, **given)
        )

    def cancel(
        self, task: SuspendedTask, details: str | None = None, *, activity: type | None = None
    ) -> bool:
        """Answer *canceled*, which SWF accepts only if a cancellation was requested."""
        cancel: Callable[..., bool] = self._scheduler.cancel
        given, envelope = _given(activity), self._envelope(activity)
        kept = None if details is None else str(details)
        if kept is not None and envelope is not None:
            kept = envelope.sealed_details(kept)
        return self._answer(
            task, TaskOutcome.CANCELED, kept, lambda: cancel(task.token, details, **given)
        )

    def _envelope(self, activity: Any) -> Envelope | None:
        """Return how the scheduler seals the answer."""
        return envelope_by(activity, getattr(self._scheduler, "envelope", None))

    def _answer(
        self, task: SuspendedTask, outcome: TaskOutcome, said: str | None, call: Callable[[], bool]
    ) -> bool:
        kept = None if said is None else kept_reason(said)
        if call():
            self._mark(task, outcome, kept)
            return True
        extra = log_keys("task_closed", task.info)
        logger.info("Suspended task %s of %s was closed already.", task.id, task, extra=extra)
        if task.is_open:
            try:
                self._store.beat_in(task.id, 0.0)
            except TokenStoreError as error:
                logger.warning("%s The keeper learns later how the task ended.", error)
        return False

    def _mark(self, task: SuspendedTask, outcome: TaskOutcome, reason: str | None) -> None:
        extra = log_keys("task_ended", task.info, outcome=outcome.name.lower())
        try:
            self._store.close(task.id, outcome, reason)
        except TokenStoreError as error:
            logger.error(
                "Suspended task %s of %s: %s, but the store does not say so yet; the keeper will "
                "mark it. %s",
                task.id,
                task,
                outcome.value,
                error,
                extra=extra,
            )
        else:
            logger.info("Suspended task %s of %s: %s.", task.id, task, outcome.value, extra=extra)


def _given(activity: type | None) -> Mapping[str, Any]:
    """Return the keyword for the scheduler: one of an author's own need not know it."""
    return {} if activity is None else {"activity": activity}
