"""Log records that name the activity they belong to, and how the command line writes them.

SWF knows a task by ids that no author puts into a log line. So handlers may have a filter that
gives each record the keys of the activity that runs, and Flowy's own records bring theirs along.
"""

from .activity_filter import ActivityFilter
from .keys import ACTIVITY_KEYS, OWN_KEYS, LogEvent, log_keys

__all__ = ["ACTIVITY_KEYS", "OWN_KEYS", "ActivityFilter", "LogEvent", "log_keys"]
