"""A filter for log handlers that adds the keys of the running activity to each record.

Add it to handlers: a filter of a logger does not see the records of the loggers below it. Add it to
the first handler of a record: behind a ``QueueHandler`` records are handled on another thread,
which does not run the activity.
"""

from __future__ import annotations

import logging

from ..context import logged_or_none
from .keys import ACTIVITY_KEYS, OWN_KEYS


class ActivityFilter(logging.Filter):
    """Adds all of Flowy's keys to each record, and lets every record pass.

    Within an activity, the keys identify its task. Elsewhere they are empty texts, so that a format
    can always use them. Keys that a record already has stay unchanged: those of the caller's
    ``extra``, or of Flowy's own records.
    """

    def __init__(self) -> None:
        super().__init__()

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the missing keys."""
        info = logged_or_none()
        has = record.__dict__
        for key, name in ACTIVITY_KEYS.items():
            if key not in has:
                has[key] = "" if info is None else getattr(info, name)
        for key in OWN_KEYS:
            has.setdefault(key, "")
        return True
