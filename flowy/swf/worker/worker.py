"""The worker: polls a task list, runs the tasks, and stops without losing one.

SWF marks a task as started when it answers a poll with it, without an acknowledgement. So a stop
sends no new polls, waits for those that are open, and lets their tasks run: a poll that is dropped
may cost a task that stays open until it times out.
"""

from __future__ import annotations

import functools
import logging
import os
import platform
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..._version import __version__
from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.interruption import Interruption
from ...concurrency.signals import stop_signals
from ...concurrency.stop import StopFlag, StopLevel
from ...concurrency.threads import start_thread
from ...context import ActivityInfo
from ...importing import imported
from ...logs import log_keys
from ...middleware import check_middleware
from ...nouns import counted
from ...observer import WorkerStarted, WorkerStopped
from ...safe_logging import get_logger
from ..client import SWFClient
from ..limits import MAX_NAME_CHARS, name_text
from ..values import ActivityImplementation, ActivityTask, ActivityType
from .auto_heartbeats import AUTO_HEARTBEAT_THREADS, AutoHeartbeats
from .envelopes import with_envelopes
from .journal import NoJournal, TaskJournal
from .options import polls_to_answer
from .poll_loop import PollLoop
from .pollers import Pollers
from .polling import NOT_WAITED_FOR
from .report import StopReport
from .responder import StopPolicy
from .runner import Runner
from .serving_options import ServingOptions
from .slots import Slots
from .stopping import ENDING_THREADS, LAST_ANSWER_SECONDS, Stopping
from .worker_context import WorkerContext

if TYPE_CHECKING:
    from .queue_sampler import QueueSampler
    from .state import WorkerState

logger = get_logger(__name__)


def default_identity(pid: int | None = None) -> str:
    """Return host, process and version, which SWF keeps in the history, cut to 256 characters.

    Args:
        pid: the id of a worker process on this machine; None for this one.
    """
    return f"{platform.node()}:{pid or os.getpid()} flowy/{__version__}"[:MAX_NAME_CHARS]


def calls_at_once(concurrency: int) -> int:
    """Return how many calls a worker may make at once, for the clients' connection pools.

    They are one for each activity, the background heartbeats, and the answers that a stop sends.
    """
    return concurrency + AUTO_HEARTBEAT_THREADS + ENDING_THREADS


