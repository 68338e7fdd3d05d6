"""One task in this worker, from the poll that brought it to its recorded outcome.

The activity may end a task, a stop whose grace is over may, and a stop that has waited too long for
an answer under way. So a task's state is kept only here, under one lock. Whoever claims the task
answers for it, and its outcome is recorded once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable, Iterator

from ...context import calling_for
from ...invocation import (
    Answer,
    Failed,
    NoAnswer,
    TaskOutcome,
    TaskStatus,
    answer_to_error,
    ends_thread,
)
from ...logs import log_keys
from ...observer import TaskEnded
from ...safe_logging import get_logger
from ..values import ActivityTask
from .activity_call import ActivityCall, answer_of_silence, answer_to_unknown
from .run_scheduler import RunScheduler
from .task_log import log_about, log_end, log_start
from .task_parts import TaskParts
from .worker_context import WorkerContext

logger = get_logger(__name__)


class TaskRun(TaskParts):
    """One task: run it by ``run()``, or by ``run_async()`` if ``is_coroutine``."""

    def __init__(self, worker: WorkerContext, task: ActivityTask) -> None:
        super().__init__(worker, task)
        self._lock = threading.Lock()
        self._claimed = False
        #: How the task ended, as far as the worker knows; None while it is open.
        self.outcome: TaskOutcome | None = None
        worker.journal.opened(task.task_token, self.info)

    @property
    def is_forked(self) -> bool:
        """Whether this process is a forked child of the worker."""
        return self._worker.guard.is_forked

    def __str__(self) -> str:
        return str(self.info)

    # Running

    def run(self, ran: Callable[[], object] = lambda: None) -> None:
        """Run it to its end in this thread.

        Args:
            ran: called after the activity has run, before its answer is sent.

        Raises:
            KeyboardInterrupt, SystemExit: the activity raised it; the task has failed.
        """
        call = self._call()
        if call is None:
            self._refuse()
            return

        def answer() -> Answer | None:
            """Run the activity."""
            try:
                return self._worker.interruption.call(call.answer)
            finally:
                ran()

        raised = self._conclude(answer)
        if raised is not None and ends_thread(raised):
            raise raised

    async def run_async(self) -> Callable[[], object]:
        """Run it on the event loop, and return a function that ends it, to call in a thread."""
        call = self._call()
        assert call is not None
        try:
            return functools.partial(self._conclude, await call.conclusion())
        except BaseException as error:
            return functools.partial(self.failed, error)

    def failed(self, error: BaseException) -> None:
        """End a task whose run could not be started, was ended from outside, or raised.

        Only a constructor or a ``__call__`` that the author overrode raises, perhaps after it
        answered.
        """
        status, kind = self.status, type(error)
        if kind is asyncio.CancelledError and status.tell_interruption() is not TaskStatus.ACTIVE:
            self.finish(answer_of_silence(status))
        elif self._claimed and issubclass(kind, Exception):
            text, fault = "Activity %s failed after its answer: %s.", kind.__qualname__
            log_about(logger, logging.ERROR, self.info, "task_broke", text, fault, fault=fault)
        else:
            self.finish(answer_to_error(error, self.status))

    def _call(self) -> ActivityCall | None:
        """Return the call of its implementation; None if its type is unknown."""
        if self._implementation is None:
            return None
        log_start(logger, self.info, self._worker.start_level)
        return ActivityCall(
            worker=self._worker,
            implementation=self._implementation,
            task=self._task,
            running=self.running,
            scheduler=RunScheduler(self),
            sealing=self.sealing,
            status=self.status,
            heartbeats=self.heartbeats,
            heartbeat_sent=self._interrupt_if_news,
            history_read=self.history_read,
        )

    def _conclude(self, conclude: Callable[[], Answer | None]) -> BaseException | None:
        """End a task whose run has ended; return the exception of the run, or None."""
        self.thread_id = threading.get_ident()
        try:
            answer = conclude()
        except BaseException as error:
            self.failed(error)
            return error
        if answer is not None:
            self.finish(answer)
        elif not self._claimed:
            self.finish(answer_of_silence(self.status))
        return answer.error if isinstance(answer, Failed) else None

    # Ending

    def finish(self, answer: Answer) -> bool:
        """Answer for the task unless it is answered already; return whether SWF took the answer."""
        self._worker.guard.end_child()
        ran_seconds = self._worker.clock.now() - self.started_at
        if not self._claim():
            text = "%s is answered already; a later answer is dropped."
            log_about(logger, logging.INFO, self.info, "task_closed", text)
            return False
        outcome = TaskOutcome.UNANSWERED
        try:
            with calling_for(self.info):
                self._flush(answer)
                outcome = self.responder.respond(answer, self.heartbeats.details)
        finally:
            # Also if the delivery is interrupted: SWF may have taken the answer.
            self._settle(outcome, ran_seconds, getattr(answer, "error", None))
        return outcome not in (TaskOutcome.CLOSED, TaskOutcome.UNANSWERED)

    def end_by_stop(self) -> None:
        """Fail or abandon a task that still runs, by the stop's policy.

        If its answer is under way, this does nothing.
        """
        if not self._claimed:
            self.finish(NoAnswer(TaskStatus.STOPPING))

    def give_up(self) -> None:
        """Record the task as unanswered, because a stop cannot wait longer for its answer."""
        self.responder.give_up()
        self._settle(TaskOutcome.UNANSWERED, self._worker.clock.now() - self.started_at)
        self._worker.settled(self)  # again, in case a hanging observer keeps _settle from it

    @contextlib.contextmanager
    def suspending(self) -> Iterator[None]:
        """Surround the code that puts the task into a store.

        If the process dies in the block, the store may have the task, so that it must not be
        failed.
        """
        journal, token = self._worker.journal, self._task.task_token
        journal.suspending(token)
        try:
            yield
        except BaseException:
            journal.opened(token, self.info)  # it was not kept, and runs on
            raise

    def _refuse(self) -> None:
        """Answer for a task of a type that the worker does not serve."""
        served = ", ".join(sorted(map(str, self._worker.activities)))
        if self._worker.on_unknown == "fail":
            self.finish(answer_to_unknown(self._task, served, self._worker.identity))
        elif self._claim():
            self._settle(TaskOutcome.LEFT_UNKNOWN, 0.0)
        extra = log_keys("unknown_type", self.info)
        text = "This worker does not serve %s; it serves %s."
        logger.error(text, self._task.type, served, extra=extra)

    def _claim(self) -> bool:
        """Take the right to answer; return False if it is taken."""
        with self._lock:
            if self._claimed:
                return False
            self._claimed = True
            return True

    def _settle(
        self, outcome: TaskOutcome, ran_seconds: float, error: BaseException | None = None
    ) -> None:
        """Record how the task ended, once; each step is taken even if another one raises."""
        with self._lock:
            self._claimed = True
            if self.outcome is not None:
                return
            self.outcome = outcome
        worker = self._worker
        with contextlib.ExitStack() as steps:  # the steps run from the last to the first
            # Freeing the slot comes last, because the worker may end after it.
            steps.callback(worker.settled, self)
            steps.callback(self._tell, outcome, ran_seconds, error)
            steps.callback(worker.tally.note, outcome, self._task)
            steps.callback(worker.journal.settled, self._task.task_token, outcome)
            steps.callback(self.heartbeats.stop)

    def _tell(self, outcome: TaskOutcome, ran_seconds: float, error: BaseException | None) -> None:
        total_seconds = self._worker.clock.now() - self.started_at
        reason = self.responder.reason
        log_end(logger, self.info, outcome, total_seconds, reason=reason, error=error)
        if self._worker.observers:
            answer_seconds = total_seconds - ran_seconds
            ended = TaskEnded(self.info, outcome, ran_seconds, answer_seconds, error)
            self._worker.observers.task_ended(ended)
        if self._worker.sample is not None and self.running.history is None:
            self._worker.sample(self._task, self.info)
