"""What is known of a running task, and what its activity has been told: kept in one place.

SWF tells a worker nothing by itself. That a task was closed, or that its cancellation was
requested, comes with the answer to a heartbeat; that the worker must stop comes from a signal.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable


class TaskStatus(enum.Enum):
    """What is known of a task that runs."""

    ACTIVE = "active"  #: Nothing speaks against going on.
    CANCEL_REQUESTED = "its cancellation was requested"
    STOPPING = "the worker must stop"
    LOST = "no heartbeat was accepted for too long"
    CLOSED = "the task is closed"


#: What SWF does not take back, however silent it becomes.
_FINAL = (TaskStatus.CANCEL_REQUESTED, TaskStatus.CLOSED)


class StatusRecord:
    """The status of one task, and what of it the activity knows; any thread may use it.

    Args:
        is_stopping: tells whether the worker's grace is over.
        changed: called with each new status that a heartbeat has brought.
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
        #: What the activity was told last, by a heartbeat, by a CancelledError, or because it
        #: looked. After any other status than ACTIVE a run that returns None has not completed.
        self.told = TaskStatus.ACTIVE

    @property
    def current(self) -> TaskStatus:
        """What is known now, without a call to SWF."""
        learned = self._learned
        if learned is TaskStatus.ACTIVE and self._is_stopping():
            return TaskStatus.STOPPING
        return learned

    @property
    def learned(self) -> TaskStatus:
        """What heartbeats have brought; never STOPPING."""
        return self._learned

    def tell(self) -> TaskStatus:
        """Return what is known now, to be told to the activity."""
        self.told = self.current
        return self.told

    def tell_interruption(self) -> TaskStatus:
        """Return what is known now: the activity is told by a CancelledError.

        What it was told before stays told if there is no cause now.
        """
        status = self.current
        if status is not TaskStatus.ACTIVE:
            self.told = status
        return self.told

    def accepted(self, *, cancel_requested: bool) -> None:
        """Note that SWF has accepted a heartbeat."""
        with self._lock:
            if self._learned is TaskStatus.CLOSED:
                return  # of two beats at once the older one may end last
            if cancel_requested:
                self._learn(TaskStatus.CANCEL_REQUESTED)
            elif self._learned is TaskStatus.LOST:
                self._learn(TaskStatus.ACTIVE)

    def closed(self) -> None:
        """Note that SWF has closed the task."""
        with self._lock:
            self._learn(TaskStatus.CLOSED)

    def lost(self) -> bool:
        """Note that no heartbeat was accepted for too long; return whether that is new."""
        with self._lock:
            if self._learned in (*_FINAL, TaskStatus.LOST):
                return False
            self._learn(TaskStatus.LOST)
            return True

    def take_interruption(self) -> TaskStatus | None:
        """Return the status for which a coroutine is to be canceled now, once for each.

        None if there is no cause, or the activity was told already.
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
