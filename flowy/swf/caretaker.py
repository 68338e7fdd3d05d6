"""What is done for one suspended task when its turn has come: a beat, and what the beat tells.

A heartbeat is the only way to learn that SWF has closed a task, or that its cancellation was
requested. How it was closed stands in the history.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable

from ..exception import (
    CredentialsError,
    OutOfReachError,
    SWFError,
    TokenStoreError,
    UnknownResourceError,
)
from ..failure import cut_end, sendable
from ..tokens import SuspendedTask, TaskState, TokenStore
from .client import SWFClient
from .closing import closing_of
from .scheduler import ActivityScheduler
from .values import MAX_REASON_CHARS

logger = logging.getLogger(__name__)

#: How long a beat is one keeper's business, in seconds: a heartbeat, the answer or the history
#: that it calls for, each with all its attempts.
LEASE_SECONDS = 180.0

#: The same where a third of the declared heartbeat timeout is less: a heartbeat with all its
#: attempts. Should the keeper die, the next one must not come too late.
LEAST_LEASE_SECONDS = 60.0

#: A beat that did not get through is made again so much later, in seconds.
RETRY_SECONDS = 5.0

#: A history that could not be read is read again so much later, in seconds: nothing depends on it.
HISTORY_RETRY_SECONDS = 30.0

#: No execution of SWF lives longer than a year, in seconds. (SWF's quotas.)
LONGEST_EXECUTION_SECONDS = 366 * 86_400.0

#: The details of the answer where a cancellation was requested.
CANCELED_DETAILS = "Canceled while it was suspended, as was requested."

#: How SWF says that it is the domain which it does not know, and not the execution.
_UNKNOWN_DOMAIN = "Unknown domain"


class Caretaker:
    """Takes care of the tasks that a keeper has claimed; several threads may ask it at once.

    Args:
        domain: the SWF domain.
        store: where the tasks are kept.
        client: what the calls are made with.
        answers: whether a requested cancellation is answered, and not only marked.
        every_seconds: how often a task is beaten for at least.
        got_through: called when SWF has answered a heartbeat, whatever it said.
        failed: called with the task and the error when one did not get through.
    """

    def __init__(
        self,
        domain: str,
        store: TokenStore,
        client: SWFClient,
        *,
        answers: bool,
        every_seconds: float,
        got_through: Callable[[], None],
        failed: Callable[[SuspendedTask, SWFError], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._client = client
        self._scheduler = ActivityScheduler(client)
        self._answers = answers
        self._every_seconds = every_seconds
        self._got_through = got_through
        self._failed = failed

    def take_care(self, task: SuspendedTask) -> None:
        """Beat for one task, and do what the beat calls for."""
        try:
            self._beat(task)
        except TokenStoreError as error:
            logger.warning(
                "%s What the beat of task %s said is not marked; the next one says it again.",
                error,
                task.id,
            )

    def _beat(self, task: SuspendedTask) -> None:
        self._shorten_lease(task)
        try:
            cancel_requested = self._scheduler.heartbeat(task.token)
        except UnknownResourceError:
            self._got_through()
            self._learn(task)
            return
        except (OutOfReachError, CredentialsError) as error:
            self._failed(task, error)
            self._store.beat_in(task.id, RETRY_SECONDS)
            return
        except SWFError as error:
            self._got_through()
            self._refused(task, error)
            return
        self._got_through()
        if cancel_requested and self._answers:
            self._cancel(task)
            return
        if cancel_requested and not task.cancel_requested:
            logger.info("The cancellation of %s, task %s, was requested.", task, task.id)
        self._store.beat_in(
            task.id, self._interval_seconds(task), cancel_requested=cancel_requested
        )

    def _shorten_lease(self, task: SuspendedTask) -> None:
        declared = task.info.heartbeat
        lease = LEASE_SECONDS if declared is None else max(declared / 3, LEAST_LEASE_SECONDS)
        if lease < LEASE_SECONDS:
            with contextlib.suppress(TokenStoreError):  # to beat matters more
                self._store.beat_in(task.id, lease)

    def _cancel(self, task: SuspendedTask) -> None:
        """Answer canceled, as was requested."""
        try:
            self._scheduler.cancel(task.token, CANCELED_DETAILS)
        except UnknownResourceError:
            self._learn(task)
        except SWFError as error:
            passing = isinstance(error, OutOfReachError | CredentialsError)
            pause = RETRY_SECONDS if passing else self._interval_seconds(task)
            logger.warning(
                "The cancellation of %s, task %s, was requested, and the answer canceled not "
                "taken (%s). Tried again in %.0f s.",
                task,
                task.id,
                error.fault,
                pause,
            )
            self._store.beat_in(task.id, pause, cancel_requested=True)
        else:
            self._close(task, TaskState.CANCELED, CANCELED_DETAILS, learned=False)

    def _learn(self, task: SuspendedTask) -> None:
        """Mark a task that SWF has closed with how it ended, by the history."""
        info = task.info
        try:
            events = self._client.get_workflow_execution_history(
                self._domain, info.workflow_id, info.run_id
            )
            closing = closing_of(events, info.started_event_id)
            state, reason = closing or (TaskState.CLOSED, "its history does not say how")
        except UnknownResourceError as error:
            if _UNKNOWN_DOMAIN in str(error):
                self._wrong_place(task)
                return
            state, reason = TaskState.CLOSED, "its history is gone"
        except OutOfReachError as error:
            logger.warning(
                "%s, task %s, is closed, and its history cannot be read now (%s). Tried again in "
                "%.0f s.",
                task,
                task.id,
                error.fault,
                HISTORY_RETRY_SECONDS,
            )
            self._store.beat_in(task.id, HISTORY_RETRY_SECONDS)
            return
        except SWFError as error:  # the task is closed all the same
            state, reason = TaskState.CLOSED, f"its history cannot be read: {error.fault}"
        self._close(task, state, reason, learned=True)

    def _wrong_place(self, task: SuspendedTask) -> None:
        """Deal with an SWF that has no such domain: it says nothing of what becomes of the task."""
        pause = self._interval_seconds(task)
        logger.error(
            "Cannot look after %s, task %s: SWF knows no domain %s. Is this the right region, and "
            "the right account? Tried again in %.0f s.",
            task,
            task.id,
            self._domain,
            pause,
        )
        self._store.beat_in(task.id, pause)

    def _refused(self, task: SuspendedTask, error: SWFError) -> None:
        """Deal with a token that SWF cannot read: that of another region, or of a local SWF."""
        now = time.time()
        over = task.suspended_at + LONGEST_EXECUTION_SECONDS
        if now > (over if task.deadline is None else task.deadline):
            self._close(
                task, TaskState.CLOSED, f"SWF refuses its token: {error.fault}", learned=True
            )
            return
        pause = self._interval_seconds(task)
        logger.error(
            "Heartbeat of %s, task %s, refused (%s): is this the right region? Tried again in "
            "%.0f s.",
            task,
            task.id,
            error.fault,
            pause,
        )
        self._store.beat_in(task.id, pause)

    def _interval_seconds(self, task: SuspendedTask) -> float:
        declared = task.info.heartbeat
        return self._every_seconds if declared is None else min(declared / 3, self._every_seconds)

    def _close(
        self, task: SuspendedTask, state: TaskState, reason: str | None, *, learned: bool
    ) -> None:
        if reason is not None:  # the details of an answer may be much longer than any list shows
            reason = cut_end(sendable(reason), MAX_REASON_CHARS)
        if self._store.close(task.id, state, reason, learned=learned):
            logger.info("Suspended task %s of %s: %s.", task.id, task, state.value)
