"""What is known about a running task, and what its activity has been told about it.

SWF does not notify a worker. Only the answer to a heartbeat brings the news that a task was closed
or that its cancellation was requested; a signal brings the news that the worker must stop.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable


class TaskStatus(enum.Enum):
    """What is known about a running task."""

    ACTIVE = "active"  #: The activity should go on.
    CANCEL_REQUESTED = "its cancellation was requested"
    STOPPING = "the worker must stop"
    LOST = "no heartbeat was accepted for too long"
    CLOSED = "the task is closed"


#: Statuses that do not change when later heartbeats fail.
_FINAL = (TaskStatus.CANCEL_REQUESTED, TaskStatus.CLOSED)


class StatusRecord:
    """The status of one task, and what the activity was told about it; thread-safe.

    Args:
        is_stopping: returns whether the worker's grace is over.
        changed: called with each new status that a heartbeat brings.
    """

    def __init__(
        self,
        is_stopping: Callable[[], bool] = lambda: False,
        changed: Callable[[TaskStatus], object] | None = None,
    ) -> None:
        self._is_stopping = is_stopping
        self._changed = changed
        self._lock = threading.Lock()
        self._learned = TaskStatus.ACTIVE
        self._interrupted_for = TaskStatus.ACTIVE
        #: What the activity was told last: by a heartbeat, by a CancelledError, or when it read
        #: ``cancel_requested``. If this is not ACTIVE, a run that returns None has not completed.
        self.told = TaskStatus.ACTIVE

    @property
    def current(self) -> TaskStatus:
        """What is known now; makes no call to SWF."""
        learned = self._learned
        if learned is TaskStatus.ACTIVE and self._is_stopping():
            return TaskStatus.STOPPING
        return learned

    @property
    def learned(self) -> TaskStatus:
        """What heartbeats have brought; never STOPPING."""
        return self._learned

    def tell(self) -> TaskStatus:
        """Return the current status, and note that the activity is told so."""
        self.told = self.current
        return self.told

    def tell_interruption(self) -> TaskStatus:
        """Note that a CancelledError tells the activity the current status; return that status.

        If the current status is ACTIVE, return what the activity was told last.
        """
        status = self.current
        if status is not TaskStatus.ACTIVE:
            self.told = status
        return self.told

    def accepted(self, *, cancel_requested: bool) -> None:
        """Note that SWF has accepted a heartbeat."""
        with self._lock:
            if self._learned is TaskStatus.CLOSED:
                return  # of two heartbeats at once, the older may end last
            if cancel_requested:
                self._learn(TaskStatus.CANCEL_REQUESTED)
            elif self._learned is TaskStatus.LOST:
                self._learn(TaskStatus.ACTIVE)

    def closed(self) -> None:
        """Note that SWF has closed the task."""
        with self._lock:
            self._learn(TaskStatus.CLOSED)

    def lost(self) -> bool:
        """Note that no heartbeat was accepted for too long; return whether this is news."""
        with self._lock:
            if self._learned in (*_FINAL, TaskStatus.LOST):
                return False
            self._learn(TaskStatus.LOST)
            return True

    def take_interruption(self) -> TaskStatus | None:
        """Return the status because of which to cancel a coroutine now; each status once.

        Returns None if the status is ACTIVE, or if the activity was told of it already.
        """
        with self._lock:
            status = self._learned
            if status in (TaskStatus.ACTIVE, self.told, self._interrupted_for):
                return None
            self._interrupted_for = status
            return status

    def _learn(self, status: TaskStatus) -> None:
        if self._learned is not status:
            self._learned = status
            if self._changed is not None:
                self._changed(status)
