"""The two questions of probes: whether a worker is live, and whether it is ready.

A worker is live unless a part of it hangs, so that it needs a restart. It is ready if SWF gives it
tasks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from .options import HealthOptions


@dataclass(frozen=True)
class Vitals:
    """The health of a worker at one moment.

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
        """Whether it needs no restart."""
        return not self.not_live

    @property
    def ready(self) -> bool:
        """Whether it gets tasks."""
        return not self.not_ready


def full_status(watched: Watched, options: HealthOptions) -> dict[str, Any]:
    """Return the status of a worker, and whether it is live and ready, as JSON."""
    vitals = watched.vitals(options)
    problems = [*vitals.not_live, *vitals.not_ready]
    said = {"live": vitals.live, "ready": vitals.ready, "problems": problems}
    return {**said, **watched.status()}


class Watched(Protocol):
    """A worker or a supervisor whose health is shown; any thread may call its methods."""

    def look(self) -> None:
        """Update the records of the health; called every second."""

    def vitals(self, options: HealthOptions) -> Vitals:
        """Return the current health, by the limits of *options*."""

    def status(self) -> dict[str, Any]:
        """Return the status as JSON, without any token, input, result or details."""
