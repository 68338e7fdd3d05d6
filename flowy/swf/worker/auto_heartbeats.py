"""Heartbeats in the background, for activities that ask for them.

One call to SWF takes some 20 ms, and a worker may run a thousand tasks, so all of them share a few
threads. Heartbeats pause for an activity that reports nothing for too long, because one that hangs
must time out.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...exception import ThreadError
from ...logs import log_keys
from ...safe_logging import get_logger
from .heartbeats import Heartbeats

logger = get_logger(__name__)

#: How many threads send heartbeats in the background, at most.
AUTO_HEARTBEAT_THREADS = 8

#: What takes less than this, in seconds, needs no heartbeat.
NO_WAIT_SECONDS = 1.0

#: How many tasks that have ended may always stay on the heap.
LEAST_ENDED = 64


@dataclass(order=True)
class _Entry:
    """One run that gets heartbeats; the heap orders entries by the time of the next one."""

    due_at: float
    number: int
    heartbeats: Heartbeats = field(compare=False)
    interval_seconds: float = field(compare=False)
    max_stall_seconds: float | None = field(compare=False)
    sent: Callable[[], object] = field(compare=False)
    ended: bool = field(default=False, compare=False)


class AutoHeartbeats:
    """Sends heartbeats for running tasks from a few daemon threads, started when needed."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._due: list[_Entry] = []
        self._sending: list[_Entry] = []
        self._numbers = itertools.count()
        self._threads = 0
        self._idle = 0
        self._ended = 0  # entries that have ended and may still be on the heap
        self._closed = False

    def start(self) -> None:
        """Start the first thread.

        Raises:
            ThreadError: the system cannot start it.
        """
        with self._condition:
            self._start_thread()
            if not self._threads:
                raise ThreadError(
                    "Cannot send heartbeats in the background: the system cannot start a thread. "
                    "Raise its limit on threads or memory."
                )

    def while_waiting(
        self, heartbeats: Heartbeats, *, timeout_seconds: float | None, sent: Callable[[], object]
    ) -> AbstractContextManager[None]:
        """Send heartbeats while the block waits for something else than the activity.

        Args:
            heartbeats: sends the heartbeats of the task.
            timeout_seconds: the heartbeat timeout; None sends none.
            sent: called after each heartbeat.
        """
        if timeout_seconds is None:
            return nullcontext()
        interval, silent = timeout_seconds / 3, heartbeats.unaccepted_seconds
        # The activity may have sent its last one, or none, long ago; but most waits are short.
        first = max(min(NO_WAIT_SECONDS, interval), interval - silent)
        return self.during(
            heartbeats,
            interval_seconds=interval,
            max_stall_seconds=None,
            sent=sent,
            first_seconds=max(0.0, min(first, (timeout_seconds - silent) / 2)),
        )

    @contextmanager
    def during(
        self,
        heartbeats: Heartbeats,
        *,
        interval_seconds: float,
        max_stall_seconds: float | None,
        sent: Callable[[], object],
        first_seconds: float | None = None,
    ) -> Iterator[None]:
        """Send a heartbeat every *interval_seconds* while the block runs.

        Args:
            heartbeats: sends the heartbeats of the task.
            interval_seconds: from the end of one heartbeat to the next.
            max_stall_seconds: heartbeats pause when the activity has reported nothing for this
                long; None: they never pause.
            sent: called after each heartbeat.
            first_seconds: in how many seconds the first heartbeat goes out; None for the interval.
        """
        entry = _Entry(
            self._clock.now() + (interval_seconds if first_seconds is None else first_seconds),
            next(self._numbers),
            heartbeats,
            interval_seconds,
            max_stall_seconds,
            sent,
        )
        with self._condition:
            self._push(entry)
            self._start_thread()
        try:
            yield
        finally:
            entry.ended = True
            self._forget_ended()

    def change(self, heartbeats: Heartbeats, interval_seconds: float) -> None:
        """Send the heartbeats of a running task at another interval from now on."""
        due_at = self._clock.now() + interval_seconds
        with self._condition:
            for entry in (*self._due, *self._sending):
                if entry.heartbeats is heartbeats and not entry.ended:
                    entry.interval_seconds = interval_seconds
                    entry.due_at = min(entry.due_at, due_at)
            heapq.heapify(self._due)
            self._condition.notify()

    def close(self) -> None:
        """Send no more heartbeats, and let the threads end."""
        with self._condition:
            self._closed = True
            self._due.clear()
            self._condition.notify_all()

    def _push(self, entry: _Entry) -> None:
        heapq.heappush(self._due, entry)
        self._condition.notify()

    def _forget_ended(self) -> None:
        """Drop ended entries once they are half of the heap, because they keep tasks in memory."""
        with self._condition:
            self._ended += 1
            if self._ended * 2 > len(self._due) + LEAST_ENDED:
                self._due = [entry for entry in self._due if not entry.ended]
                heapq.heapify(self._due)
                self._ended = 0

    def _start_thread(self) -> None:
        if self._closed or self._idle > 0 or self._threads >= AUTO_HEARTBEAT_THREADS:
            return
        name = f"flowy-heartbeat-{self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:  # a limit on threads, common in containers, or on memory
            logger.warning(
                "Cannot start more than %d of %d threads for heartbeats (%s).",
                self._threads,
                AUTO_HEARTBEAT_THREADS,
                error,
            )
        else:
            self._threads += 1

    def _work(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self._beat(entry)
            except BaseException:
                subject = entry.heartbeats.subject
                logger.exception(
                    "A background heartbeat of %s failed; trying the next one.",
                    subject,
                    extra=log_keys("heartbeat_failed", subject),
                )
            with self._condition:
                self._sending.remove(entry)
                if not entry.ended:
                    entry.due_at = self._clock.now() + entry.interval_seconds
                    self._push(entry)
            del entry  # an idle thread must not keep the last task alive

    def _next(self) -> _Entry | None:
        """Wait until a heartbeat is due, and take its entry off the heap; None when closed."""
        with self._condition:
            while not self._closed:
                while self._due and self._due[0].ended:
                    heapq.heappop(self._due)
                wait = self._due[0].due_at - self._clock.now() if self._due else None
                if wait is not None and wait <= 0:
                    entry = heapq.heappop(self._due)
                    self._sending.append(entry)
                    if self._due:
                        self._start_thread()
                    return entry
                self._idle += 1
                self._clock.wait(self._condition, wait)
                self._idle -= 1
            return None

    @staticmethod
    def _beat(entry: _Entry) -> None:
        stall = entry.max_stall_seconds
        if entry.ended or (stall is not None and entry.heartbeats.silent_seconds > stall):
            return
        entry.heartbeats.send()
        if not entry.ended:
            entry.sent()
