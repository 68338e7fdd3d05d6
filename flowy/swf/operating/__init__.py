"""Finds the executions of a domain and their activities, for people who operate it."""

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
