"""How a worker process tells its supervisor how it is: what says nothing hangs."""

from __future__ import annotations

from ...concurrency.children import Link
from ...concurrency.clock import SYSTEM_CLOCK, Clock
from ...health.vitals import Vitals
from . import messages

#: How often a process tells how it is, in seconds, unless that has changed.
EVERY_SECONDS = 2.0


class VitalsReport:
    """Tells a supervisor how this process is."""

    def __init__(self, link: Link, clock: Clock = SYSTEM_CLOCK) -> None:
        self._link = link
        self._clock = clock
        self._told: Vitals | None = None
        self._told_at = 0.0

    def show(self, vitals: Vitals) -> None:
        """Tell it, if that is due or news."""
        due = self._clock.now() - self._told_at >= EVERY_SECONDS
        if due or vitals != self._told:
            self._link.send(messages.vitals(vitals))
            self._told, self._told_at = vitals, self._clock.now()

    def close(self) -> None:
        """Tell nothing more: the report follows."""
