"""The worker under test, started as its tutorial starts it."""

from __future__ import annotations

import argparse
import time
from typing import Any

from flowy.swf.boilerplate import start_activity_worker
from flowy.swf.scanner import activity
from flowy.task import Activity

from .meter import Meter

meter = Meter()


@activity(name="trivial", version="1", task_list="bench")
class Trivial(Activity):
    """Does next to nothing."""

    def run(self, number: int) -> int:
        """Hand the number back."""
        meter.tick()
        return number


@activity(name="sleep", version="1", task_list="bench")
class Sleep(Activity):
    """Waits, as an activity that calls somebody else does."""

    def run(self, seconds: float) -> float:
        """Sleep."""
        meter.tick()
        time.sleep(seconds)
        return seconds


@activity(name="spin", version="1", task_list="bench")
class Spin(Activity):
    """Computes."""

    def run(self, seconds: float) -> float:
        """Use CPU time: *seconds* of it."""
        meter.tick()
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            sum(range(500))
        return seconds


def main() -> None:
    """Serve for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concurrency", type=int)
    parser.add_argument("--pollers", type=int)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--observer", dest="observers", action="append")
    parser.add_argument("--middleware", action="append")
    parser.add_argument("--register", action="store_true")
    given = vars(parser.parse_args())
    register = given.pop("register")
    options: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    start_activity_worker("bench", "bench", reg_remote=register, **options)


if __name__ == "__main__":
    main()
