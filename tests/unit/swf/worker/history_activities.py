"""Activities that keep what they know of their history: not asked for, wanted, or needed."""

from __future__ import annotations

from typing import Any, ClassVar

from flowy.swf.scanner import activity
from flowy.task import Activity
from tests.unit.swf.worker.attempts_case import DECLARED


class Knows(Activity):
    """Keeps what it knows when it runs."""

    seen: ClassVar[dict[str, Any]] = {}

    def run(self) -> None:
        """Keep it."""
        names = ("attempt", "previous", "previous_details", "deadline", "info")
        type(self).seen.clear()
        type(self).seen.update({name: getattr(self, name) for name in names})
        type(self).seen["remaining"] = self.remaining()


class Plain(Knows):
    """Does not ask."""


class Wanted(Knows):
    """Asks for its history."""

    history = "wanted"


class Needed(Knows):
    """Cannot do without."""


activity(**DECLARED)(Plain)
activity(**DECLARED)(Wanted)
activity(**DECLARED, history="needed")(Needed)
