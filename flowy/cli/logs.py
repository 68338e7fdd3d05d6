"""How the command line configures logging: each record is a line on standard error.

A library must not configure logging, so only the command does, in the main process and again in
each worker process, which does not inherit the configuration.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

from ..logs import ActivityFilter
from ..logs.text_lines import TextFormatter
from .colours import Colour, coloured, has_colours
from .json_stderr import JSONStderr
from .terminal import say

LOG_FORMATS = ("text", "json")

#: The logger above all of Flowy's.
FLOWY = "flowy"

#: Below the level WARNING these loggers show inputs, results and tokens.
_WIRE_LOGGERS = ("boto3", "botocore", "urllib3")


def configure_logging(level: str, log_format: str = "text") -> None:
    """Log to standard error at *level* and above.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        log_format: ``text``, or ``json``: then each line that anything writes to ``sys.stderr`` is
            JSON.

    Raises:
        ImportError: the library for JSON lines is missing; the text says how to install it.
    """
    handler: logging.StreamHandler[TextIO | Any] = logging.StreamHandler(sys.stderr)
    text = _ColouredFormatter() if has_colours(sys.stderr) else TextFormatter()
    handler.setFormatter(_json_formatter() if log_format == "json" else text)
    handler.addFilter(ActivityFilter())
    if level != "debug":
        handler.addFilter(_without_wire_stack)
    root = logging.getLogger()
    logging.basicConfig(handlers=[handler], level=level.upper())
    if handler in root.handlers:
        # Packages that configure logging set the root's level: that is not Flowy's.
        logging.getLogger(FLOWY).setLevel(level.upper())
    for name in _WIRE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    if log_format == "json" and handler.stream is not None:  # None if standard error is closed
        sys.stderr = JSONStderr(handler)


class _ColouredFormatter(TextFormatter):
    """Writes the levels from WARNING on in a colour."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line, with its level in a colour."""
        line = super().formatMessage(record)
        if record.levelno < logging.WARNING:
            return line
        level = f" {record.levelname} "
        colour: Colour = "red" if record.levelno >= logging.ERROR else "yellow"
        return line.replace(level, coloured(level, colour), 1)


def say_if_silenced() -> None:
    """Say on standard error if a package has left Flowy's log lines without a handler."""
    if not logging.getLogger(FLOWY).hasHandlers():
        say(
            "Only warnings are logged from here on: a package has configured logging without a "
            "handler for the root logger."
        )


def _without_wire_stack(record: logging.LogRecord) -> bool:
    """Leave out the stack of a record of botocore's: Flowy's own error says what went wrong."""
    if record.name.partition(".")[0] in _WIRE_LOGGERS:
        record.exc_info = record.exc_text = None
    return True


def _json_formatter() -> logging.Formatter:
    try:
        from ..logs.json_lines import JSONFormatter
    except ImportError as error:
        raise ImportError(
            f"Cannot log as JSON: {error}. Install python-json-logger, Flowy's extra json-logs, or "
            "log as text."
        ) from error
    return JSONFormatter()
