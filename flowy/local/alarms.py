"""Alarms: when to look at whom, without looking at all.

A call must not cost more because thousands of executions are open, so nobody goes
through them to find out what is due.  Each execution says when it wants to be looked at:
at its earliest timeout, or before.  An alarm may come too early, never too late; whoever
is looked at sets the next one.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")

#: Set-off alarms that may lie about before the heap is swept.
_SWEEP_AT = 1000


class Alarms(Generic[Item]):
    """At most one alarm for each item; items are told apart by their hash."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._armed: dict[Item, float] = {}
        self._numbers = count()

    def arm(self, item: Item, timestamp: float) -> None:
        """Ring for an item at that time, in seconds since the epoch, or before."""
        if timestamp < self._armed.get(item, float("inf")):
            self._armed[item] = timestamp
            heapq.heappush(self._heap, (timestamp, next(self._numbers), item))
            if len(self._heap) > 2 * len(self._armed) + _SWEEP_AT:
                self._heap = [entry for entry in self._heap if self._is_armed(entry)]
                heapq.heapify(self._heap)

    def disarm(self, item: Item) -> None:
        """Never mind."""
        self._armed.pop(item, None)

    def next(self) -> float | None:
        """When the next one rings; None where none is set."""
        while self._heap and not self._is_armed(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> Item | None:
        """An item whose time has come, its alarm off; None where there is none."""
        timestamp = self.next()
        if timestamp is None or timestamp > now:
            return None
        _, _, item = heapq.heappop(self._heap)
        del self._armed[item]
        return item

    def _is_armed(self, entry: tuple[float, int, Item]) -> bool:
        return self._armed.get(entry[2]) == entry[0]
