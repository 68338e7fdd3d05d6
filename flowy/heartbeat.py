"""What a heartbeat tells, and the clock by which silence becomes a verdict.

SWF's RecordActivityTaskHeartbeat is the only way in which a worker learns that its task is
closed or that its cancellation was requested. A beat that does not get through is no verdict: it
is tried again for a while, and only when the declared heartbeat timeout has passed without one
accepted beat must the task be taken for lost, since SWF has then very likely timed it out and
its retry may be running elsewhere.

Heartbeats are throttled per account (160 a second and 2,000 at once by default), so a loop that
beats too often must not use up what the whole fleet has.
"""

from __future__ import annotations

import enum
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .exception import OutOfReachError, SWFError, UnknownResourceError
from .retry import Backoff, Deadline

logger = logging.getLogger(__name__)

#: How long one beat is tried again within its own call, in seconds.
BEAT_TRIED_SECONDS = 5.0

#: Beats that go out however close they are; after them one each interval.
BURST_BEATS = 10

#: The interval between two beats after a burst, in seconds; a tenth of the declared heartbeat
#: timeout where that is less.
LEAST_INTERVAL_SECONDS = 1.0

#: Threads that beat in the background, at most; a beat takes some 20 ms.
BACKGROUND_THREADS = 8

#: Ended tasks that the background may keep on its heap however few others there are.
LEAST_ENDED = 64


class Verdict(enum.Enum):
    """What is known of a task after its latest heartbeat."""

    GO_ON = "go on"
    CANCEL_REQUESTED = "its cancellation was requested"
    STOPPING = "the worker must stop"
    LOST = "no heartbeat was accepted for too long"
    CLOSED = "the task is closed"


