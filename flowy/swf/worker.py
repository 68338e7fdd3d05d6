"""The worker: polls, runs what polls bring, and stops without losing a task.

SWF marks a task started when it hands it to a poll, and there is no acknowledgement. So a slot is
taken before a poll goes out, and a task never waits for one. At a stop no new poll goes out,
those that are out are waited for, and what they bring is run: a poll that is dropped may cost a
task that nobody notices until it times out.
"""

from __future__ import annotations

import functools
import logging
import os
import platform
import threading
from collections.abc import Callable, Mapping

from .._version import __version__
from ..executor import EventLoop, Threads
from ..heartbeat import BACKGROUND_THREADS
from ..retry import Deadline
from ..shutdown import StopFlag, StopLevel, stop_signals
from .assignment import Assignment, Desk
from .client import POLL_READ_TIMEOUT_SECONDS, SWFClient
from .delivery import ANSWER_SECONDS_IN_A_HURRY, Ledger, NoLedger, StopPolicy
from .options import check_worker_options, polls_to_answer
from .poller import ActivityPoller
from .report import StopReport, Tally
from .scheduler import ActivityScheduler
from .values import MAX_NAME_CHARS, ActivityImplementation, ActivityType, name_text

logger = logging.getLogger(__name__)

#: Polls out at once by default, at most: at 20 ms latency 14 feed close to 500 tasks a second,
#: as many as a process can answer; more compete with the activities for the interpreter.
DEFAULT_POLLERS = 14

#: How long activities that were told to give up may take to do so, in seconds.
MOMENT_SECONDS = 2.0

#: How long a stop waits for an answer that is under way when the moment is over, in seconds:
#: it is tried for ANSWER_SECONDS_IN_A_HURRY, and its last call has a time-out of its own.
LAST_ANSWER_SECONDS = ANSWER_SECONDS_IN_A_HURRY + 15.0

#: How long a stop waits for the polls that are out, in seconds.
POLL_WAIT_SECONDS = POLL_READ_TIMEOUT_SECONDS + 10.0


#: How often the calling thread looks up while it waits, in seconds. A Ctrl-C that comes between
#: its last bytecode and the wait does not interrupt that, and is heard when the thread looks up.
LOOK_SECONDS = 1.0


def default_identity(pid: int | None = None) -> str:
    """Return host, process and version, which SWF keeps in the history, cut to 256 characters.

    Args:
        pid: of a worker process on this machine; None for this one.
    """
    return f"{platform.node()}:{pid or os.getpid()} flowy/{__version__}"[:MAX_NAME_CHARS]


def default_pollers(concurrency: int) -> int:
    """Return how many polls are out at once where it is not said."""
    return min(concurrency, DEFAULT_POLLERS)


def calls_at_once(concurrency: int) -> int:
    """Return how many calls may be in flight, for the clients' pools.

    One of each activity, the beats in the background, and, where a stop is out of patience, the
    answers for what still runs.
    """
    return concurrency + BACKGROUND_THREADS + DEFAULT_POLLERS


