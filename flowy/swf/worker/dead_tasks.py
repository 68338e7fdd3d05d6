"""Fails the tasks of processes that died, or leaves them open as the policy of the stop says.

SWF does not notice that a process has died, and would wait until its tasks time out. It may also
take minutes to accept a failure, and a stop must not wait that long.
"""

from __future__ import annotations

import threading

from ... import reasons
from ...concurrency.clock import Clock
from ...concurrency.retry import Deadline
from ...concurrency.threads import Threads
from ...context import calling_for
from ...invocation import Failed, TaskOutcome
from ...observer import Observers, TaskEnded
from ...safe_logging import get_logger
from ..client import SWFClient
from .last_heartbeat import with_last_heartbeat
from .messages import Account, OpenTask
from .report import Tally
from .responder import Responder, StopPolicy
from .task_log import log_end

logger = get_logger(__name__)

#: The most threads that fail the tasks of dead processes; enough to fail a thousand within 2 s.
FAILING_THREADS = 50


class DeadTasks:
    """Fails the tasks of processes that died, and records how they ended.

    Args:
        client: fails the tasks at SWF.
        policy: the policy of the supervisor.
        tally: counts the outcomes of tasks.
        observers: notified of each outcome.
        clock: times the waits.
    """

    def __init__(
        self,
        client: SWFClient,
        policy: StopPolicy,
        tally: Tally,
        observers: Observers,
        clock: Clock,
    ) -> None:
        self._client = client
        self._policy = policy
        self._tally = tally
        self._observers = observers
        self._clock = clock
        self._threads = Threads(FAILING_THREADS, "flowy-dead-tasks")
        self._condition = threading.Condition()
        self._failing: list[OpenTask] = []  # failures that are under way
        self._recording = 0  # failures that have ended, and whose outcomes are being recorded

    def answer_for(self, account: Account, end: str, *, abandoned: bool) -> None:
        """Answer for the open tasks of one process.

        Args:
            account: the reports of the process.
            end: how it ended.
            abandoned: whether it was killed by a stop that leaves tasks to their timeouts.
        """
        for token, task in account.open.items():
            if token in account.suspending:
                # It may be in its store; if so, it must stay open for whoever finishes it.
                self._settle(task, TaskOutcome.UNANSWERED, self._age(task), ", perhaps suspended")
            elif abandoned:  # the child could not apply the policy itself
                self._settle(task, TaskOutcome.ABANDONED, self._age(task))
            else:
                self._fail(token, task, end, account.beats.get(token))

    def wait(self, seconds: float) -> None:
        """Wait up to *seconds* until all failures have ended and are recorded."""
        deadline = Deadline(seconds, clock=self._clock)
        with self._condition:
            while (self._failing or self._recording) and not deadline.passed:
                self._clock.wait(self._condition, deadline.remaining_seconds())

    def give_up_after(self, seconds: float) -> None:
        """Wait like ``wait``; the tasks whose failures are still under way count as unanswered."""
        self.wait(seconds)
        with self._condition:
            given_up, self._failing = self._failing, []
        for task in given_up:
            self._settle(task, TaskOutcome.UNANSWERED, self._age(task))

    def _fail(self, token: str, task: OpenTask, end: str, last_heartbeat: str | None) -> None:
        answer = with_last_heartbeat(Failed(f"{reasons.WORKER_PROCESS_DIED}{end}."), last_heartbeat)
        responder = Responder(
            self._client,
            token,
            subject=task.info,
            start_to_close_seconds=None,
            policy=self._policy,
            clock=self._clock,
        )
        ran_seconds = self._age(task)

        def fail() -> None:
            """Fail the task, and record its outcome."""
            outcome = TaskOutcome.UNANSWERED
            try:
                with calling_for(task.info):
                    outcome = responder.deliver(answer)
            finally:
                self._record(task, outcome, ran_seconds)

        with self._condition:
            self._failing.append(task)
        self._threads.submit(fail)

    def _record(self, task: OpenTask, outcome: TaskOutcome, ran_seconds: float) -> None:
        """Record the outcome of a failure, unless it was given up before."""
        with self._condition:
            if task not in self._failing:
                return
            self._failing.remove(task)
            self._recording += 1
        try:
            self._settle(task, outcome, ran_seconds)
        finally:
            with self._condition:
                self._recording -= 1
                self._condition.notify_all()

    def _settle(
        self, task: OpenTask, outcome: TaskOutcome, ran_seconds: float, remark: str = ""
    ) -> None:
        self._tally.note(outcome, f"{task}{remark}")
        seconds = self._age(task)
        log_end(logger, task.info, outcome, seconds, reason=reasons.WORKER_PROCESS_DIED)
        event = TaskEnded(task.info, outcome, ran_seconds, seconds - ran_seconds)
        self._observers.task_ended(event)

    def _age(self, task: OpenTask) -> float:
        return self._clock.now() - task.since
