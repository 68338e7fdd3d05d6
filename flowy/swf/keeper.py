"""The keeper: beats for suspended tasks, and learns what SWF has closed.

A suspended task has no worker that beats for it, so one with a heartbeat timeout would vanish
into it; and SWF tells nobody that it has closed a task, it only refuses the next call for it. So
somebody must beat for all that waits, read in the history how each ended that SWF has closed, and
answer where a cancellation was requested: a heartbeat is the only way to learn of that, too.

All that a keeper knows stands in the store. It may be killed and started again, and several may
run side by side: each beat is claimed, by one, for a while. Several beats are out at once, for a
call that hangs must not keep the others from being made in time.
"""

from __future__ import annotations

import collections
import functools
import logging
import threading
import time

from ..exception import (
    SWFError,
    TokenStoreError,
)
from ..executor import Threads
from ..retry import Backoff
from ..shutdown import StopFlag, StopLevel, stop_signals
from ..tokens import SuspendedTask, TokenStore
from .caretaker import LEASE_SECONDS, RETRY_SECONDS, Caretaker
from .client import Layer1, connect
from .values import name_text

logger = logging.getLogger(__name__)

#: How often a task is beaten for that need not be, or not so often, by default, in seconds: this
#: is how soon one learns that it was closed.
EVERY_SECONDS = 300.0

#: How often the store is looked at, in seconds: other processes put tasks into it.
LOOK_SECONDS = 1.0

#: Beats that are out at once, at most; so a connection each is what a client needs.
BEATS_AT_ONCE = 8

#: Pauses where SWF, or the store, is out of reach, in seconds. Short ones, for a heartbeat costs
#: SWF nothing, and tasks may be close to their timeout when it is back.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0

#: So many beats in a row that do not get through are SWF's matter, and no longer their tasks'.
FAILURES_IN_A_ROW = 5

#: How long what was closed is kept for people to see, by default, in seconds: 30 days.
DROP_AFTER_SECONDS = 30 * 86_400.0

#: How often the store is rid of what was closed long ago, in seconds.
DROP_INTERVAL_SECONDS = 3_600.0