class Heartbeat:
    """The heartbeats of one task, the author's and those in the background alike.

    Args:
        subject: names the task in log lines.
        send: sends one beat with its details; returns whether a cancellation was requested,
            raises ``SWFError`` where the beat was not accepted.
        timeout_seconds: the declared heartbeat timeout; None for none.
        lost_after_seconds: how long no beat may be accepted before the task is taken for lost;
            None for as long as it likes.
        pause: waits between two tries, in seconds; answers True to give up at once.
    """

    def __init__(
        self,
        subject: str,
        send: Callable[[str | None], bool],
        *,
        timeout_seconds: float | None = None,
        lost_after_seconds: float | None,
        pause: Callable[[float], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subject = subject
        self._send = send
        self._lost_after_seconds = lost_after_seconds
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._interval_seconds = min(
            LEAST_INTERVAL_SECONDS, (timeout_seconds or LEAST_INTERVAL_SECONDS * 10) / 10
        )
        self._allowance = float(BURST_BEATS)
        self._allowance_at = self._accepted_at = self._reported_at = clock()
        self._refusal_logged = False
        self._rests = False
        #: The newest details that the author gave; None for none so far.
        self.details: str | None = None
        self.verdict = Verdict.GO_ON

    def beat(self, details: str | None = None, *, now: bool = False) -> Verdict:
        """Beat for the author: report progress, and send a beat unless beats come too fast.

        With *now* it is sent however fast they come.

        Never raises for SWF's sake. In a tight loop most calls coalesce: they answer the latest
        verdict and keep the newest details for the next beat that goes out.
        """
        self.progress(details)
        with self._lock:
            at = self._clock()
            refilled = (at - self._allowance_at) / self._interval_seconds
            self._allowance = min(float(BURST_BEATS), self._allowance + refilled)
            self._allowance_at = at
            if self._allowance < 1.0 and not now:
                return self.verdict
            self._allowance = max(0.0, self._allowance - 1.0)
        return self.send()

    def progress(self, details: str | None = None) -> None:
        """Take note that the activity gets on; the details ride on the next beat."""
        self._reported_at = self._clock()
        if details is not None:
            self.details = details

    @property
    def silent_seconds(self) -> float:
        """How long ago the author last reported anything, in seconds."""
        return self._clock() - self._reported_at

    def rest(self) -> None:
        """Send nothing more: the task is settled, and one that is left must time out."""
        self._rests = True

    def send(self) -> Verdict:
        """Send a beat now, with the newest details, and return what is known after it.

        Each beat brings them: of a task that times out SWF keeps those of the last one.
        """
        if self._rests or self.verdict is Verdict.CLOSED:
            return self.verdict  # closed is closed: no need to ask again
        try:
            cancel_requested = self._try_for_a_while()
        except UnknownResourceError:
            self.verdict = Verdict.CLOSED
        except SWFError as error:
            self._log_refusal(error)
            self._judge_silence()
        else:
            self._accepted(cancel_requested)
        return self.verdict

    def _accepted(self, cancel_requested: bool) -> None:
        self._accepted_at = self._clock()
        self._refusal_logged = False
        # Of two beats at once the older may end last, and SWF takes no request to cancel back.
        if self.verdict is Verdict.CLOSED:
            return
        if cancel_requested:
            self.verdict = Verdict.CANCEL_REQUESTED
        elif self.verdict is Verdict.LOST:
            self.verdict = Verdict.GO_ON

    def _try_for_a_while(self) -> bool:
        deadline = Deadline(BEAT_TRIED_SECONDS, clock=self._clock)
        backoff = Backoff(first_seconds=0.2, cap_seconds=1.0)
        while True:
            try:
                return self._send(self.details)
            except OutOfReachError as error:
                pause = backoff.next_seconds()
                left = deadline.remaining_seconds()
                if left is not None and pause >= left:
                    raise
                logger.debug(
                    "Heartbeat of %s not sent (%s); again in %.1f s.",
                    self._subject,
                    error.fault,
                    pause,
                )
                if self._pause(pause):
                    raise

    def _judge_silence(self) -> None:
        if self.verdict in (Verdict.CANCEL_REQUESTED, Verdict.CLOSED):
            return  # that stays true, however silent SWF has become
        limit = self._lost_after_seconds
        if limit is not None and self._clock() - self._accepted_at >= limit:
            if self.verdict is not Verdict.LOST:
                logger.error(
                    "No heartbeat of %s accepted for %d s; the activity is told to give up.",
                    self._subject,
                    int(limit),
                )
            self.verdict = Verdict.LOST

    def _log_refusal(self, error: SWFError) -> None:
        if isinstance(error, OutOfReachError):
            logger.warning(
                "Heartbeat of %s not sent (%s); the activity goes on.", self._subject, error.fault
            )
        elif not self._refusal_logged:
            self._refusal_logged = True
            logger.error(
                "Heartbeat of %s refused (%s); the activity goes on until its declared timeout.",
                self._subject,
                error.fault,
            )


@dataclass(order=True)
class _Beating:
    """One block for which the background beats; the heap orders them by when they are due."""

    due_at: float
    number: int
    heartbeat: Heartbeat = field(compare=False)
    interval_seconds: float = field(compare=False)
    max_stall_seconds: float | None = field(compare=False)
    told: Callable[[Verdict], None] = field(compare=False)
    over: bool = field(default=False, compare=False)


class Background:
    """Beats for running tasks, from a few daemon threads shared by all of them.

    The threads are started with the first task that needs them.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._due: list[_Beating] = []
        self._numbers = itertools.count()
        self._threads = 0
        self._idle = 0
        self._ended = 0  # entries that are over and may still be on the heap
        self._closed = False

    @contextmanager
    def beating(
        self,
        heartbeat: Heartbeat,
        *,
        interval_seconds: float,
        max_stall_seconds: float | None,
        told: Callable[[Verdict], None],
    ) -> Iterator[None]:
        """Beat every *interval_seconds* while the block runs.

        Args:
            heartbeat: the task's.
            interval_seconds: from the end of one beat to the next.
            max_stall_seconds: beats rest while the author has reported nothing for so long, so
                that a hung activity does time out; None to beat on.
            told: called with each verdict that is not to go on.
        """
        entry = _Beating(
            time.monotonic() + interval_seconds,
            next(self._numbers),
            heartbeat,
            interval_seconds,
            max_stall_seconds,
            told,
        )
        with self._condition:
            self._push(entry)
            self._start_thread()
        try:
            yield
        finally:
            entry.over = True
            self._forget_ended()

    def close(self) -> None:
        """Beat for nobody any more, and let the threads end."""
        with self._condition:
            self._closed = True
            self._due.clear()
            self._condition.notify_all()

    def _push(self, entry: _Beating) -> None:
        heapq.heappush(self._due, entry)
        self._condition.notify()

    def _forget_ended(self) -> None:
        """Take what is over off the heap, where that is the half of it: it holds whole tasks."""
        with self._condition:
            self._ended += 1
            if self._ended * 2 > len(self._due) + LEAST_ENDED:
                self._due = [entry for entry in self._due if not entry.over]
                heapq.heapify(self._due)
                self._ended = 0

    def _start_thread(self) -> None:
        if not self._closed and self._idle == 0 and self._threads < BACKGROUND_THREADS:
            name = f"flowy-heartbeat-{self._threads + 1}"
            try:
                threading.Thread(target=self._work, name=name, daemon=True).start()
            except RuntimeError as error:  # a limit on threads, as containers have, or on memory
                logger.warning(
                    "Cannot have %d threads for heartbeats but %d (%s).",
                    BACKGROUND_THREADS,
                    self._threads,
                    error,
                )
            else:
                self._threads += 1

    def _work(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self._beat(entry)
            except Exception:
                logger.exception("A background heartbeat failed; the next one is tried.")
            if not entry.over:
                entry.due_at = time.monotonic() + entry.interval_seconds
                with self._condition:
                    self._push(entry)
            del entry  # an idle thread must not keep the last task alive

    def _next(self) -> _Beating | None:
        """Wait for the next beat that is due and take it off the heap; None when closed."""
        with self._condition:
            while not self._closed:
                while self._due and self._due[0].over:
                    heapq.heappop(self._due)
                wait = self._due[0].due_at - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    entry = heapq.heappop(self._due)
                    if self._due:
                        self._start_thread()
                    return entry
                self._idle += 1
                self._condition.wait(wait)
                self._idle -= 1
            return None

    @staticmethod
    def _beat(entry: _Beating) -> None:
        stall = entry.max_stall_seconds
        if entry.over or (stall is not None and entry.heartbeat.silent_seconds > stall):
            return
        verdict = entry.heartbeat.send()
        if verdict is not Verdict.GO_ON and not entry.over:
            entry.told(verdict)
