"""The keeper: the process that sends the heartbeats of all suspended tasks of a domain.

A suspended task has left its worker, so its heartbeat timeout ends it unless a keeper sends
heartbeats. They are needed in any case: only the answer to a heartbeat tells that SWF closed the
task, or that its cancellation was requested. The keeper sends the heartbeats, records how each task
ended, and answers requested cancellations.

All its knowledge is in the store. So it may be killed and started again, and several may run side
by side: one of them claims a heartbeat, for a limited time.
"""

from __future__ import annotations

import collections
import functools

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.interruption import Interruption
from ...concurrency.retry import Backoff
from ...concurrency.signals import stop_signals
from ...concurrency.stop import StopFlag, StopLevel
from ...exception import TokenStoreError
from ...nouns import counted
from ...safe_logging import get_logger
from ...tokens import TokenStore
from ..client import Layer1, connect
from ..limits import name_text
from .beat_threads import BEATS_AT_ONCE, BeatThreads
from .heartbeater import SuspendedTaskHeartbeater
from .outage import OutageDetector
from .schedule import EVERY_SECONDS, LEASE_SECONDS, HeartbeatSchedule

logger = get_logger(__name__)

#: How often the keeper looks into the store, in seconds: other processes put tasks there.
LOOK_SECONDS = 1.0

#: The first and the longest pause while SWF or the store is out of reach, in seconds. They are
#: short, because tasks may be close to their timeouts when it is back.
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 5.0

#: How long the store keeps closed tasks by default, for people to see, in seconds: 30 days.
DROP_AFTER_SECONDS = 30 * 86_400.0

#: How often closed tasks are dropped from the store, in seconds.
DROP_INTERVAL_SECONDS = 3_600.0


class Keeper:
    """Sends heartbeats for the tasks of a store that belong to one domain, until it is stopped.

    Args:
        domain: the SWF domain.
        store: has the tasks.
        layer1: as for ``async_scheduler``; several threads use it at once.
        on_cancel: ``"answer"`` answers *canceled* if a cancellation was requested; ``"mark"``
            only marks the task in the store, and its heartbeats go on.
        every: the longest interval between a task's heartbeats, in seconds over 0. If a third of
            the task's declared heartbeat timeout is shorter, the keeper uses that.
        drop_after: how long the store keeps closed tasks, in seconds, 0 or more.
        signals: whether stop signals stop the keeper, if it runs on the main thread.
        clock: measures the pauses.

    Raises:
        ValueError: an argument cannot be used.
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
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if on_cancel not in ("answer", "mark"):
            raise ValueError(f"Cannot use on_cancel={on_cancel!r}: give 'answer' or 'mark'.")
        if not every > 0:
            raise ValueError(f"Cannot use every={every!r}: give seconds, over 0.")
        if not drop_after >= 0:
            raise ValueError(f"Cannot use drop_after={drop_after!r}: give seconds, 0 or more.")
        self._domain = name_text(domain, "domain", trimmed=True)
        self._store = store
        self._schedule = HeartbeatSchedule(every)
        self._outage = OutageDetector()
        self._heartbeater = SuspendedTaskHeartbeater(
            self._domain,
            store,
            connect(layer1, polls=False, calls_at_once=BEATS_AT_ONCE),
            answers=on_cancel == "answer",
            schedule=self._schedule,
            outage=self._outage,
        )
        self._drop_after_seconds = drop_after
        self._dropped_at: float | None = None
        self._signals = signals
        self._clock = clock
        self._stop = StopFlag(clock)
        self._trouble = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)

    def stop(self) -> None:
        """Let ``run`` return after the current calls; any thread may call this."""
        self._stop.raise_to(StopLevel.DRAIN)

    def run(self) -> None:
        """Send heartbeats until a stop is requested, through outages of SWF and the store.

        Raises:
            KeyboardInterrupt: a third signal came during a call.
        """
        threads = BeatThreads()
        try:
            interruption = Interruption()
            with stop_signals(self._stop, interruption=interruption, wanted=self._signals):
                interruption.call(lambda: self._look_until_stop(threads))
        finally:
            threads.close()
        logger.info("Keeper stopped.")

    def _look_until_stop(self, threads: BeatThreads) -> None:
        self._log_start()
        while not self._stop.is_set():
            self._stop.wait(self._look(threads))
        threads.wait_for_all()

    def look(self) -> None:
        """Send all due heartbeats once, and drop tasks that were closed long ago.

        Raises:
            TransientError, CredentialsError: SWF is out of reach: several heartbeats in a row
                failed.
            TokenStoreError: the store cannot be used.
        """
        threads = BeatThreads()
        try:
            self._drop_closed()
            done = False
            while not done:
                done = self._start_due(threads)
                threads.wait_for_all()
                done = done or self._outage.is_out_of_reach
        finally:
            threads.wait_for_all()
            threads.close()
        self._outage.raise_if_out_of_reach()

    def _look(self, threads: BeatThreads) -> float:
        """Start all due heartbeats; return how many seconds to pause afterwards."""
        try:
            self._drop_closed()
            self._start_due(threads)
        except TokenStoreError as error:
            pause = self._trouble.next_seconds()
            logger.warning("%s Trying again in %.1f s.", error, pause)
            return pause
        if self._outage.is_out_of_reach:
            return self._trouble.next_seconds()
        self._trouble.reset()
        return LOOK_SECONDS

    def _start_due(self, threads: BeatThreads) -> bool:
        """Start the due heartbeats; only one while SWF is out of reach.

        Returns:
            Whether all due heartbeats were started.
        """
        started = False
        while not (self._stop.is_set() or (started and self._outage.is_out_of_reach)):
            # A thread first, because the lease of a claimed task is running.
            if not threads.wait_for_free(LOOK_SECONDS):
                continue
            task = self._store.claim_due(
                self._domain,
                LEASE_SECONDS,
                longest_seconds=self._schedule.longest_seconds + LOOK_SECONDS,
            )
            if task is None:
                return True
            threads.submit(functools.partial(self._heartbeater.heartbeat, task))
            started = True
        return self._stop.is_set()

    def _drop_closed(self) -> None:
        now = self._clock.now()
        if self._dropped_at is None or now - self._dropped_at >= DROP_INTERVAL_SECONDS:
            dropped = self._store.drop_closed(self._drop_after_seconds)
            self._dropped_at = now
            if dropped:
                text = counted(dropped, "task that was", "tasks that were")
                logger.info("Dropped %s closed long ago.", text)

    def _log_start(self) -> None:
        """Log which tasks wait, because a mistyped domain or store raises no error."""
        try:
            waiting = collections.Counter(task.info.domain for task in self._store.pending())
        except TokenStoreError as error:
            logger.warning("Keeper started for domain %s. %s", self._domain, error)
            return
        own = waiting.pop(self._domain, 0)
        logger.info(
            "Keeper started for domain %s; suspended tasks in %s: %d.",
            self._domain,
            self._store,
            own,
        )
        if waiting and not own:
            logger.warning(
                "The store has no suspended task of domain %s, but %s: is this the right domain? A "
                "keeper sends the heartbeats of one domain.",
                self._domain,
                ", ".join(f"{count} of {name}" for name, count in sorted(waiting.items())),
            )
