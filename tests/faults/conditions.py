"""Conditions that other threads wait for, and that an event loop's own thread looks at."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

#: How often a condition that no call changes is looked at, in seconds.
_LOOK_SECONDS = 0.05


class Conditions:
    """Conditions that are looked at after each change, and now and then for what changes elsewhere.

    All of it happens in the thread of the loop.

    Args:
        loop: the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        #: Each condition, and the event that is set once it holds.
        self.awaited: list[tuple[Callable[[], object], threading.Event]] = []
        self._loop = loop
        self._look_due = False

    def add(self, condition: Callable[[], object], seen: threading.Event) -> None:
        """Set *seen* as soon as a condition holds; one that raises does not hold yet."""
        self.awaited.append((condition, seen))
        self.changed()
        if len(self.awaited) == 1:
            self._loop.call_later(_LOOK_SECONDS, self._look_again)

    def forget(self, seen: threading.Event) -> None:
        """Look no more at the condition of this event."""
        self.awaited = [each for each in self.awaited if each[1] is not seen]

    def changed(self) -> None:
        """Look at all conditions soon."""
        if self.awaited and not self._look_due:
            self._look_due = True
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        self._look_due = False
        for condition, seen in list(self.awaited):
            with contextlib.suppress(Exception):
                if condition():
                    seen.set()
        self.awaited = [each for each in self.awaited if not each[1].is_set()]

    def _look_again(self) -> None:
        if self.awaited:
            self.changed()
            self._loop.call_later(_LOOK_SECONDS, self._look_again)
