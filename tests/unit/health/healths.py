"""A worker whose health a test says."""

from __future__ import annotations

from typing import Any

from flowy.health import HealthOptions
from flowy.health.vitals import Vitals

#: The state of a worker that does all that it should.
WELL = Vitals(not_live=(), not_ready=(), stopping=False, summary="serving")

#: The state of a worker whose poller has died.
ILL = Vitals(not_live=("poller 0 is dead",), not_ready=(), stopping=False, summary="serving")

#: The state of a worker that has not polled yet.
NEW = Vitals(not_live=(), not_ready=("it does not poll yet",), stopping=False, summary="starting")

#: The state of a worker that was asked to stop.
STOPPING = Vitals(not_live=(), not_ready=("it stops",), stopping=True, summary="stopping")


class Patient:
    """A worker that is as the test says.

    Attributes:
        now: how it is.
        looks: how often it was looked at.
        given: the options of the last time that it was asked.
    """

    def __init__(self, now: Vitals = WELL) -> None:
        self.now = now
        self.looks = 0
        self.given: HealthOptions | None = None

    def look(self) -> None:
        self.looks += 1

    def vitals(self, options: HealthOptions) -> Vitals:
        self.given = options
        return self.now

    def status(self) -> dict[str, Any]:
        return {"pid": 4711}
