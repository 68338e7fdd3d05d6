"""Reports the health of a worker process to its supervisor, which takes silence for a hang."""

from __future__ import annotations

from ...concurrency.children import Link
from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...health.vitals import Vitals
from . import messages

#: The time between two reports, in seconds; a change is reported at once.
EVERY_SECONDS = 2.0


class VitalsReport:
    """Reports the health of this process to its supervisor."""

    def __init__(self, link: Link, clock: Clock = SYSTEM_CLOCK) -> None:
        self._link = link
        self._clock = clock
        self._told: Vitals | None = None
        self._told_at = 0.0

    def show(self, vitals: Vitals) -> None:
        """Send a report if one is due or the health has changed."""
        due = self._clock.now() - self._told_at >= EVERY_SECONDS
        if due or vitals != self._told:
            self._link.send(messages.vitals(vitals))
            self._told, self._told_at = vitals, self._clock.now()

    def close(self) -> None:
        """Do nothing: the final report of the worker follows."""
