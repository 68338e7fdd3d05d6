"""Ends suspended tasks, and keeps their store in step.

SWF is the arbiter: of two who answer one task at once it takes one answer. The store only
records what came of it, after the fact: a process that dies between the two leaves a task that is
closed at SWF and open in the store, and the keeper sets that right.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

from ..exception import TokenStoreError
from ..failure import cut_end, sendable
from .store import MAX_REASON_CHARS, SuspendedTask, TaskState, TokenStore

logger = logging.getLogger(__name__)


class Scheduler(Protocol):
    """How tasks are answered, by token: what ``async_scheduler`` returns.

    Each answers True when it was taken, False when the task is closed.
    """

    def complete(self, token: str, result: Any) -> bool:
        """Answer *completed*."""

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        """Answer *failed*."""

    def cancel(self, token: str, details: str | None = None) -> bool:
        """Answer *canceled*."""


class Finisher:
    """Answers tasks of a store; thread-safe where both its parts are.

    Args:
        store: where the tasks are kept.
        scheduler: what they are answered through: ``async_scheduler(domain)``.

    Its methods answer True when the answer was taken. Where the store cannot be used just then,
    which is logged, the keeper marks the task later: SWF has taken the answer, and it is no error
    any more. They answer False when the task is closed already, and then the keeper, if one runs,
    soon finds out how. They raise what the scheduler raises, and the task then stays open in the
    store.
    """

    def __init__(self, store: TokenStore, scheduler: Scheduler) -> None:
        self._store = store
        self._scheduler = scheduler

    def complete(self, task: SuspendedTask, result: Any = None) -> bool:
        """Complete *task* with *result*, any value that JSON can say."""
        return self._answer(
            task, TaskState.COMPLETED, None, lambda: self._scheduler.complete(task.token, result)
        )

    def fail(self, task: SuspendedTask, reason: str, details: str | None = None) -> bool:
        """Fail *task* with *reason*, cut to 256 characters, and *details*, to 32,768."""
        return self._answer(
            task,
            TaskState.FAILED,
            reason,
            lambda: self._scheduler.fail(task.token, reason, details),
        )

    def cancel(self, task: SuspendedTask, details: str | None = None) -> bool:
        """Answer *canceled*, which SWF takes where a cancellation was requested."""
        return self._answer(
            task, TaskState.CANCELED, details, lambda: self._scheduler.cancel(task.token, details)
        )

    def _answer(
        self, task: SuspendedTask, state: TaskState, reason: object, call: Callable[[], bool]
    ) -> bool:
        # Before the call: once SWF has taken the answer nothing may raise any more.
        said = None if reason is None else cut_end(sendable(str(reason)), MAX_REASON_CHARS)
        if call():
            self._mark(task, state, said)
            return True
        logger.info("Suspended task %s of %s was closed already.", task.id, task)
        if task.is_open:
            try:
                self._store.beat_in(task.id, 0.0)
            except TokenStoreError as error:
                logger.warning("%s The keeper finds out later how the task ended.", error)
        return False

    def _mark(self, task: SuspendedTask, state: TaskState, reason: str | None) -> None:
        try:
            self._store.close(task.id, state, reason)
        except TokenStoreError as error:
            logger.error(
                "Suspended task %s of %s: %s, and not marked so; the keeper will. %s",
                task.id,
                task,
                state.value,
                error,
            )
        else:
            logger.info("Suspended task %s of %s: %s.", task.id, task, state.value)
