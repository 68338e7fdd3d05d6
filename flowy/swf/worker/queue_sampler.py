"""Tells observers how long some tasks waited for a worker, whose histories nobody else reads.

A poll does not tell how long its task was queued. So the histories of a share of the tasks are read
after they have ended, in a thread of their own: no task waits for that.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from ...context import ActivityInfo
from ...exception import FlowyError
from ...observer import Observers, TaskWaited
from ...safe_logging import get_logger
from ..values import ActivityTask
from .history_reader import HistoryReader
from .timeouts_in_force import queue_seconds

logger = get_logger(__name__)

#: How many tasks wait to be looked up, at most; others are left out.
MOST_WAITING = 100


class QueueSampler:
    """Looks up a share of the tasks that it is told of, in one daemon thread.

    Args:
        share: of how many tasks, from 0 to 1.
        histories: returns what reads histories; a read that its budget forbids is left out.
        observers: told of each task that was looked up.
    """

    def __init__(
        self, share: float, histories: Callable[[], HistoryReader], observers: Observers
    ) -> None:
        self._share = share
        self._histories = histories
        self._observers = observers
        self._condition = threading.Condition()
        self._waiting: deque[tuple[ActivityTask, ActivityInfo]] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def take(self, task: ActivityTask, info: ActivityInfo) -> None:
        """Look a task up, if the draw falls on it; never blocks."""
        if random.random() >= self._share:  # noqa: S311 - a sample, not a secret
            return
        with self._condition:
            if self._closed or len(self._waiting) >= MOST_WAITING:
                return
            self._waiting.append((task, info))
            if self._thread is None:
                name = "flowy-queue-sample"
                self._thread = threading.Thread(target=self._work, name=name, daemon=True)
                try:
                    self._thread.start()
                except RuntimeError as error:
                    self._closed = True
                    logger.warning("Cannot sample the queue: no thread is left (%s).", error)
            self._condition.notify()

    def close(self) -> None:
        """Leave out what waits, and let the thread end."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _work(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self._look_up(*entry)
            except Exception as error:
                known = isinstance(error, FlowyError)
                text = "The queue's wait of %s was not looked up (%s)."
                logger.log(10 if known else 40, text, entry[1], type(error).__name__)

    def _next(self) -> tuple[ActivityTask, ActivityInfo] | None:
        with self._condition:
            self._condition.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else self._waiting.popleft()

    def _look_up(self, task: ActivityTask, info: ActivityInfo) -> None:
        histories = self._histories()
        found = histories.known(task)
        if found is None:
            if histories.turn_seconds():
                return
            found = histories.read(task)
        seconds = queue_seconds(found.this)
        if seconds is not None:
            at, began = found.this.scheduled_at, found.this.started_at
            self._observers.task_waited(
                TaskWaited(replace(info, scheduled_at=at, started_at=began), seconds)
            )
