"""Lets a signal interrupt the main thread, but only in calls that may be interrupted.

A KeyboardInterrupt can come at any bytecode. If it came while an answer is sent, or while a stop
reports, the answer or the report would be lost.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Interruption:
    """Interrupts calls of the main thread.

    Only the main thread uses it: for the calls, and in signal handlers.

    Args:
        possible: whether ``call`` runs in the main thread, and may be interrupted; if False, it
            only calls.
    """

    def __init__(self, possible: bool = True) -> None:
        self._possible = possible
        self._open = False
        self._came = False

    def call(self, function: Callable[[], T]) -> T:
        """Call *function*, which an interruption may end.

        Raises:
            KeyboardInterrupt: an interruption came, now or before; also if Python dropped its first
                KeyboardInterrupt, as in a finalizer, and *function* has failed since.
        """
        if not self._possible:
            return function()
        try:
            self._open = True
            if self._came:
                raise KeyboardInterrupt
            return function()
        except Exception as error:
            if self._came:
                raise KeyboardInterrupt from error
            raise
        finally:
            self._open = False

    def come(self) -> None:
        """Interrupt the call under way, or the next one; a signal handler calls this.

        Raises:
            KeyboardInterrupt: a call is under way, and no KeyboardInterrupt is being handled.
        """
        self._came = True
        if self._open and not interruption_is_handled():
            raise KeyboardInterrupt


def interruption_is_handled() -> bool:
    """Return whether a KeyboardInterrupt is being handled right now."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