class ActivityWorker:
    """Serves the activities of a scan on one task list.

    Args:
        client: what it speaks to SWF with: ``flowy.swf.client.connect()``.
        domain, task_list: what it polls.
        activities: what it can run: ``flowy.swf.scanner.Scanner(...).scan()``.
        concurrency: activities at once. 1 is a plain loop in the calling thread; with more,
            polls and activities have threads of their own, coroutines one event loop.
        pollers: polls out at once, at most *concurrency*; None for 14, or *concurrency* where
            that is less.
        loop: how many polls must get an answer, a task or an empty one; -1 for no end.
        grace: how many seconds running activities may go on after a stop was asked for; None
            for as long as they like.
        on_stop: ``"abandon"`` leaves what still runs after the grace to its timeout, ``"fail"``
            fails it.
        on_unknown: ``"fail"`` fails a task of a type that it does not have, ``"abandon"``
            leaves it to its timeout.
        signals: whether SIGINT and SIGTERM stop it, where it runs on the main thread.
        ledger: where open tasks are written down; None for nowhere.
        polls_out: called with 1 when a poll goes out and -1 when it is back.
        leave: called with the report when everything is settled but the calling thread hangs in
            an activity, or, at the last stop level, in a poll; it ends the process. None lets
            ``run`` return when the activity, or the poll, does.

    Raises:
        ValueError: an argument that cannot be used.
    """

    def __init__(
        self,
        client: SWFClient,
        domain: str,
        task_list: str,
        activities: Mapping[ActivityType, ActivityImplementation],
        *,
        concurrency: int = 1,
        pollers: int | None = None,
        loop: int = -1,
        grace: float | None = None,
        on_stop: str = "abandon",
        on_unknown: str = "fail",
        signals: bool = True,
        ledger: Ledger | None = None,
        polls_out: Callable[[int], None] = lambda change: None,
        leave: Callable[[StopReport], None] | None = None,
    ) -> None:
        check_worker_options(
            concurrency=concurrency,
            pollers=pollers,
            grace=grace,
            on_stop=on_stop,
            on_unknown=on_unknown,
        )
        self._client = client
        self._concurrency = concurrency
        self._pollers = min(pollers or default_pollers(concurrency), concurrency)
        self._signals = signals
        self._polls_out = polls_out
        self._leave = leave
        self._stop = StopFlag()
        self._tally = Tally()
        self._desk = Desk(
            activities=activities,
            calls=ActivityScheduler(client),
            domain=name_text(domain, "domain", trimmed=True),
            task_list=name_text(task_list, "task_list", trimmed=True),
            identity=default_identity(),
            policy=StopPolicy(self._stop, grace, on_stop),
            on_unknown=on_unknown,
            tally=self._tally,
            ledger=ledger or NoLedger(),
        )
        self._turns = _Turns(polls_to_answer(loop))
        self._answered = threading.Event()
        # One lock, two things to wait for: pollers wait for a slot, a stop for what runs. To wake
        # only whom it concerns keeps the interpreter free for the activities.
        lock = threading.RLock()
        self._slot_free = threading.Condition(lock)
        self._change = threading.Condition(lock)
        self._running: set[Assignment] = set()
        self._here: Assignment | None = None  # what runs in the calling thread
        self._slots_taken = 0
        self._polls = 0
        self._polling_threads = 0
        self._finished = False
        self._error: BaseException | None = None
        self._threads = Threads(concurrency, "flowy-activity")
        self._event_loop: EventLoop | None = None

    def stop(self, level: StopLevel = StopLevel.FINISH) -> None:
        """Ask the worker to stop; any thread may call it, and so may a signal handler.

        Args:
            level: ``FINISH`` lets running activities finish, within the grace; ``HURRY`` ends
                the grace; ``AT_ONCE`` does not wait for polls either.
        """
        self._stop.raise_to(level)

    def run(self) -> StopReport:
        """Poll and run until a stop is asked for, or until *loop* polls were answered.

        Returns:
            What came of the tasks, and what the stop left.

        Raises:
            SWFError: the first polls were refused for good.
            KeyboardInterrupt, SystemExit: came out of an activity on the calling thread, whose
                task was failed; or, with ``signals=False``, was raised into it.
        """
        serial = self._concurrency == 1
        threading.Thread(target=self._watch, name="flowy-stop", daemon=True).start()
        try:
            with stop_signals(self._stop, interrupt=serial, wanted=self._signals):
                # From the line on that says "started", a stop is one.
                logger.info(
                    "Worker started as %s: %d types, %d at once, task list %s of domain %s.",
                    self._desk.identity,
                    len(self._desk.activities),
                    self._concurrency,
                    self._desk.task_list,
                    self._desk.domain,
                )
                if serial:
                    self._poll_and_run(self._run_here)
                else:
                    self._serve_many()
                if self._error is not None:
                    raise self._error
        finally:
            self._finished = True
            for left in list(self._running):  # an interruption came before it was run
                left.dismiss()
            report = self._report()
            self._stop.raise_to(StopLevel.AT_ONCE)  # whatever waits for the flag may end
            self._threads.close()
            self._desk.background.close()
            if self._event_loop is not None:
                self._event_loop.close()
        return report

    def _report(self) -> StopReport:
        report = self._tally.report()
        level = logging.INFO if report.clean else logging.WARNING
        logger.log(level, "Worker stopped: %s.", report)
        return report

    # Polling

    def _poll_and_run(self, run: Callable[[Assignment], None]) -> None:
        """Poll until a stop, the last turn or a refusal; *run* what comes."""
        poller = ActivityPoller(
            self._client,
            domain=self._desk.domain,
            task_list=self._desk.task_list,
            identity=self._desk.identity,
            stop=self._stop,
            answered=self._answered,
            lost=self._poll_lost,
        )
        while self._wait_for_slot():
            assignment = None
            try:
                if not self._turns.take():
                    return
                assignment = self._poll(poller)
            finally:
                if assignment is None:
                    self._free_slot()
            if assignment is not None:
                self._start(assignment, run)

    def _poll(self, poller: ActivityPoller) -> Assignment | None:
        """Poll; what comes is in the ledger and in hand before the poll counts as back.

        So whatever ends the worker in between finds it as the one or as the other.
        """
        assignment = None
        self._polls_out(1)
        with self._change:
            self._polls += 1
        try:
            task = poller.poll()
            if task is not None:
                assignment = Assignment(self._desk, task)
        except KeyboardInterrupt:
            self._poll_lost("KeyboardInterrupt")
            raise
        finally:
            with self._change:
                self._polls -= 1
                if assignment is not None:
                    self._running.add(assignment)
                if self._stop.is_set():
                    self._change.notify_all()
            self._polls_out(-1)
        return assignment

    def _poll_lost(self, fault: str) -> None:
        self._tally.poll_lost(self._desk.identity, fault)
        self._desk.ledger.poll_lost(self._desk.identity, fault)

    def _wait_for_slot(self) -> bool:
        """Take a slot when there is one; False when a stop was asked for first.

        It is taken before the poll: a task that is polled is a task that can start.
        """
        with self._slot_free:
            self._slot_free.wait_for(self._slot_or_stop)
            if self._stop.is_set():
                return False
            self._slots_taken += 1
            return True

    def _slot_or_stop(self) -> bool:
        return self._slots_taken < self._concurrency or self._stop.is_set()

    def _free_slot(self) -> None:
        with self._slot_free:
            self._slots_taken -= 1
            self._slot_free.notify()

    # Running

    def _start(self, assignment: Assignment, run: Callable[[Assignment], None]) -> None:
        if self._stop.is_set(StopLevel.HURRY):
            assignment.dismiss()  # the grace is over: too late to start
            self._ended(assignment)
        else:
            run(assignment)

    def _run_here(self, assignment: Assignment) -> None:
        """Run it in this thread, or, a coroutine, wait for it here."""
        if assignment.is_coroutine:
            try:
                self._run_on_loop(assignment)
                with self._change:
                    while assignment in self._running:
                        self._change.wait(LOOK_SECONDS)
            except BaseException as error:  # Ctrl-C, or a third signal
                assignment.give_up(error)
                self._ended(assignment)
                raise
            return
        self._here = assignment
        try:
            assignment.run()
        finally:
            self._here = None
            self._ended(assignment)

    def _run_elsewhere(self, assignment: Assignment) -> None:
        if assignment.is_coroutine:
            self._run_on_loop(assignment)
        else:
            self._threads.submit(lambda: self._run_in_thread(assignment))

    def _run_in_thread(self, assignment: Assignment) -> None:
        try:
            assignment.run()
        except KeyboardInterrupt:
            self.stop()
        except SystemExit:
            pass  # its task was failed; it is not this thread's to end the process
        finally:
            self._ended(assignment)

    def _run_on_loop(self, assignment: Assignment) -> None:
        try:
            with self._change:
                if self._event_loop is None:
                    self._event_loop = EventLoop()
                loop = self._event_loop
        except (RuntimeError, OSError) as error:  # no thread, or no file, is to be had
            assignment.over(error)
            self._ended(assignment)
            return

        def settle(error: BaseException | None) -> None:
            try:
                assignment.over(error)
            finally:
                self._ended(assignment)

        def over(error: BaseException | None) -> None:
            if error is None and assignment.settled:
                settle(None)  # nothing is left to be said to SWF
            else:
                loop.off_loop(lambda: settle(error))

        assignment.cancel = loop.submit(assignment.run_coroutine, over)
        if self._stop.is_set(StopLevel.HURRY):
            assignment.cancel()  # the watch may have looked before there was anything to cancel

    def _ended(self, assignment: Assignment) -> None:
        with self._change:
            if assignment in self._running:  # a dismissal may have been faster
                self._running.discard(assignment)
                self._free_slot()
                if self._concurrency == 1 or self._stop.is_set():
                    self._change.notify_all()

    # Many at once

    def _serve_many(self) -> None:
        """Let threads poll and run, and wait here for a stop and for its end."""
        try:
            self._start_pollers()
            self._wait_for_end()
        except KeyboardInterrupt:  # signals are not ours: the script's Ctrl-C
            logger.info("Interrupted; running activities finish. Once more ends at once.")
            self.stop()
            self._wait_for_end()
            raise

    def _start_pollers(self) -> None:
        """Start the threads that poll; where the system does not give so many, some of them."""
        for number in range(self._pollers):
            poller = threading.Thread(
                target=self._poll_in_thread, name=f"flowy-poller-{number}", daemon=True
            )
            with self._change:
                self._polling_threads += 1
            try:
                poller.start()
            except RuntimeError as error:  # a limit on threads, as containers have
                with self._change:
                    self._polling_threads -= 1
                if number == 0:
                    raise
                logger.warning("%d pollers and not %d: %s.", number, self._pollers, error)
                return

    def _poll_in_thread(self) -> None:
        try:
            self._poll_and_run(self._run_elsewhere)
        except BaseException as error:
            self._error = self._error or error
            self.stop()
        finally:
            with self._change:
                self._polling_threads -= 1
                self._change.notify_all()

    def _wait_for_end(self) -> None:
        with self._change:
            while self._polling_threads and not self._stop.is_set():
                self._change.wait(LOOK_SECONDS)
        self.stop()
        patience = Deadline(POLL_WAIT_SECONDS)
        with self._change:
            while self._running or self._waits_for_polls(patience):
                self._change.wait(LOOK_SECONDS)
            for _ in range(self._polls):
                self._poll_lost("not waited for")

    def _waits_for_polls(self, patience: Deadline) -> bool:
        at_once = self._stop.is_set(StopLevel.AT_ONCE)
        # A slot without a task is that of a poll, or of one that is about to go out or come in.
        polls = self._slots_taken > len(self._running)
        return polls and not at_once and not patience.passed

    # The stop, seen from a thread of its own

    def _watch(self) -> None:
        """Apply the grace: tell what runs to give up, wait a moment, settle what still runs."""
        self._stop.wait(None)
        self._wake_all()
        self._stop.wait(self._desk.policy.grace_seconds, StopLevel.HURRY)
        if self._finished:
            return
        self._stop.raise_to(StopLevel.HURRY)
        self._wake_all()
        with self._change:
            running = set(self._running)
        for assignment in running:
            if assignment.cancel is not None:
                assignment.cancel()
        self._wait_until_ended(running, MOMENT_SECONDS)
        self._dismiss(running)
        self._stop.wait(None, StopLevel.AT_ONCE)
        self._wake_all()
        if self._concurrency == 1 and self._leave is not None:
            self._leave_poll(self._leave)

    def _leave_poll(self, leave: Callable[[StopReport], None]) -> None:
        """Leave the poll in which the calling thread hangs, where no signal interrupts that.

        One that comes just before the thread waits for its socket does not.
        """
        seconds = MOMENT_SECONDS if self._signals else 0.0
        with self._change:
            self._change.wait_for(lambda: self._polls == 0 or self._finished, seconds)
            out = self._polls > 0 and not self._finished
        if out:
            self._poll_lost("not waited for")
            leave(self._report())

    def _dismiss(self, running: set[Assignment]) -> None:
        """Settle what still runs, and let ``run`` end without it."""
        with self._change:
            late = running & self._running
        threads = Threads(DEFAULT_POLLERS, "flowy-dismissal")
        for assignment in late:
            threads.submit(functools.partial(self._dismiss_one, assignment))
        threads.close()
        self._wait_until_ended(late, LAST_ANSWER_SECONDS)
        for assignment in late:
            self._ended(assignment)
        if self._here in late and self._leave is not None:
            self._leave(self._report())

    def _dismiss_one(self, assignment: Assignment) -> None:
        assignment.dismiss()
        if assignment.settled:
            self._ended(assignment)

    def _wait_until_ended(self, assignments: set[Assignment], seconds: float) -> None:
        with self._change:
            self._change.wait_for(lambda: not assignments & self._running, seconds)

    def _wake_all(self) -> None:
        with self._change:
            self._slot_free.notify_all()
            self._change.notify_all()


class _Turns:
    """How many polls may still get an answer, shared by all pollers."""

    def __init__(self, loop: int) -> None:
        self._left = loop
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take one; False when none is left."""
        with self._lock:
            if self._left == 0:
                return False
            self._left -= self._left > 0
            return True
