"""The threads that poll for a worker with several slots, and the wait for their end."""

from __future__ import annotations

import threading

from ...concurrency.retry import Deadline
from ...concurrency.stop import StopLevel
from ...exception import SWFError, ThreadError
from ...nouns import counted
from ...safe_logging import get_logger
from ..client.connect import POLL_READ_TIMEOUT_SECONDS
from .poll_loop import PollLoop
from .poller_record import PollerRecord, PollerState
from .polling import NOT_WAITED_FOR
from .runner import LOOK_SECONDS
from .slots import Slots
from .worker_context import WorkerContext

logger = get_logger(__name__)

#: How long a stop waits for open polls, in seconds.
POLL_WAIT_SECONDS = POLL_READ_TIMEOUT_SECONDS + 10.0

#: The pause of a poller thread after an unexpected error, in seconds.
BROKEN_POLLER_SECONDS = 5.0


class Pollers:
    """Polls in threads, and waits in the calling one.

    Args:
        worker: the context that the tasks share.
        slots: the worker's slots.
        polls: the loop that each thread runs.
        count: the number of threads.
    """

    def __init__(self, worker: WorkerContext, slots: Slots, polls: PollLoop, count: int) -> None:
        self._stop = worker.policy.flag
        self._clock = worker.clock
        self._slots = slots
        self._polls = polls
        self._count = count
        self._alive = 0
        self._error: SWFError | None = None

    def serve(self) -> None:
        """Let threads poll, and wait here for a stop and for its end.

        Raises:
            SWFError: the first polls were refused.
            ThreadError: the system cannot start a thread to poll in.
            KeyboardInterrupt: Ctrl-C in a script that handles signals itself.
        """
        try:
            self._start()
            self._wait_for_end()
        except KeyboardInterrupt:
            logger.info("Interrupted; running activities finish. Interrupt again to end at once.")
            self._wait_for_end(stop_first=True)
            raise
        if self._error is not None:
            raise self._error

    def _start(self) -> None:
        """Start the threads that poll, or as many as the system can start."""
        for number in range(self._count):
            poller = threading.Thread(target=self._work, name=f"flowy-poller-{number}", daemon=True)
            with self._slots.changing():
                self._alive += 1
            try:
                poller.start()
            except RuntimeError as error:  # a limit on threads, common in containers
                with self._slots.changing():
                    self._alive -= 1
                if number == 0:
                    raise ThreadError(
                        f"Cannot start the worker: the system has no thread to poll in ({error})."
                        " Raise its limits, or lower concurrency."
                    ) from error
                pollers = counted(number, "poller")
                logger.warning("%s and not %d: %s.", pollers, self._count, error)
                return

    def _work(self) -> None:
        record = self._polls.new_record()
        try:
            while not self._poll(record):
                record.does(PollerState.PARKED)
                self._stop.wait(BROKEN_POLLER_SECONDS)
        finally:
            with self._slots.changing():
                self._alive -= 1

    def _poll(self, record: PollerRecord) -> bool:
        """Poll until a stop or the last poll; return False after an unexpected error."""
        try:
            self._polls.run(record)
        except SWFError as error:
            self._error = self._error or error
            self._stop.raise_to(StopLevel.DRAIN)
        except BaseException:  # the poller is still needed, whatever the error
            logger.exception("A poller failed; it polls again in %.0f s.", BROKEN_POLLER_SECONDS)
            return False
        return True

    def _wait_for_end(self, *, stop_first: bool = False) -> None:
        if not stop_first:
            self._slots.wait_while(
                lambda: self._alive > 0 and not self._stop.is_set(), look_seconds=LOOK_SECONDS
            )
        self._stop.raise_to(StopLevel.DRAIN)
        patience = Deadline(POLL_WAIT_SECONDS, clock=self._clock)
        self._slots.wait_while(lambda: self._is_busy(patience), look_seconds=LOOK_SECONDS)
        for _ in range(self._slots.polls_out):
            self._polls.poll_lost(NOT_WAITED_FOR)

    def _is_busy(self, patience: Deadline) -> bool:
        killed = self._stop.is_set(StopLevel.KILL)
        waits_for_polls = self._slots.has_polls and not killed and not patience.passed
        return bool(self._slots.running) or waits_for_polls
