"""The supervisor of several worker processes, which answers for those that die.

Python runs one thread at a time, so CPU-bound activities need processes. A process may die, killed
by the kernel for its memory use or by a C library, and its tasks would stay open until they time
out. So a child reports each task before it starts it, and the supervisor fails the open tasks of a
child that died, naming its exit code or signal.
"""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING, Any

from ...concurrency.children import Child, Message
from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...concurrency.processes import Processes
from ...concurrency.signals import stop_signals
from ...concurrency.stop import StopFlag, StopLevel
from ...concurrency.threads import start_thread
from ...exception import SWFError
from ...logs import log_keys
from ...nouns import counted
from ...observer import ProcessEnded, ProcessStarted, StopRequested, WorkerStopped
from ...safe_logging import get_logger
from ..client import SWFClient
from . import messages
from .child import WorkerSpec, work
from .dead_tasks import DeadTasks
from .messages import Account
from .pollers import POLL_WAIT_SECONDS
from .report import StopReport, Tally
from .responder import StopPolicy
from .stop_log import Awaited, StopLog
from .stopping import CANCEL_GRACE_SECONDS, LAST_ANSWER_SECONDS
from .worker import default_identity

if TYPE_CHECKING:
    from .supervisor_state import SupervisorState

logger = get_logger(__name__)

#: How many seconds a child gets in addition to the time it may take, before it is killed.
MARGIN_SECONDS = 10.0

#: How long a child may take to end after its grace, in seconds: the time for canceled activities,
#: the last answers, and open polls.
SECONDS_TO_END = CANCEL_GRACE_SECONDS + LAST_ANSWER_SECONDS + POLL_WAIT_SECONDS + MARGIN_SECONDS

#: The same after a stop that waits for no polls, in seconds.
SECONDS_TO_LEAVE = CANCEL_GRACE_SECONDS + LAST_ANSWER_SECONDS + MARGIN_SECONDS


