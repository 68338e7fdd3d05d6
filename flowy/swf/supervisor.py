"""Several worker processes, and somebody who answers for those that die.

Python runs one thread at a time, so CPU-bound activities want processes. And a process may die,
killed by the kernel for its memory, or by a C library: SWF would hear nothing of its tasks until
they time out. So a child hands each token to the supervisor before it starts the task, and the
supervisor fails the tasks of a child that died, naming exit code or signal.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .. import reasons
from ..exception import RefusedError, SWFError
from ..executor import Threads
from ..processes import Child, Link, Message, Processes
from ..shutdown import StopFlag, StopLevel, child_signals, stop_signals
from .client import Layer1, SWFClient, connect
from .delivery import NoLedger, Outcome, StopPolicy, TaskScheduler
from .report import LostPoll, StopReport, Tally
from .scanner import Scanner
from .scheduler import ActivityScheduler
from .worker import (
    LAST_ANSWER_SECONDS,
    MOMENT_SECONDS,
    POLL_WAIT_SECONDS,
    ActivityWorker,
    calls_at_once,
    default_identity,
)

logger = logging.getLogger(__name__)

#: Threads that fail the tasks of a process that died, at most: a thousand within 2 s.
FAILING_THREADS = 50

#: How much longer than it may take a child is given to end, in seconds, before it is killed.
MARGIN_SECONDS = 10.0

#: How long a child may take to end once its grace is over: the moment, the last answers, and the
#: polls that are out, in seconds.
SECONDS_TO_END = MOMENT_SECONDS + LAST_ANSWER_SECONDS + POLL_WAIT_SECONDS + MARGIN_SECONDS


@dataclass(frozen=True)
class WorkerSpec:
    """What a child needs to know to be a worker; all of it can be pickled.

    Attributes:
        domain, task_list: what it polls.
        packages: dotted names of what it scans.
        ignore: as for the scan.
        layer1: an importable callable that returns a client; None for the default ones.
        options: keyword arguments of ``ActivityWorker``.
        initialize: called first in each child, to configure logging, say; None for nothing.
    """

    domain: str
    task_list: str
    packages: tuple[str, ...]
    ignore: Any
    layer1: Callable[[], Layer1] | None
    options: dict[str, Any]
    initialize: Callable[[], None] | None = None


class Supervisor:
    """Runs *count* worker processes.

    Args:
        client: what it fails tasks with.
        spec: what the children are told.
        count: how many processes.
        signals: whether SIGINT and SIGTERM stop them, where it runs on the main thread.

    Raises:
        ProcessError: the parameters cannot be handed to another process.
    """

    def __init__(self, client: SWFClient, spec: WorkerSpec, count: int, *, signals: bool) -> None:
        self._calls = ActivityScheduler(client)
        self._stop = StopFlag()
        self._policy = StopPolicy(
            self._stop, spec.options.get("grace"), spec.options.get("on_stop", "abandon")
        )
        self._signals = signals
        self._tally = Tally()
        self._accounts: dict[Child, _Account] = {}
        self._reports: list[StopReport] = []
        self._error: SWFError | None = None
        self._failing = Threads(FAILING_THREADS, "flowy-dead-tasks")
        self._failures = _UnderWay()
        self._ended = threading.Event()
        self._processes = Processes(work, (spec,), count, heard=self._heard, died=self._child_died)

    def stop(self, level: StopLevel = StopLevel.FINISH) -> None:
        """Ask all workers to stop; any thread may call it."""
        self._stop.raise_to(level)

    def run(self) -> StopReport:
        """Run the workers until they have stopped.

        Raises:
            SWFError: the first polls of a worker were refused for good.
            ProcessError: the processes cannot be started.
        """
        threading.Thread(target=self._forward_stop, name="flowy-stop", daemon=True).start()
        try:
            with stop_signals(self._stop, interrupt=False, wanted=self._signals):
                try:
                    self._processes.run()
                except KeyboardInterrupt:  # signals are not ours: the script's Ctrl-C
                    logger.info("Interrupted; running activities finish. Once more ends at once.")
                    self.stop()
                    self._processes.attend()
                    raise
                finally:
                    self._failures.wait(LAST_ANSWER_SECONDS)
        finally:
            self._ended.set()
            self._stop.raise_to(StopLevel.AT_ONCE)
            report = self._report()
        if self._error is not None:
            raise self._error
        return report

    def _report(self) -> StopReport:
        for subject in self._failures.wait(LAST_ANSWER_SECONDS):
            self._tally.note(Outcome.UNANSWERED, subject)
        report = sum(self._reports, start=self._tally.report())
        level = logging.INFO if report.clean else logging.WARNING
        logger.log(level, "All worker processes stopped: %s.", report)
        return report

    def _forward_stop(self) -> None:
        """Pass each level on to the children, and kill what does not end in time.

        Children apply the grace themselves; a child whose interpreter hangs cannot.
        """
        self._stop.wait(None, StopLevel.FINISH)
        self._tell(StopLevel.FINISH)
        grace = self._policy.grace_seconds
        if not self._stop.wait(None if grace is None else grace + SECONDS_TO_END, StopLevel.HURRY):
            self._kill_all()
            return
        self._tell(StopLevel.HURRY)
        if not self._stop.wait(SECONDS_TO_END, StopLevel.AT_ONCE):
            self._kill_all()
            return
        self._tell(StopLevel.AT_ONCE)
        self._ended.wait(MOMENT_SECONDS + LAST_ANSWER_SECONDS + MARGIN_SECONDS)
        self._kill_all()

    def _tell(self, level: StopLevel) -> None:
        self._processes.start_no_more()
        for child in self._processes.children:
            child.tell({"stop": int(level)})

    def _kill_all(self) -> None:
        for child in self._processes.children:
            logger.error("Worker process %d does not end; it is killed.", child.process.pid)
            child.kill()

    # What children say

    def _heard(self, child: Child, message: Message) -> None:
        account = self._accounts.setdefault(child, _Account())
        if "enter" in message:
            account.open[message["enter"]] = message["subject"]
        elif "strike" in message:
            subject = account.open.pop(message["strike"], "")
            account.tally.note(Outcome[message["outcome"]], subject)
        elif "lost" in message:
            account.tally.poll_lost(message["lost"], message["fault"])
        elif "report" in message:
            account.report = _report_from(message["report"])
        elif "ready" in message and self._stop.is_set():
            child.tell({"stop": int(self._stop.level)})  # it was started as the stop came
        elif "refused" in message:
            self._refused(RefusedError(message["refused"], fault=message["fault"]))

    def _refused(self, error: SWFError) -> None:
        """Stop for a child whose first polls were refused; but one that replaces another tries on.

        Polls have worked before that one: what is wrong now may heal, as credentials do.
        """
        if self._reports:
            logger.error("%s Another process will try again.", error)
        else:
            self._error = error
            self.stop()

    def _child_died(self, child: Child) -> bool:
        """Answer for a child that ended, and say whether it is to be replaced."""
        account = self._accounts.pop(child, None) or _Account()
        self._reports.append(account.report or account.tally.report())
        if child.process.exitcode != 0 or account.open:
            left = child.killed and self._policy.on_stop == "abandon"
            logger.error(
                "Worker process %d died (%s); its %d tasks are %s.",
                child.process.pid,
                child.end,
                len(account.open),
                "left to their timeouts" if left else "failed",
            )
            for _ in range(max(0, child.number.value)):
                identity = default_identity(child.process.pid)
                self._tally.poll_lost(identity, f"its process died, {child.end}")
            for token, subject in account.open.items():
                if left:  # it could not apply the policy itself
                    self._tally.note(Outcome.ABANDONED, subject)
                else:
                    self._fail(token, subject, child.end)
        return not self._stop.is_set()

    def _fail(self, token: str, subject: str, end: str) -> None:
        scheduler = TaskScheduler(
            self._calls,
            token,
            subject=subject,
            heartbeat_seconds=None,
            start_to_close_seconds=None,
            policy=self._policy,
            ledger=NoLedger(),
        )

        def fail() -> None:
            try:
                scheduler.fail(token, f"{reasons.WORKER_PROCESS_DIED}{end}.")
                self._tally.note(scheduler.outcome, subject)
            finally:
                self._failures.done(subject)

        self._failures.add(subject)
        self._failing.submit(fail)


@dataclass
class _Account:
    """What one child has told of its tasks.

    Attributes:
        open: the tasks it has in hand, token to subject.
        tally: those it has settled, for the case that it dies before it reports.
        report: what it said at its end.
    """

    open: dict[str, str] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    report: StopReport | None = None


class _UnderWay:
    """What is under way, and lets one wait until nothing is."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._subjects: list[str] = []

    def add(self, subject: str) -> None:
        with self._condition:
            self._subjects.append(subject)

    def done(self, subject: str) -> None:
        with self._condition:
            self._subjects.remove(subject)
            self._condition.notify_all()

    def wait(self, seconds: float) -> list[str]:
        """Wait until nothing is under way, for so long at most; return what is."""
        with self._condition:
            self._condition.wait_for(lambda: not self._subjects, seconds)
            return list(self._subjects)


