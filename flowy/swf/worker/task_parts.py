"""What one task in a worker consists of: what is known about it, its heartbeats, its answer's way.

``TaskRun`` runs and ends the task with these parts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ...concurrency.stop import StopLevel
from ...context import calling_for
from ...invocation import Answer, Failed, NoAnswer, StatusRecord, TaskStatus
from ...observer import HeartbeatEnded, StatusChanged
from ...safe_logging import get_logger
from ..values import ActivityTask
from .activity_call import is_async
from .heartbeats import Heartbeats
from .responder import Responder
from .task_log import log_about
from .worker_context import WorkerContext

if TYPE_CHECKING:
    from .task_envelope import TaskEnvelope
    from .task_history import TaskHistoryRead

logger = get_logger(__name__)


class TaskParts:
    """The parts of one task; ``running`` is what ``flowy.context`` shows of it."""

    def __init__(self, worker: WorkerContext, task: ActivityTask) -> None:
        self._worker = worker
        self._task = task
        self._implementation = served = worker.activities.get(task.type)
        self.info = worker.info_of(task, served.defaults if served else None)
        self.running = worker.running(self.info)
        self.running.read_history = lambda: self.history_read().now()
        self.started_at = worker.clock.now()
        #: The thread in which it runs or ends; None before, and while its coroutine runs.
        self.thread_id: int | None = None
        self._journaled: str | None = None  # the details that the journal has
        #: Cancels the coroutine that runs it; set by whoever starts the coroutine.
        self.cancel: Callable[[], None] | None = None
        observed = bool(worker.observers)
        self.status = StatusRecord(
            lambda: worker.policy.flag.is_set(StopLevel.CANCEL),
            self._status_changed if observed else None,
        )
        heartbeat = self.info.heartbeat
        self.heartbeats = Heartbeats(
            self.info,
            self._send_heartbeat,
            self.status,
            timeout_seconds=heartbeat,
            lost_after_seconds=heartbeat or self.info.start_to_close,
            pause=lambda seconds: worker.policy.flag.wait(seconds, StopLevel.CANCEL),
            ended=self._heartbeat_ended if observed else None,
            clock=worker.clock,
        )
        self.running.waiting = self._waiting
        self.sealing = self._task_envelope()
        self.responder = Responder(
            worker.client,
            task.task_token,
            subject=self.info,
            start_to_close_seconds=self.info.start_to_close,
            policy=worker.policy,
            sealing=self.sealing,
            clock=worker.clock,
        )

    @property
    def is_coroutine(self) -> bool:
        """Whether it runs on an event loop."""
        return self._implementation is not None and is_async(self._implementation)

    def _waiting(self) -> AbstractContextManager[None]:
        """Return a context manager in which heartbeats go on, if any are declared."""
        return self._worker.auto_heartbeats.while_waiting(
            self.heartbeats, timeout_seconds=self.info.heartbeat, sent=self._interrupt_if_news
        )

    def _task_envelope(self) -> TaskEnvelope | None:
        envelope = self._implementation.envelope if self._implementation else None
        if envelope is None:
            return None
        from .task_envelope import TaskEnvelope  # needed only with codecs or a store

        return TaskEnvelope(envelope, self._worker, self, sent=self._interrupt_if_news)

    def history_read(self) -> TaskHistoryRead:
        """Return what reads the history for this task."""
        from .task_history import TaskHistoryRead  # needed only by those who ask

        implementation = self._implementation
        assert implementation is not None
        read, sent = TaskHistoryRead, self._interrupt_if_news
        return read(self._worker, self._task, implementation, self, sent=sent)

    def interrupt(self) -> None:
        """Cancel its coroutine, if it has one."""
        if self.cancel is not None:
            self.cancel()

    def _interrupt_if_news(self) -> None:
        """Cancel a coroutine, once for each cause, because its clean-up may take several beats."""
        if self.is_coroutine and self.cancel is None:
            return  # it is just being started: wait for the next heartbeat
        status = self.status.take_interruption()
        if status is not None:
            text = "A background heartbeat of %s learned: %s."
            log_about(logger, logging.INFO, self.info, "status_changed", text, status.value)
            self.interrupt()

    def _flush(self, answer: Answer) -> None:
        """Send details that the next attempt may ask for, if this one asks for those before it."""
        ends_badly = isinstance(answer, Failed) or answer == NoAnswer(TaskStatus.STOPPING)
        if ends_badly and self._has_history:
            self.heartbeats.flush()

    @property
    def _has_history(self) -> bool:
        """Whether it asks for the details of attempts before, so that the next one may, too."""
        implementation = self._implementation
        asks = implementation is not None and implementation.history != "no"
        return asks or self.running.history is not None

    def _send_heartbeat(self, details: str | None) -> bool:
        if self.sealing is not None:
            details = self.sealing.heartbeat_details(details)
        if details is not None and details != self._journaled and self._has_history:
            self._journaled = details
            self._worker.journal.beaten(self._task.task_token, details)
        with calling_for(self.info):
            return self._worker.client.record_activity_task_heartbeat(
                self._task.task_token, details
            )

    def _heartbeat_ended(self, fault: str | None) -> None:
        self._worker.observers.heartbeat_ended(HeartbeatEnded(self.info, fault is None, fault))

    def _status_changed(self, status: TaskStatus) -> None:
        self._worker.observers.status_changed(StatusChanged(self.info, status))
