"""Finds the execution with the next timeout.

A call must not become slower because thousands of executions are open, so the local SWF never
searches them for due timeouts. Each execution has one entry, at or before the time of its earliest
timeout. An entry may be too early, never too late: whoever takes an execution out fires its due
timeouts, and adds it again with its next one.
"""

from __future__ import annotations

from .priority_queue import Item, PriorityQueue


class TimeoutQueue(PriorityQueue[Item]):
    """Items in the order of their next timeout; times are in seconds since the epoch."""

    def add(self, item: Item, timestamp: float) -> None:
        """Let ``pop_due`` return *item* at that time; an earlier entry stays as it is."""
        known = self.priority(item)
        if known is None or timestamp < known[0]:
            self.put(item, (timestamp,))

    def next_time(self) -> float | None:
        """Return the time of the first entry; None if the queue is empty."""
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