class ActivityWorker:
    """Serves the activities of a scan on one task list.

    Args:
        client: makes the calls to SWF; ``flowy.swf.client.connect()`` returns one.
        domain, task_list: the task list to poll.
        activities: the activities to serve, such as ``flowy.swf.scanner.Scanner(...).scan()``.
        loop: end after this many answered polls, with or without a task; -1 for never.
        journal: records open tasks; or None.
        polls_out: called with 1 when a poll is sent, and with -1 when it has ended.
        leave: called with the report when everything is settled but the calling thread hangs in an
            activity, or, at the last stop level, in a poll; it ends the process. None lets ``run``
            return when the activity, or the poll, does.
        last: whether the process ends after ``run``, so that later signals are ignored.
        put_signals_back: called after each run in the calling thread; None restores the worker's
            own handlers.
        clock: measures waits and timeouts.
        options: fields of ``ServingOptions``, such as ``concurrency=10``.

    Raises:
        ValueError: an argument cannot be used.
    """

    def __init__(
        self,
        client: SWFClient,
        domain: str,
        task_list: str,
        activities: Mapping[ActivityType, ActivityImplementation],
        *,
        loop: int = -1,
        journal: TaskJournal | None = None,
        polls_out: Callable[[int], None] = lambda change: None,
        leave: Callable[[StopReport], None] | None = None,
        last: bool = False,
        put_signals_back: Callable[[], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        **options: Any,
    ) -> None:
        self._options = ServingOptions(**options)
        self._last = last
        self._supervised = journal is not None
        self._put_signals_back = put_signals_back
        self._leave = leave
        self._stop = StopFlag(clock)
        self._serial = self._options.concurrency == 1
        self._slots = Slots(self._options.concurrency, self._stop, clock)
        self._worker = self._context(
            client,
            activities=with_envelopes(activities, self._options.envelope),
            domain=name_text(domain, "domain", trimmed=True),
            task_list=name_text(task_list, "task_list", trimmed=True),
            journal=journal or NoJournal(),
            auto_heartbeats=AutoHeartbeats(clock),
            clock=clock,
        )
        self._runner = Runner(self._worker, self._slots, self._options.concurrency)
        self._polls = PollLoop(
            self._worker, self._slots, self._runner, polls_to_answer(loop), polls_out=polls_out
        )

    def _context(self, client: SWFClient, **fields: Any) -> WorkerContext:
        """Return what the task runs share, from the options and these *fields*."""
        options = self._options
        observers = options.all_observers
        return WorkerContext(
            client=client.observed_by(observers) if observers else client,
            identity=default_identity(),
            policy=StopPolicy(self._stop, options.grace, options.on_stop),
            on_unknown=options.on_unknown,
            middleware=check_middleware(imported(options.middleware)),
            observers=observers,
            settled=self._slots.settled,
            slots=options.concurrency,
            start_level=logging.INFO if options.log_starts else logging.DEBUG,
            interruption=Interruption(possible=self._serial),
            history_rate=options.history_rate,
            sample=self._sample if observers and options.queue_sample else None,
            **fields,
        )

    @functools.cached_property
    def _sampler(self) -> QueueSampler:
        from .queue_sampler import QueueSampler  # needed only by those who sample

        worker = self._worker
        return QueueSampler(self._options.queue_sample, lambda: worker.histories, worker.observers)

    def _sample(self, task: ActivityTask, info: ActivityInfo) -> None:
        self._sampler.take(task, info)

    def stop(self, level: StopLevel = StopLevel.DRAIN) -> None:
        """Ask the worker to stop; any thread and any signal handler may call this.

        Args:
            level: ``DRAIN`` lets running activities finish, within the grace; ``CANCEL`` ends the
                grace; ``KILL`` stops waiting even for polls.
        """
        self._stop.raise_to(level)

    @functools.cached_property
    def state(self) -> WorkerState:
        """The current state of the worker."""
        from .state import WorkerState  # needed only to show the health

        return WorkerState(self._worker, self._slots, self._polls.records, self._runner)

    def print_state(self) -> None:
        """Write to standard error what the worker does, with the stacks of all that runs."""
        self.state.print()

    def run(self) -> StopReport:
        """Poll and run until a stop is requested, or until *loop* polls were answered.

        Returns:
            How the tasks ended, and what the stop left.

        Raises:
            SWFError: the first polls were refused.
            ThreadError: the system cannot start the worker's threads.
            KeyboardInterrupt, SystemExit: an activity on the calling thread raised it, and its task
                has failed; or, with ``signals=False``, something else raised it in that thread.
        """
        options = self._options
        stopping = Stopping(
            worker=self._worker,
            slots=self._slots,
            leave=None if self._leave is None else self._leave_process,
            runs_here=lambda: self._runner.here,
            polls_here=threading.get_ident() if self._serial else None,
            supervised=self._supervised,
        )
        try:
            self._start(stopping)
            with stop_signals(
                self._stop,
                interruption=self._worker.interruption,
                wanted=options.signals,
                last=self._last,
                report=self.print_state,
            ) as put_back:
                self._runner.put_signals_back = self._put_signals_back or put_back
                self._tell_start()  # from here on, signals stop the worker
                self._poll()
        finally:
            stopping.finish()
            report = self._end()
        return report

    def _poll(self) -> None:
        if self._serial:
            self._polls.run()
        else:
            pollers = self._options.polls_at_once
            Pollers(self._worker, self._slots, self._polls, pollers).serve()

    def _start(self, stopping: Stopping) -> None:
        """Start the threads that must run before the first poll.

        Raises:
            ThreadError: the system cannot start them.
        """
        self._runner.start()
        if any(each.auto_heartbeat_seconds for each in self._worker.activities.values()):
            self._worker.auto_heartbeats.start()
        start_thread("flowy-stop", stopping.watch)

    def _tell_start(self) -> None:
        worker, options = self._worker, self._options
        logger.info(
            "Worker started as %s: %s, %d at once, task list %s of domain %s.",
            worker.identity,
            counted(len(worker.activities), "type"),
            options.concurrency,
            worker.task_list,
            worker.domain,
            extra=log_keys("worker_started"),
        )
        worker.observers.worker_started(
            WorkerStarted(
                worker.domain,
                worker.task_list,
                worker.identity,
                tuple(map(str, worker.activities)),
                options.concurrency,
                options.polls_at_once,
            )
        )

    def _end(self) -> StopReport:
        """Settle the remaining tasks, report, and let all threads end.

        An interruption leaves tasks, and the stop may still be answering for one.
        """
        left = self._slots.running
        for run in left:
            run.end_by_stop()
        for run in self._slots.wait_until_settled(left, LAST_ANSWER_SECONDS):
            run.give_up()
        report = self._report()
        self._stop.raise_to(StopLevel.KILL)  # ends all waiting for the flag
        self._runner.close()
        self._worker.auto_heartbeats.close()
        if self._worker.sample is not None:
            self._sampler.close()
        return report

    def _report(self) -> StopReport:
        report = self._worker.tally.report()
        level = logging.INFO if report.clean else logging.WARNING
        logger.log(level, "Worker stopped: %s.", report, extra=log_keys("worker_stopped"))
        self._worker.observers.worker_stopped(WorkerStopped(report))
        return report

    def _leave_process(self) -> None:
        """End the process although the calling thread hangs."""
        for _ in range(self._slots.polls_out):
            self._polls.poll_lost(NOT_WAITED_FOR)
        if self._leave is not None:
            self._leave(self._report())
