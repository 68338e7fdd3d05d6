"""Observers: objects that get a frozen event for each thing that a worker does.

Metrics, health checks and progress displays are observers. They change nothing: if an observer
raises an exception, the worker logs it once for each method and exception class, and goes on.

Methods must be quick and thread-safe: the worker's own threads call them, several at once, between
the calls to SWF. With several processes, each process has its own observers, and the supervisor's
observers get the events of the processes.

An observer that cannot work at all, for example because a library is missing, raises an
``ObserverError`` in ``starting``. This is the only error that ends a worker.
"""

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
from .observer import Observer
from .observers import Observers

__all__ = [
    "CallEnded",
    "CallStarted",
    "HeartbeatEnded",
    "Observer",
    "Observers",
    "PollEnded",
    "PollStarted",
    "ProcessEnded",
    "ProcessStarted",
    "Starting",
    "StatusChanged",
    "StopRequested",
    "TaskEnded",
    "TaskStarted",
    "TaskWaited",
    "WorkerStarted",
    "WorkerStopped",
]
