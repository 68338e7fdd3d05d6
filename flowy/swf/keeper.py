"""The keeper: beats for suspended tasks, and learns what SWF has closed.

A suspended task has no worker that beats for it, so one with a heartbeat timeout would vanish
into it; and SWF tells nobody that it has closed a task, it only refuses the next call for it. So
somebody must beat for all that waits, read in the history how each ended that SWF has closed, and
answer where a cancellation was requested: a heartbeat is the only way to learn of that, too.

All that a keeper knows stands in the store. It may be killed and started again, and several may
run side by side: each beat is claimed, by one, for a while.
"""

from __future__ import annotations

import logging
import time

from ..exception import (
    CredentialsError,
    OutOfReachError,
    SWFError,
    TokenStoreError,
    UnknownResourceError,
)
from ..retry import Backoff
from ..shutdown import StopFlag, StopLevel, stop_signals
from ..tokens import SuspendedTask, TaskState, TokenStore
from .client import Layer1, connect
from .closing import closing_of
from .scheduler import ActivityScheduler
from .values import name_text

logger = logging.getLogger(__name__)

#: How often a task is beaten for that need not be, or not so often, by default, in seconds: this
#: is how soon one learns that it was closed.
EVERY_SECONDS = 300.0

#: How often the store is looked at, in seconds: other processes put tasks into it.
LOOK_SECONDS = 1.0

#: How long a beat is one keeper's business: longer than a call with all its attempts, in seconds.
LEASE_SECONDS = 60.0

#: Pauses where SWF, or the store, is out of reach, in seconds.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

#: How long what was closed is kept for people to see, by default, in seconds: 30 days.
DROP_AFTER_SECONDS = 30 * 86_400.0

#: How often the store is rid of what was closed long ago, in seconds.
DROP_INTERVAL_SECONDS = 3_600.0

#: No execution of SWF lives longer than a year, in seconds. (SWF's quotas.)
LONGEST_EXECUTION_SECONDS = 366 * 86_400.0

#: The details of the answer where a cancellation was requested.
CANCELED_DETAILS = "Canceled while it was suspended, as was requested."


class Keeper:
    """Beats for the tasks of a store that belong to one domain, until it is stopped.

    Args:
        domain: the SWF domain.
        store: where the tasks are kept.
        layer1: as for ``async_scheduler``.
        on_cancel: ``"answer"`` answers *canceled* where a cancellation was requested; ``"mark"``
            only marks the task in the store, and goes on beating for it.
        every: how often a task is beaten for at least, in seconds over 0; more often where a third
            of its declared heartbeat timeout is less.
        drop_after: how long the store keeps what was closed, in seconds, 0 or more.
        signals: whether SIGINT and SIGTERM stop it, where it runs on the main thread.

    Raises:
        ValueError: an argument that cannot be used.
        SWFError: no client can be made.
    """

    def __init__(
        self,
        domain: object,
        store: TokenStore,
        layer1: Layer1 | None = None,
        *,
        on_cancel: str = "answer",
        every: float = EVERY_SECONDS,
        drop_after: float = DROP_AFTER_SECONDS,
        signals: bool = True,
    ) -> None:
        if on_cancel not in ("answer", "mark"):
            raise ValueError(f"Cannot use on_cancel={on_cancel!r}: give 'answer' or 'mark'.")
        if not every > 0:
            raise ValueError(f"Cannot use every={every!r}: give seconds, over 0.")
        if not drop_after >= 0:
            raise ValueError(f"Cannot use drop_after={drop_after!r}: give seconds, 0 or more.")
        self._domain = name_text(domain, "domain", trimmed=True)
        self._store = store
        self._client = connect(layer1, polls=False)
        self._scheduler = ActivityScheduler(self._client)
        self._answers = on_cancel == "answer"
        self._every_seconds = every
        self._drop_after_seconds = drop_after
        self._signals = signals
        self._stop = StopFlag()
        self._trouble = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._dropped_at: float | None = None

    def stop(self) -> None:
        """Ask it to stop, after the call that is out; any thread may call it."""
        self._stop.raise_to(StopLevel.FINISH)

    def run(self) -> None:
        """Keep on until a stop is asked for, through whatever happens to SWF and the store.

        Raises:
            KeyboardInterrupt: a third signal came while a call was out.
        """
        logger.info("Keeper started for domain %s.", self._domain)
        with stop_signals(self._stop, interrupt=True, wanted=self._signals):
            while not self._stop.is_set():
                self._stop.wait(self._look())
        logger.info("Keeper stopped.")

    def look(self) -> None:
        """Beat for all that is due, once, and drop what is old.

        Raises:
            OutOfReachError, CredentialsError: SWF cannot be asked now.
            TokenStoreError: the store cannot be used.
        """
        self._drop_old()
        while not self._stop.is_set():
            task = self._store.claim_due(self._domain, LEASE_SECONDS)
            if task is None:
                return
            self._beat(task)

    def _look(self) -> float:
        """Look, and return how long to pause, in seconds."""
        try:
            self.look()
        except (SWFError, TokenStoreError) as error:
            pause = self._trouble.next_seconds()
            logger.warning("%s Keeping on in %.1f s.", error, pause)
            return pause
        self._trouble.reset()
        return LOOK_SECONDS

    def _drop_old(self) -> None:
        now = time.monotonic()
        if self._dropped_at is None or now - self._dropped_at >= DROP_INTERVAL_SECONDS:
            dropped = self._store.drop_closed(self._drop_after_seconds)
            self._dropped_at = now
            if dropped:
                logger.info("Dropped %d tasks that were closed long ago.", dropped)

    def _beat(self, task: SuspendedTask) -> None:
        try:
            cancel_requested = self._scheduler.heartbeat(task.token)
            if cancel_requested and self._answers:
                self._scheduler.cancel(task.token, CANCELED_DETAILS)
                self._close(task, TaskState.CANCELED, CANCELED_DETAILS, learned=False)
                return
        except UnknownResourceError:
            self._learn(task)
        except (OutOfReachError, CredentialsError):
            # As due as it was: the next look, of this keeper or another, begins with it.
            self._store.beat_in(task.id, 0.0)
            raise
        except SWFError as error:
            self._refused(task, error)
        else:
            if cancel_requested and not task.cancel_requested:
                logger.info("The cancellation of %s, task %s, was requested.", task, task.id)
            self._store.beat_in(
                task.id, self._interval_seconds(task), cancel_requested=cancel_requested
            )

    def _learn(self, task: SuspendedTask) -> None:
        """Mark a task that SWF has closed with how it ended, by the history."""
        info = task.info
        try:
            events = self._client.get_workflow_execution_history(
                self._domain, info.workflow_id, info.run_id
            )
            closing = closing_of(events, info.started_event_id)
            state, reason = closing or (TaskState.CLOSED, "its history does not say how")
        except UnknownResourceError:
            state, reason = TaskState.CLOSED, "its history is gone"
        except OutOfReachError:
            self._store.beat_in(task.id, 0.0)
            raise
        except SWFError as error:  # the task is closed all the same
            state, reason = TaskState.CLOSED, f"its history cannot be read: {error.fault}"
        self._close(task, state, reason, learned=True)

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
        if self._store.close(task.id, state, reason, learned=learned):
            logger.info("Suspended task %s of %s: %s.", task.id, task, state.value)