class _LedgerOfSupervisor:
    """A child's ledger: its supervisor."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def enter(self, token: str, subject: str) -> None:
        self._link.send({"enter": token, "subject": subject})

    def strike(self, token: str, outcome: Outcome) -> None:
        self._link.send({"strike": token, "outcome": outcome.name})

    def poll_lost(self, identity: str, fault: str) -> None:
        self._link.send({"lost": identity, "fault": fault})


def work(link: Link, spec: WorkerSpec) -> None:
    """Be a worker process: what each child of a supervisor runs."""
    if spec.initialize is not None:
        spec.initialize()

    def tell_report(report: StopReport) -> None:
        link.send({"report": dataclasses.asdict(report)})

    def tell_report_and_leave(report: StopReport) -> None:
        tell_report(report)
        logging.shutdown()
        os._exit(0)  # a thread hangs in an activity, and nothing else ends it

    worker = ActivityWorker(
        connect(spec.layer1, calls_at_once=calls_at_once(spec.options["concurrency"])),
        spec.domain,
        spec.task_list,
        Scanner(spec.packages, spec.ignore).scan(),
        **spec.options,
        signals=False,
        ledger=_LedgerOfSupervisor(link),
        polls_out=link.add,
        leave=tell_report_and_leave,
    )
    # A supervisor that is gone cannot answer for this process: it finishes what it has and ends.
    link.listen(lambda message: worker.stop(StopLevel(message["stop"])), gone=worker.stop)
    with child_signals(worker.stop):
        link.send({"ready": True})
        try:
            report = worker.run()
        except SWFError as error:
            link.send({"refused": str(error), "fault": error.fault})
            return
    if report.abandoned or report.failed_by_stop:
        tell_report_and_leave(report)
    tell_report(report)


def _report_from(told: dict[str, Any]) -> StopReport:
    """Return the report that a child told in JSON, which has no tuples."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
    }
    values["polls_lost"] = tuple(LostPoll(**poll) for poll in told["polls_lost"])
    return StopReport(**values)
