"""Classes, and what marks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flowy.swf.scanner import activity, declared
from flowy.task import Activity


class Echo(Activity):
    def run(self, value: int) -> int:
        return value


class Plain:
    def run(self) -> None:
        """Not an activity, though it has a ``run``."""


def mark(**changed: Any) -> Callable[[type[Activity]], type[Activity]]:
    return activity(**{"name": "echo", "version": 1, "task_list": "list", **changed})


def marked(base: type[Activity] = Echo, **changed: Any) -> Any:
    """Return what the one mark of a class declares."""
    (found,) = declared(mark(**changed)(type("Marked", (base,), {})))
    return found
