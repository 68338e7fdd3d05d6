"""Which execution has the next timeout.

A call must not become slower because thousands of executions are open, so the local SWF never
searches them for timeouts that are due. Each execution has one entry, at the time of its earliest
timeout or before. An entry may be too early, never too late: whoever takes an execution out fires
what is due and adds the execution again with its next timeout.
"""

from __future__ import annotations

from .priority_queue import Item, PriorityQueue


class TimeoutQueue(PriorityQueue[Item]):
    """Items in the order of their next timeout; times are in seconds since the epoch."""

    def add(self, item: Item, timestamp: float) -> None:
        """Return *item* from :meth:`pop_due` at that time; an earlier entry stays as it is."""
        known = self.priority(item)
        if known is None or timestamp < known[0]:
            self.put(item, (timestamp,))

    def next_time(self) -> float | None:
        """The time of the first entry; None if there is none."""
        first = self.first()
        known = None if first is None else self.priority(first)
        return None if known is None else known[0]

    def pop_due(self, now: float) -> Item | None:
        """Remove and return the first item if its time has come; None otherwise."""
        timestamp, item = self.next_time(), self.first()
        if item is None or timestamp is None or timestamp > now:
            return None
        self.discard(item)
        return item
