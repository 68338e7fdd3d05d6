"""The events of a worker's life, for observers that count."""

from __future__ import annotations

from flowy.concurrency.stop import StopLevel
from flowy.invocation import TaskOutcome, TaskStatus
from flowy.observer import (
    CallEnded,
    HeartbeatEnded,
    Observer,
    PollEnded,
    PollStarted,
    StatusChanged,
    StopRequested,
    TaskEnded,
    TaskStarted,
    TaskWaited,
    WorkerStarted,
    WorkerStopped,
)
from tests.suspended import an_info

STARTED = WorkerStarted("shop", "orders", "me", ("charge 1", "ship 2"), 10, 3)

CHARGE = an_info(name="charge", started_event_id=6)
SHIP = an_info(name="ship", version="2", started_event_id=9)


def busy(observer: Observer) -> None:
    """Let a worker start, poll, run two tasks, and have trouble; one task and one poll are open."""
    observer.worker_started(STARTED)
    for result, fault in (("task", None), ("task", None), ("empty", None), ("lost", "Timeout")):
        observer.poll_started(PollStarted("orders"))
        observer.poll_ended(PollEnded("orders", result, 2.0, fault))  # type: ignore[arg-type]
    observer.poll_started(PollStarted("orders"))
    for info in (CHARGE, SHIP):
        observer.task_started(TaskStarted(info))
    observer.task_waited(TaskWaited(CHARGE, 7.0))
    observer.heartbeat_ended(HeartbeatEnded(CHARGE, accepted=True))
    observer.heartbeat_ended(HeartbeatEnded(CHARGE, accepted=False, fault="Throttled"))
    observer.call_ended(CallEnded("RecordActivityTaskHeartbeat", 0.5, "Throttled"))
    observer.status_changed(StatusChanged(CHARGE, TaskStatus.CANCEL_REQUESTED))
    observer.call_ended(CallEnded("RespondActivityTaskFailed", 0.25))
    observer.task_ended(TaskEnded(CHARGE, TaskOutcome.FAILED, 20.0, 0.3, KeyError("SECRET")))


def stop(observer: Observer) -> None:
    """Let the worker end, and its last task with it."""
    observer.stop_requested(StopRequested(StopLevel.DRAIN))
    observer.poll_ended(PollEnded("orders", "empty", 60.0))
    observer.task_ended(TaskEnded(SHIP, TaskOutcome.ABANDONED, 90.0, 0.0))
    observer.worker_stopped(WorkerStopped(None))
