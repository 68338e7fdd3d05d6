"""Writes log records as lines of text, with time zone and process id, as a fleet needs them."""

from __future__ import annotations

import logging
from datetime import datetime, timezone


class TextFormatter(logging.Formatter):
    """Writes ``2026-11-28 14:03:07.125+0100 [4711] INFO shop.orders: Charged.``."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s [%(process)d] %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the local time with milliseconds and its offset from UTC."""
        at = datetime.fromtimestamp(record.created, timezone.utc).astimezone()
        return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}{at:%z}"
