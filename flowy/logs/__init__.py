"""Adds the running activity to log records, and formats the logs of the command line.

SWF identifies a task by ids that authors do not put into their log lines. So a filter for handlers
adds the keys of the running activity to each record, and Flowy's own records carry their keys
themselves.
"""

from .activity_filter import ActivityFilter
from .keys import ACTIVITY_KEYS, OWN_KEYS, LogEvent, log_keys

__all__ = ["ACTIVITY_KEYS", "OWN_KEYS", "ActivityFilter", "LogEvent", "log_keys"]
