"""A filter for log handlers, which gives each record the keys of the activity that runs.

It belongs to handlers: a filter of a logger does not see the records of the loggers below it. And
it belongs to the first handler that a record meets: behind a ``QueueHandler`` a record is handled
in another thread, which runs no activity.
"""

from __future__ import annotations

import logging

from ..context import current_or_none
from .keys import ACTIVITY_KEYS, OWN_KEYS


class ActivityFilter(logging.Filter):
    """Gives each record all keys of Flowy; lets every record pass.

    Within an activity the keys name its task, outside they are empty text, so that a format may
    use them. A key that a record has already is kept: that of the caller's ``extra``, or that of
    one of Flowy's own records.
    """

    def __init__(self) -> None:
        super().__init__()

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the keys that are missing."""
        info = current_or_none()
        has = record.__dict__
        for key, name in ACTIVITY_KEYS.items():
            if key not in has:
                has[key] = "" if info is None else getattr(info, name)
        for key in OWN_KEYS:
            has.setdefault(key, "")
        return True