class Supervisor:
    """Runs worker processes.

    Args:
        client: fails the tasks of dead children.
        spec: passed to the children.
        last: whether the process ends after ``run``, so that later signals are ignored.
        clock: measures its waits.

    Raises:
        ProcessError: the parameters cannot be pickled.
    """

    def __init__(
        self,
        client: SWFClient,
        spec: WorkerSpec,
        *,
        last: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._last = last
        self._stop = StopFlag(clock)
        self._signals = spec.options.signals
        self._policy = StopPolicy(self._stop, spec.options.grace, spec.options.on_stop)
        self._observers = spec.options.all_observers
        self._tally = Tally()
        self._accounts: dict[Child, Account] = {}
        self._reports: list[StopReport] = []
        self._error: SWFError | None = None
        self._dead = DeadTasks(client, self._policy, self._tally, self._observers, clock)
        self._ended = StopFlag(clock)
        self._answered = threading.Condition()
        self._processes = Processes(
            work,
            (spec,),
            spec.options.processes,
            started=self._started,
            heard=self._heard,
            died=self._died,
            clock=clock,
        )

    def stop(self, level: StopLevel = StopLevel.DRAIN) -> None:
        """Ask all workers to stop; any thread may call this."""
        self._stop.raise_to(level)

    @functools.cached_property
    def state(self) -> SupervisorState:
        """The current state of the workers."""
        from .supervisor_state import SupervisorState  # needed only to show the health

        return SupervisorState(
            self._processes, self._accounts, self._stop, self._answered, self._clock
        )

    def print_state(self) -> None:
        """Let each process write to standard error what it does, with all stacks."""
        from ...health.stacks import print_state

        def status() -> dict[str, Any]:
            """Let the processes print, and return the status without theirs."""
            for child in self._processes.children:
                child.tell(messages.PRINT_STATE)
            return self.state.status(ask=False)

        print_state(status, None)

    def run(self) -> StopReport:
        """Run the workers until they have stopped.

        Raises:
            SWFError: the first polls of a worker were refused.
            ProcessError: the processes cannot be started.
            ThreadError: the system cannot start the threads that look after them.
        """
        start_thread("flowy-stop", self._pass_stop_on)
        try:
            with stop_signals(
                self._stop, wanted=self._signals, last=self._last, report=self.print_state
            ):
                try:
                    self._processes.run()
                except KeyboardInterrupt:  # with signals=False: the script's Ctrl-C
                    logger.info(
                        "Interrupted; running activities finish. Interrupt again to end at once."
                    )
                    self.stop()
                    self._processes.attend()
                    raise
                except BaseException:  # such as the script's sys.exit(), or a bug
                    if self._processes.children:
                        self.stop(StopLevel.KILL)
                        self._processes.attend()  # they report what they left
                    raise
                finally:
                    self._dead.wait(LAST_ANSWER_SECONDS)
        finally:
            self._ended.raise_to(StopLevel.DRAIN)
            self._stop.raise_to(StopLevel.KILL)
            report = self._report()
        if self._error is not None:
            raise self._error
        return report

    def _report(self) -> StopReport:
        self._dead.give_up_after(LAST_ANSWER_SECONDS)
        report = sum(self._reports, start=self._tally.report())
        level = logging.INFO if report.clean else logging.WARNING
        extra = log_keys("worker_stopped")
        logger.log(level, "All worker processes stopped: %s.", report, extra=extra)
        self._observers.worker_stopped(WorkerStopped(report))
        return report

    # The stop

    def _pass_stop_on(self) -> None:
        """Pass each level on to the children, and kill those that do not end in time.

        Children apply the grace themselves, unless their interpreter hangs.
        """
        self._stop.wait(None, StopLevel.DRAIN)
        grace = self._policy.grace_seconds
        log = StopLog(
            self._stop,
            self._awaited,
            grace_seconds=grace,
            cancel_seconds=CANCEL_GRACE_SECONDS,
            is_over=self._ended.is_set,
            clock=self._clock,
        )
        self._reach(StopLevel.DRAIN, log)
        patience = None if grace is None else grace + SECONDS_TO_END
        if not self._stop.wait(patience, StopLevel.CANCEL):
            self._kill_all()
            return
        self._reach(StopLevel.CANCEL, log)
        if not self._stop.wait(SECONDS_TO_END, StopLevel.KILL):
            self._kill_all()
            return
        self._reach(StopLevel.KILL, log)
        self._ended.wait(SECONDS_TO_LEAVE)
        self._kill_all()

    def _awaited(self) -> Awaited:
        children = self._processes.children
        tasks = [task for account in list(self._accounts.values()) for task in account.tasks]
        polls = sum(max(0, child.number.value) for child in children)
        return Awaited(tuple(map(str, tasks)), polls, len(children))

    def _reach(self, level: StopLevel, log: StopLog) -> None:
        log.reached(level)
        self._processes.start_no_more()
        for child in self._processes.children:
            child.tell(messages.stop(level))
        if not self._ended.is_set():
            self._observers.stop_requested(StopRequested(level))

    def _kill_all(self) -> None:
        for child in self._processes.children:
            logger.error(
                "Worker process %d does not end; it is killed.",
                child.process.pid,
                extra=log_keys("process_ended"),
            )
            child.kill()

    # The children

    def _started(self, child: Child) -> None:
        extra = log_keys("process_started")
        logger.info("Started worker process %d.", child.process.pid, extra=extra)
        self._observers.process_started(ProcessStarted(child.process.pid, child.slot))

    def _heard(self, child: Child, message: Message) -> None:
        account = self._accounts.setdefault(child, Account())
        account.hear(message, self._clock.now())
        if "ready" in message and self._stop.is_set():
            # It was started while the stop was requested.
            child.tell(messages.stop(self._stop.level))
        elif "status" in message:
            with self._answered:
                self._answered.notify_all()
        elif "refused" in message and account.refusal is not None:
            self._refused(account.refusal)

    def _refused(self, error: SWFError) -> None:
        """Stop if the first polls of a child were refused, unless it replaces another child.

        Polls have worked before a replacement started, so the error may be transient.
        """
        if self._reports:
            logger.error("%s Another process will try again.", error)
        else:
            self._error = error
            self.stop()

    def _died(self, child: Child) -> bool:
        """Answer for a child that ended, and return whether to replace it."""
        account = self._accounts.pop(child, None) or Account()
        self._reports.append(account.report or account.tally.report())
        expected = child.process.exitcode == 0 and not account.open
        if not expected:
            self._answer_for(child, account)
        self._observers.process_ended(
            ProcessEnded(child.process.pid, child.slot, child.end, expected)
        )
        return not self._stop.is_set()

    def _answer_for(self, child: Child, account: Account) -> None:
        abandoned = child.killed and self._policy.on_stop == "abandon"
        for _ in range(max(0, child.number.value)):
            identity = default_identity(child.process.pid)
            self._tally.poll_lost(identity, f"its process died, {child.end}")
        suspending = len(account.open.keys() & account.suspending)
        others = len(account.open) - suspending
        logger.error(
            "Worker process %d died (%s); %s.",
            child.process.pid,
            child.end,
            counted(others, "task is left to its timeout", "tasks are left to their timeouts")
            if abandoned
            else counted(others, "task is failed", "tasks are failed"),
            extra=log_keys("process_ended", fault=child.end),
        )
        if suspending:
            logger.error(
                "In process %d, %s and may be in a store; the report names each.",
                child.process.pid,
                counted(suspending, "task was being suspended", "tasks were being suspended"),
                extra=log_keys("process_ended", fault=child.end),
            )
        self._dead.answer_for(account, child.end, abandoned=abandoned)
