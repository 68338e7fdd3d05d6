"""Warnings for the author of activities, which name the line of the author's own code."""

from __future__ import annotations

import sys
import warnings

_PACKAGE = __name__.partition(".")[0]

_warns = True


def leave_warnings() -> None:
    """Warn no more in this process, because another one does that for the same code."""
    global _warns
    _warns = False


def warns_author() -> bool:
    """Return whether this process warns the author of activities."""
    return _warns


def warn_author(text: str) -> None:
    """Warn, and name the line of the author's code that called into this package."""
    if not _warns:
        return
    level, frame = 1, sys._getframe()
    while frame.f_back and str(frame.f_globals.get("__name__")).split(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, UserWarning, stacklevel=level)
