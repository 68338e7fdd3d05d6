"""Activities that the tests of the environment run."""

from __future__ import annotations

from typing import Any

from flowy.exception import (
    CancelTask,
)
from flowy.swf.scanner import activity
from flowy.task import Activity


class Echo(Activity):
    def run(self, value: Any = None, *args: Any, **kwargs: Any) -> Any:
        return (value, *args, *kwargs.values()) if args or kwargs else value


class Countdown(Activity):
    """Beats at each step, and gives up when it is told to."""

    def run(self, steps: int, result: Any = "done") -> Any:
        for left in range(steps, 0, -1):
            if not self.heartbeat(f"{left} left"):
                if self.cancel_requested:
                    raise CancelTask(f"{left} left")
                return None
        return result


@activity("stubborn", 3, "tasks", heartbeat=30, auto_heartbeat=True)
class Stubborn(Activity):
    """Does what it likes with what it learns."""

    def run(self, result: Any = None, look: bool = True) -> Any:
        if look and self.cancel_requested:
            raise CancelTask("looked")
        return result
