"""The tasks that wait for a poll, and those that are made when a poll asks for one."""

from __future__ import annotations

from collections import deque

from .record import Supply, Task


class TaskQueue:
    """Tasks in the order in which they were scheduled; after them, those of a supply."""

    def __init__(self) -> None:
        #: Makes a task for a poll that finds no other one; None for no task.
        self.supply: Supply | None = None
        self._queue: deque[Task] = deque()
        self._tokens = 0

    def add(self, name: str, version: str, text: str, count: int) -> list[Task]:
        """Schedule *count* tasks with this input, and return them."""
        tasks = [Task(self._new_token(), name, version, text) for _ in range(count)]
        self._queue.extend(tasks)
        return tasks

    def take(self) -> Task | None:
        """Take the next task that waits, and return it; None without one."""
        if self._queue:
            return self._queue.popleft()
        supply = self.supply
        if supply is None or supply.left <= 0:
            return None
        supply.left -= 1
        supply.made += 1
        return Task(self._new_token(), supply.name, supply.version, supply.input)

    def clear(self) -> None:
        """Forget the tasks that wait, and the supply."""
        self._queue.clear()
        self.supply = None

    def _new_token(self) -> str:
        self._tokens += 1
        return f"token-{self._tokens}"
