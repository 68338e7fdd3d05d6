"""What people look at and change in a domain: its executions, their activities, its types."""

from .activities import ActivityRecord, activity_records
from .executions import ExecutionFilter, find_executions, find_run
from .unknown import explained

__all__ = [
    "ActivityRecord",
    "ExecutionFilter",
    "activity_records",
    "explained",
    "find_executions",
    "find_run",
]
