"""A standard error whose every line is JSON, whoever writes it.

Not all that stands there is a log record: Python prints warnings and tracebacks, the command says
why it ends, a module that is imported may print. A log store that is told to read JSON would drop
such lines, and they are those that tell why a worker does not start.
"""

from __future__ import annotations

import itertools
import json
import logging
import threading
from typing import Any

#: The logger of a line that is not a log record.
LOGGER = "stderr"

#: The first lines of tracebacks, and of the stack of a call that cannot be logged. The last line is
#: the first after it that is not indented.
_BEGINNINGS = frozenset({"Traceback (most recent call last):", "Call stack:"})

#: How many lines of a traceback are kept at most.
_KEPT_LINES = 1_000


class JSONStderr:
    """Takes the place of ``sys.stderr``: makes a record of what is written, at the level ERROR.

    Args:
        handler: writes JSON lines to the real one. A line that is a JSON object already, as
            another log handler writes it, is passed on.
    """

    def __init__(self, handler: logging.StreamHandler[Any]) -> None:
        self._handler = handler
        self._stream = handler.stream
        self._begun = threading.local()  # print() writes a line and its end one by one
        self._writing = threading.local()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Return False: colours, and lines that replace each other, are not for JSON."""
        return False

    def write(self, text: str) -> int:
        """Write the lines that *text* ends; keep the rest until its end comes.

        Lines that come together are one record: those of a stack belong together. So are those of
        a traceback, which Python writes one by one.
        """
        *lines, self._begun.text = (getattr(self._begun, "text", "") + text).split("\n")
        for are_json, group in itertools.groupby(lines, _is_object):
            if are_json:
                self._write_kept()
                self._stream.write("".join(f"{line}\n" for line in group))
            else:
                kept = [*getattr(self._begun, "lines", ()), *group]
                self._begun.lines = kept
                if not _is_unfinished(kept):
                    self._write_kept()
        return len(text)

    def flush(self) -> None:
        """Write what was kept as a line of its own."""
        if getattr(self._begun, "text", ""):
            self.write("\n")
        self._write_kept()
        self._stream.flush()

    def _write_kept(self) -> None:
        """Write the lines that were kept, as one record."""
        whole = "\n".join(getattr(self._begun, "lines", ()))
        self._begun.lines = []
        if whole.strip():
            self._write_record(whole.strip("\n"))

    def _write_record(self, text: str) -> None:
        """Write a record; drop it if it tells why another one cannot be written."""
        # If the real stream is broken, the handler says so on ``sys.stderr``: here, without end.
        if getattr(self._writing, "is_on", False):
            return
        self._writing.is_on = True
        try:
            self._handler.handle(
                logging.LogRecord(LOGGER, logging.ERROR, __file__, 0, text, None, None)
            )
        finally:
            self._writing.is_on = False


def _is_object(line: str) -> bool:
    try:
        return line.startswith("{") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _is_unfinished(lines: list[str]) -> bool:
    """Return whether more lines of a traceback follow."""
    if len(lines) >= _KEPT_LINES:
        return False
    for line in reversed(lines):
        if line in _BEGINNINGS:
            return True
        if line and not line[0].isspace():
            return False
    return False
