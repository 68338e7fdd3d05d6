"""A log that raises: in a handler, or where a record is made."""

from __future__ import annotations

import itertools
import logging
from typing import Any

from .evil_errors import RAISED


class Breaking(logging.Handler):
    """Raises from the given record on."""

    def __init__(self, raises: str, from_record: int) -> None:
        super().__init__()
        self._raises = {**RAISED, "OSError": OSError}[raises]
        self._from_record = from_record
        self._numbers = itertools.count(1)

    def strike(self) -> None:
        """Raise, unless it is too early."""
        if next(self._numbers) >= self._from_record:
            raise self._raises("the log is broken")

    def emit(self, record: logging.LogRecord) -> None:
        self.strike()


def break_log(place: str, raises: str, from_record: int = 1) -> None:
    """Let each record of Flowy's raise, down to the single call.

    Args:
        place: ``"handler"`` or ``"factory"``, which makes the records.
        raises: the name of what is raised: ``OSError``, or one of ``RAISED``.
        from_record: the first record that raises, counted from 1.
    """
    flowy = logging.getLogger("flowy")
    flowy.setLevel(logging.DEBUG)
    breaking = Breaking(raises, from_record)
    if place == "handler":
        flowy.addHandler(breaking)
    else:
        assert place == "factory"
        _break_factory(breaking)


def _break_factory(breaking: Breaking) -> None:
    make = logging.getLogRecordFactory()

    def factory(name: str, *args: Any, **kwargs: Any) -> logging.LogRecord:
        if name.partition(".")[0] == "flowy":
            breaking.strike()
        return make(name, *args, **kwargs)

    logging.setLogRecordFactory(factory)
