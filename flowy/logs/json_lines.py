"""Writes log records as lines of JSON, with python-json-logger (the extra ``json-logs``)."""

from __future__ import annotations

import functools
import json
import logging
import os
from datetime import datetime, timezone
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from .keys import ACTIVITY_KEYS, OWN_KEYS

_FLOWY_KEYS = frozenset({*ACTIVITY_KEYS, *OWN_KEYS})
_RESERVED = frozenset(RESERVED_ATTRS)


class JSONFormatter(JsonFormatter):
    """Writes ``time``, ``level``, ``logger``, ``message``, ``pid``, and the other keys of a record.

    These are ``exc_info`` and ``stack_info``, Flowy's keys if they are not empty, and the caller's
    ``extra``, except for keys with the name of one of the first five. If a dict is logged as the
    message, its keys are keys of the line. A value that JSON does not have, such as ``nan``, is
    written as text.
    """

    def __init__(self) -> None:
        super().__init__(json_serializer=functools.partial(json.dumps, allow_nan=False))

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Put all keys of the line into *log_data*, in order."""
        at = datetime.fromtimestamp(record.created, timezone.utc)
        log_data["time"] = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        # A dict as message has no text of its own, except under this key.
        log_data["message"] = record.message or message_dict.get("message", "")
        log_data["pid"] = record.process or os.getpid()
        for key, value in message_dict.items():
            log_data.setdefault(str(key), value)
        for name, value in record.__dict__.items():
            key = str(name)  # the caller's extra may have other keys
            if key in _RESERVED or key.startswith("_") or (key in _FLOWY_KEYS and value == ""):
                continue
            log_data.setdefault(key, value)

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Return a line; many log stores refuse one with NaN, which Python writes by default."""
        try:
            return super().jsonify_log_record(log_data)
        except (TypeError, ValueError, RecursionError):
            return super().jsonify_log_record({k: self._writable(v) for k, v in log_data.items()})

    def _writable(self, value: Any) -> Any:
        """Return a value, as text if it is not JSON."""
        try:
            super().jsonify_log_record({"": value})
        except (TypeError, ValueError, RecursionError):
            return repr(value)
        return value
