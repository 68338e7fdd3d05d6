"""What probes ask of a worker: whether it is live, and whether it is ready.

Live means that a restart would not help. Ready means that SWF gives it tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .options import HealthOptions


@dataclass(frozen=True)
class Vitals:
    """How a worker is at this moment.

    Attributes:
        not_live: why it should be restarted; empty if it is live.
        not_ready: why it gets no tasks; empty if it is ready.
        stopping: whether a stop was requested.
        summary: what it does, in one line.
    """

    not_live: tuple[str, ...]
    not_ready: tuple[str, ...]
    stopping: bool
    summary: str

    @property
    def live(self) -> bool:
        """Whether a restart would not help."""
        return not self.not_live

    @property
    def ready(self) -> bool:
        """Whether it gets tasks."""
        return not self.not_ready


def full_status(watched: Watched, options: HealthOptions) -> dict[str, Any]:
    """Return what a worker does, and whether it is live and ready, as JSON."""
    vitals = watched.vitals(options)
    problems = [*vitals.not_live, *vitals.not_ready]
    said = {"live": vitals.live, "ready": vitals.ready, "problems": problems}
    return {**said, **watched.status()}


class Watched(Protocol):
    """A worker or a supervisor whose health is shown; any thread may call its methods."""

    def look(self) -> None:
        """Do what must be done each second to know the health."""

    def vitals(self, options: HealthOptions) -> Vitals:
        """Return how it is, by the limits of *options*."""

    def status(self) -> dict[str, Any]:
        """Return what it does, as JSON: never a token, an input, a result or details."""
