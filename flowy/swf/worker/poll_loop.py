"""The loop of each poller: take a slot, poll, and start the task that the poll brings."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...concurrency.stop import StopLevel
from .open_poll import OpenPoll
from .poll_outage import PollOutage
from .poller_record import PollerRecord, PollerState
from .polling import Poller
from .runner import Runner
from .slots import Slots
from .task_run import TaskRun
from .worker_context import WorkerContext

#: How long a poller that has a slot waits for a thread, in seconds, before it looks for a stop.
NO_THREAD_SECONDS = 0.2


class PollLoop:
    """Polls and starts tasks; each of a worker's pollers calls ``run`` with a record of its own.

    Args:
        worker: the context that the tasks share.
        slots: the worker's slots.
        runner: runs the tasks.
        loop: after how many answered polls to end; -1 for never.
        polls_out: called with 1 when a poll goes out, with -1 when it is back.
    """

    def __init__(
        self,
        worker: WorkerContext,
        slots: Slots,
        runner: Runner,
        loop: int,
        *,
        polls_out: Callable[[int], None] = lambda change: None,
    ) -> None:
        self._worker = worker
        self._stop = worker.policy.flag
        self._slots = slots
        self._runner = runner
        self._polls_out = polls_out
        self._turns_left = loop
        self._lock = threading.Lock()
        self._answered = threading.Event()
        #: What each poller does.
        self.records: list[PollerRecord] = []
        self._outage = PollOutage(worker.task_list, worker.client.place, clock=worker.clock)

    def new_record(self) -> PollerRecord:
        """Return the record of the poller that is the calling thread."""
        worker = self._worker
        record = PollerRecord(worker.clock, is_connecting=worker.client.is_connecting)
        self.records.append(record)
        return record

    def run(self, record: PollerRecord | None = None) -> None:
        """Poll until a stop or the last turn.

        Args:
            record: the poller's, if it has polled before; None for a new one.

        Raises:
            SWFError: the first polls were refused.
        """
        record = record or self.new_record()
        open_poll = OpenPoll(self._slots, self._polls_out)
        poller = self._poller(record, open_poll)
        while self._take_slot(record):
            run = None
            try:
                if not self._runner.reserve():
                    record.does(PollerState.BACKING_OFF)
                    self._runner.wait_for_thread(NO_THREAD_SECONDS)
                    continue
                try:
                    if not self._take_turn():
                        break
                    run = self._poll(poller, open_poll)
                finally:
                    if run is None:
                        self._runner.release()
            finally:
                if run is None:
                    self._slots.give_back()
            if run is not None:
                record.does(PollerState.RUNNING)
                self._begin(run)
        record.does(PollerState.ENDED)

    def _poller(self, record: PollerRecord, open_poll: OpenPoll) -> Poller:
        worker = self._worker
        return Poller(
            worker.client,
            domain=worker.domain,
            task_list=worker.task_list,
            identity=worker.identity,
            stop=self._stop,
            answered=self._answered,
            lost=self.poll_lost,
            outage=self._outage,
            observers=worker.observers,
            record=record,
            open_poll=open_poll,
            interruption=worker.interruption,
            clock=worker.clock,
        )

    def poll_lost(self, fault: str) -> None:
        """Record a poll that may have cost a task."""
        self._worker.tally.poll_lost(self._worker.identity, fault)
        self._worker.journal.poll_lost(self._worker.identity, fault)

    def _take_slot(self, record: PollerRecord) -> bool:
        record.does(PollerState.AWAITING_SLOT)
        taken = self._slots.take()
        record.does(PollerState.PREPARING)
        return taken

    def _poll(self, poller: Poller, open_poll: OpenPoll) -> TaskRun | None:
        run = task = None
        try:
            task = poller.poll()
            if task is not None:
                run = TaskRun(self._worker, task)
        except BaseException as error:
            # Interrupted, by a third signal for example, or out of memory after the poll.
            if task is not None or (open_poll.is_open and not isinstance(error, Exception)):
                self.poll_lost(type(error).__name__)
            raise
        finally:
            open_poll.end(run)
        return run

    def _begin(self, run: TaskRun) -> None:
        if self._stop.is_set(StopLevel.CANCEL):  # the grace is over: too late to start
            self._runner.release()
            run.end_by_stop()
        else:
            self._runner.run(run)

    def _take_turn(self) -> bool:
        """Take one of the remaining polls; return False if all are used up."""
        with self._lock:
            if self._turns_left == 0:
                return False
            self._turns_left -= self._turns_left > 0
            return True
