"""simpleflow's activity poller, as ``simpleflow worker.start --nb-processes 1`` runs it.

Its supervisor, which only watches, is left out: that is in simpleflow's favour.
"""

from __future__ import annotations

from typing import Any

from simpleflow.swf.mapper.models import Domain
from simpleflow.swf.process.worker.base import ActivityPoller

from .meter import Meter

meter = Meter()


def trivial(number: int) -> int:
    """Do next to nothing; simpleflow runs it in a process of its own."""
    return number


class Counting(ActivityPoller):  # type: ignore[misc]  # simpleflow has no types
    """Counts in the parent, because the activity runs in a child."""

    def process(self, response: Any) -> None:
        """Count, and go on."""
        meter.tick()
        super().process(response)


if __name__ == "__main__":
    Counting(Domain("bench"), "bench").start()
