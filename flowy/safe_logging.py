"""Loggers whose calls never raise: a broken log handler must not cost a task.

A handler, a filter or a closed ``sys.stderr`` may raise anything, and ``logging`` lets some of that
through to the caller. In a worker, the next line may be the one that answers SWF.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter

#: The file descriptor of standard error, for the last resort.
_STDERR = 2

#: Shows that a configuration has disabled all loggers; nobody disables this one alone.
_OWN = logging.getLogger(__name__)


class SafeLogger(_Adapter):
    """A logger that reports its own trouble to standard error instead of raising it.

    A KeyboardInterrupt passes: it comes from a signal, not from the handler.
    """

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log as ``logging.Logger.log``, or write one line to standard error if that raises."""
        try:
            if self.isEnabledFor(level):
                kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1  # the caller's line
                self.logger.log(level, msg, *args, **kwargs)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            _say(f"flowy: a log line was lost: {type(error).__name__} in a log handler\n")

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - logging's name
        """Return whether a record of this level is logged."""
        if _OWN.disabled:  # an activity may import a module that configures logging
            enable_loggers()
        return self.logger.isEnabledFor(level)

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Leave ``extra`` as the caller gave it."""
        return msg, kwargs


def get_logger(name: str) -> SafeLogger:
    """Return the logger of this name, made safe."""
    return SafeLogger(logging.getLogger(name), {})


def enable_loggers() -> None:
    """Enable those of Flowy's loggers that a configuration of logging has disabled.

    ``logging.config`` disables all existing loggers that the configuration does not name, unless
    ``disable_existing_loggers`` is False. Without this function, a worker would silently stop
    logging.
    """
    disabled = [
        logger
        for name, logger in list(logging.root.manager.loggerDict.items())
        if f"{name}.".startswith("flowy.") and getattr(logger, "disabled", False)
    ]
    for logger in disabled:
        logger.disabled = False  # type: ignore[union-attr]
    if disabled:
        get_logger(__name__).info(
            "A configuration of logging had disabled Flowy's loggers; they are enabled again. Set "
            "disable_existing_loggers to False in it."
        )


def _say(text: str) -> None:
    """Write to ``sys.stderr``, which may turn lines into JSON; if that is broken, to its file."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except KeyboardInterrupt:
        raise
    except BaseException:  # it may be closed, None, or a handler's own
        with contextlib.suppress(OSError):
            os.write(_STDERR, text.encode())
