"""A worker as a process of its own, which prints its report when it has stopped.

Its one argument is a JSON text: keyword arguments of ``start_activity_worker``, with ``layer1``
as the name of a function of ``tests.faults.layer1``, and

* ``jumping``: whether the wall clock is to jump.
* ``hurry``: how many times as fast the clock is by which Flowy waits and times out.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import resource
import sys
import threading
import time

from flowy.concurrency.clock import SYSTEM_CLOCK, Clock, Lock
from flowy.swf.boilerplate import start_activity_worker

#: What the line of the report begins with.
REPORT = "REPORT "

#: How far the wall clock jumps, in seconds: a leap second, a summer time, years, and back.
JUMPS_SECONDS = (-1.0, 1.0, -3_600.0, 3_600.0, -1e8, 1e8)


def main() -> None:
    """Serve ``tests.faults.activities`` until a signal comes."""
    options = json.loads(sys.argv[1])
    options.pop("hurry", None)  # begun already, in worker processes too
    if options.pop("jumping", False):
        let_the_clock_jump()
    if "layer1" in options:
        from tests.faults import layer1

        options["layer1"] = getattr(layer1, options["layer1"])
    domain = options.pop("domain", "domain")
    report = start_activity_worker(domain, "tasks", package="tests.faults.activities", **options)
    print(REPORT + json.dumps(dataclasses.asdict(report)), flush=True)


def let_the_clock_jump() -> None:
    """Replace ``time.time`` by a clock that jumps at each look at it."""
    steady = time.time
    jumps = itertools.cycle(JUMPS_SECONDS)

    def jumping() -> float:
        return steady() + next(jumps)

    time.time = jumping


class FastClock(Clock):
    """A clock that is *times* as fast as the system's."""

    times = 1.0

    def now(self) -> float:
        return super().now() * self.times

    def wait(self, condition: threading.Condition, seconds: float | None) -> bool:
        return super().wait(condition, None if seconds is None else seconds / self.times)

    def acquire(self, lock: Lock, seconds: float | None) -> bool:
        return super().acquire(lock, None if seconds is None else seconds / self.times)


if __name__ in ("__main__", "__mp_main__"):  # the worker, and its worker processes
    FastClock.times = json.loads(sys.argv[1]).get("hurry", 1.0)
    SYSTEM_CLOCK.__class__ = FastClock
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(process)d %(message)s"
    )
if __name__ == "__main__":
    main()
