"""Remembers between two events which tasks run and how processes ended, for metrics."""

from __future__ import annotations

import threading

from ..context import ActivityInfo
from ..observer import ProcessEnded

#: The label for all types that the worker does not serve, because deciders may name any number of
#: them.
OTHER_TYPE = ("other", "")

#: The reason for replacing a process that ended as expected.
RECYCLED = "recycled"


class InHand:
    """The tasks that run in this process, and its activity types; any thread may use it.

    A supervisor also settles tasks that ran in other processes, so not every task that ends has
    run here.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[tuple[str, int]] = set()
        self._served: frozenset[str] = frozenset()

    def serve(self, activity_types: tuple[str, ...]) -> None:
        """Note the types that the worker serves, as texts such as ``"charge 1"``."""
        self._served = frozenset(activity_types)

    def type_of(self, info: ActivityInfo) -> tuple[str, str]:
        """Return name and version of a task's type; ``OTHER_TYPE`` if it is not served."""
        if self._served and f"{info.name} {info.version}" not in self._served:
            return OTHER_TYPE
        return info.name, info.version

    def started(self, info: ActivityInfo) -> None:
        """Note a task that is about to run."""
        with self._lock:
            self._running.add((info.run_id, info.started_event_id))

    def ended(self, info: ActivityInfo) -> bool:
        """Note that a task is settled; return whether it was running here."""
        with self._lock:
            key = info.run_id, info.started_event_id
            found = key in self._running
            self._running.discard(key)
            return found


class Replacements:
    """Remembers how processes ended, and so which processes are replacements."""

    def __init__(self) -> None:
        self._ended: dict[int, str] = {}

    def ended(self, event: ProcessEnded) -> None:
        """Note that the process of a slot has ended."""
        self._ended[event.slot] = RECYCLED if event.expected else event.end

    def reason(self, slot: int) -> str | None:
        """Return how the previous process of a slot ended; None if the slot had none."""
        return self._ended.pop(slot, None)
