"""Finds the executions of a domain, for people who operate it."""

from .executions import ExecutionFilter, find_executions, find_run
from .unknown import explained

__all__ = [
    "ExecutionFilter",
    "explained",
    "find_executions",
    "find_run",
]
