"""The base class of observers."""

from __future__ import annotations

from .events import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    PollEnded,
    PollStarted,
    ProcessEnded,
    ProcessStarted,
    Starting,
    StatusChanged,
    StopRequested,
    TaskEnded,
    TaskStarted,
    TaskWaited,
    WorkerStarted,
    WorkerStopped,
)


class Observer:
    """The base class of observers: override the methods that you need. Each takes one event."""

    def starting(self, event: Starting) -> None:
        """A process is about to serve or to supervise: the first event, before anything else.

        Raises:
            ObserverError: the observer cannot work; the process does not start.
        """

    def worker_started(self, event: WorkerStarted) -> None:
        """A worker begins to poll."""

    def stop_requested(self, event: StopRequested) -> None:
        """A stop has reached a level."""

    def worker_stopped(self, event: WorkerStopped) -> None:
        """A worker has ended."""

    def poll_started(self, event: PollStarted) -> None:
        """A poll is about to be sent."""

    def poll_ended(self, event: PollEnded) -> None:
        """A poll has ended."""

    def call_started(self, event: CallStarted) -> None:
        """A call other than a poll is about to be sent."""

    def call_ended(self, event: CallEnded) -> None:
        """A call other than a poll has ended."""

    def task_started(self, event: TaskStarted) -> None:
        """A task is about to run."""

    def task_waited(self, event: TaskWaited) -> None:
        """The history of a task was read; after ``task_started`` or before it."""

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        """A heartbeat was sent."""

    def status_changed(self, event: StatusChanged) -> None:
        """The status of a task has changed."""

    def task_ended(self, event: TaskEnded) -> None:
        """A task has its outcome."""

    def process_started(self, event: ProcessStarted) -> None:
        """A supervisor has started a worker process."""

    def process_ended(self, event: ProcessEnded) -> None:
        """A worker process has ended."""
