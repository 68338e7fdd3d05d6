"""A worker as a process of its own, which prints its report when it has stopped.

Its one argument is a JSON text: keyword arguments of ``start_activity_worker``, with ``layer1``
as the name of a function of ``tests.faults.layer1``, and ``jumping``, whether the wall clock is
to jump.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import logging
import resource
import sys
import time

from flowy.swf.boilerplate import start_activity_worker

#: What the line of the report begins with.
REPORT = "REPORT "

#: How far the wall clock jumps, in seconds: a leap second, a summer time, years, and back.
JUMPS_SECONDS = (-1.0, 1.0, -3_600.0, 3_600.0, -1e8, 1e8)


def main() -> None:
    """Serve ``tests.faults.activities`` until a signal comes."""
    options = json.loads(sys.argv[1])
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


if __name__ in ("__main__", "__mp_main__"):  # the worker, and its worker processes
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stdout, format="%(levelname)s %(process)d %(message)s"
    )
if __name__ == "__main__":
    main()
