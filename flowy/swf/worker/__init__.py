"""Workers: one process or several that poll a task list and run the activities it brings."""

from .options import WorkerOptions
from .report import LostPoll, StopReport
from .serving_options import ServingOptions
from .worker import ActivityWorker

__all__ = ["ActivityWorker", "LostPoll", "ServingOptions", "StopReport", "WorkerOptions"]