class Keeper:
    """Beats for the tasks of a store that belong to one domain, until it is stopped.

    Args:
        domain: the SWF domain.
        store: where the tasks are kept.
        layer1: as for ``async_scheduler``; several threads use it at once.
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
        self._caretaker = Caretaker(
            self._domain,
            store,
            connect(layer1, polls=False, calls_at_once=BEATS_AT_ONCE),
            answers=on_cancel == "answer",
            every_seconds=every,
            got_through=self._got_through,
            failed=self._not_sent,
        )
        self._drop_after_seconds = drop_after
        self._longest_seconds = max(every, LEASE_SECONDS) + LOOK_SECONDS
        self._signals = signals
        self._stop = StopFlag()
        self._trouble = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._dropped_at: float | None = None
        self._changed = threading.Condition()
        self._out = 0  # beats that are out
        self._failures = 0  # beats in a row that did not get through
        self._failure: SWFError | None = None

    def stop(self) -> None:
        """Ask it to stop, after the calls that are out; any thread may call it."""
        self._stop.raise_to(StopLevel.FINISH)

    def run(self) -> None:
        """Keep on until a stop is asked for, through whatever happens to SWF and the store.

        Raises:
            KeyboardInterrupt: a third signal came while a call was out.
        """
        threads = Threads(BEATS_AT_ONCE, "flowy-keeper")
        try:
            with stop_signals(self._stop, interrupt=True, wanted=self._signals):
                self._say_what_waits()
                while not self._stop.is_set():
                    self._stop.wait(self._look(threads))
                self._wait_for_beats()
        finally:
            threads.close()
        logger.info("Keeper stopped.")

    def _say_what_waits(self) -> None:
        """Log the start, so that a mistyped domain or store is seen: neither is any error."""
        try:
            waiting = collections.Counter(task.info.domain for task in self._store.pending())
        except TokenStoreError as error:
            logger.warning("Keeper started for domain %s. %s", self._domain, error)
            return
        own = waiting.pop(self._domain, 0)
        logger.info(
            "Keeper started for domain %s; tasks that wait in %s: %d.",
            self._domain,
            self._store,
            own,
        )
        if waiting and not own:
            logger.warning(
                "No task of domain %s waits, but %s: is this the right domain? A keeper beats for "
                "one domain alone.",
                self._domain,
                ", ".join(f"{count} of {name}" for name, count in sorted(waiting.items())),
            )

    def look(self) -> None:
        """Beat for all that is due, once, and drop what is old.

        Raises:
            OutOfReachError, CredentialsError: SWF cannot be asked now: several beats in a row did
                not get through.
            TokenStoreError: the store cannot be used.
        """
        threads = Threads(BEATS_AT_ONCE, "flowy-keeper")
        try:
            self._drop_old()
            done = False
            while not done:
                done = self._beat_due(threads)
                self._wait_for_beats()
                done = done or self._away
        finally:
            self._wait_for_beats()
            threads.close()
        if self._away and self._failure is not None:
            raise self._failure

    def _look(self, threads: Threads) -> float:
        """Look, without waiting for the beats to end; return how long to pause, in seconds."""
        try:
            self._drop_old()
            self._beat_due(threads)
        except TokenStoreError as error:
            pause = self._trouble.next_seconds()
            logger.warning("%s Keeping on in %.1f s.", error, pause)
            return pause
        if self._away:
            return self._trouble.next_seconds()
        self._trouble.reset()
        return LOOK_SECONDS

    @property
    def _away(self) -> bool:
        """Whether it is SWF that cannot be asked, rather than for some of the tasks."""
        return self._failures >= FAILURES_IN_A_ROW

    def _beat_due(self, threads: Threads) -> bool:
        """Begin a beat for each task that is due; while SWF is away for one, to see.

        Returns:
            Whether no more need be begun.
        """
        begun = False
        while not (self._stop.is_set() or (begun and self._away)):
            if not self._take_turn():
                continue
            task = None
            try:
                task = self._store.claim_due(
                    self._domain, LEASE_SECONDS, longest_seconds=self._longest_seconds
                )
            finally:
                if task is None:
                    self._give_turn()
            if task is None:
                return True
            begun = True
            threads.submit(functools.partial(self._take_care, task))
        return self._stop.is_set()

    def _take_turn(self) -> bool:
        """Wait for a moment until one more beat may go out: what is claimed must not wait."""
        with self._changed:
            if self._out >= BEATS_AT_ONCE:
                self._changed.wait(LOOK_SECONDS)
            free = self._out < BEATS_AT_ONCE
            self._out += free
            return free

    def _give_turn(self) -> None:
        with self._changed:
            self._out -= 1
            self._changed.notify_all()

    def _wait_for_beats(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._out == 0)

    def _drop_old(self) -> None:
        now = time.monotonic()
        if self._dropped_at is None or now - self._dropped_at >= DROP_INTERVAL_SECONDS:
            dropped = self._store.drop_closed(self._drop_after_seconds)
            self._dropped_at = now
            if dropped:
                logger.info("Dropped %d tasks that were closed long ago.", dropped)

    def _take_care(self, task: SuspendedTask) -> None:
        """Take care of one task, in a thread of its own."""
        try:
            self._caretaker.take_care(task)
        finally:
            self._give_turn()

    def _got_through(self) -> None:
        with self._changed:
            was_away, self._failures = self._away, 0
        if was_away:
            logger.info("SWF takes heartbeats again.")

    def _not_sent(self, task: SuspendedTask, error: SWFError) -> None:
        with self._changed:
            self._failures += 1
            self._failure = error
            failures = self._failures
        if failures <= FAILURES_IN_A_ROW:
            logger.warning(
                "Heartbeat of %s, task %s, not sent (%s). Tried again in %.0f s.",
                task,
                task.id,
                error.fault,
                RETRY_SECONDS,
            )
        if failures == FAILURES_IN_A_ROW:
            logger.warning(
                "%d heartbeats in a row did not get through, the last of them: %s Now one is tried "
                "every few seconds, until one does.",
                failures,
                error,
            )
