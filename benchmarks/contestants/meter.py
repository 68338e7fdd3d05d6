"""Counts a contestant's tasks and tells the CPU time of those between warm-up and end."""

from __future__ import annotations

import itertools
import json
import os
import resource


def cpu_seconds() -> float:
    """Return user and system time of this process and of the children it has waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Meter:
    """Call ``tick`` once a task: it prints one line when the last one begins.

    What is measured is a number of whole cycles, from one task's run to a later one's. How many
    tasks are let by first, and how many are counted, comes from the environment.
    """

    def __init__(self) -> None:
        self._skip = int(os.environ.get("BENCH_SKIP", "50"))
        self._count = int(os.environ.get("BENCH_COUNT", "1000"))
        self._ticks = itertools.count(1)
        self._before = 0.0

    @property
    def tasks(self) -> int:
        """How many tasks there are in all."""
        return self._skip + self._count

    def tick(self) -> None:
        """Count a task."""
        tick = next(self._ticks)  # atomic, under the interpreter lock
        if tick == self._skip:
            self._before = cpu_seconds()
        elif tick == self.tasks:
            cpu = (cpu_seconds() - self._before) / self._count
            print(json.dumps({"cpu_per_task": cpu}), flush=True)
