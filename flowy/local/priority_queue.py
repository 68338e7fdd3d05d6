"""A priority queue whose items can be removed or given another priority.

A task list sends its tasks by priority and age, and a task may leave it at any time: a worker takes
it, it times out, its execution closes. The next timeout of an execution changes with almost every
event. ``heapq`` can neither remove an entry nor change one, so outdated entries stay in the heap
until they come first or until they outnumber the others.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import Generic, TypeAlias, TypeVar

Item = TypeVar("Item")

#: The key by which items are ordered, the lowest first.
Priority: TypeAlias = tuple[float, ...]

#: How many outdated entries may always stay in the heap.
_SPARE_ENTRIES = 1000


class PriorityQueue(Generic[Item]):
    """Hashable items by priority, the lowest first, and the older first among equals."""

    def __init__(self) -> None:
        self._heap: list[tuple[Priority, int, Item]] = []
        self._entries: dict[Item, tuple[Priority, int, Item]] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, item: Item, priority: Priority) -> None:
        """Add an item, or give it another priority."""
        entry = (priority, next(self._numbers), item)
        self._entries[item] = entry
        heapq.heappush(self._heap, entry)
        self._rebuild()

    def discard(self, item: Item) -> None:
        """Remove an item; do nothing if it is not in the queue."""
        self._entries.pop(item, None)
        self._rebuild()

    def first(self) -> Item | None:
        """Return the item with the lowest priority, without removing it; None if empty."""
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][-1] if self._heap else None

    def priority(self, item: Item) -> Priority | None:
        """Return the priority of an item; None if it is not in the queue."""
        entry = self._entries.get(item)
        return None if entry is None else entry[0]

    def _rebuild(self) -> None:
        if len(self._heap) > 2 * len(self._entries) + _SPARE_ENTRIES:
            self._heap = list(self._entries.values())
            heapq.heapify(self._heap)

    def _is_current(self, entry: tuple[Priority, int, Item]) -> bool:
        return self._entries.get(entry[-1]) is entry
