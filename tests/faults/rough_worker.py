"""A worker whose log is broken, or that may not have many threads; else as ``worker``.

Its one argument is a JSON text: keyword arguments of ``start_activity_worker``, and

* ``broken_log``: the arguments of ``break_log``, to break it before the start.
* ``log``: ``stderr`` for a log that goes there, from INFO on; ``none`` for none.
* ``threads``: how many threads there may be beside the main one; without it, any number.

Types are registered only if ``reg_remote`` is given as true, because that takes time.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from typing import Any

from flowy.swf.boilerplate import start_activity_worker
from tests.faults.broken_log import break_log
from tests.faults.thread_limit import limit_threads
from tests.faults.worker import REPORT

PACKAGES = ["tests.faults.activities", "tests.faults.rough_activities"]


def prepare() -> dict[str, Any]:
    """Damage this process as the argument says; return the options of the worker."""
    options: dict[str, Any] = json.loads(sys.argv[1])
    if options.pop("log", "none") == "stderr":
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    if "broken_log" in options:
        break_log(*options.pop("broken_log"))
    if "threads" in options:
        limit_threads(options.pop("threads"))
    return {"reg_remote": False, "package": PACKAGES, **options}


def main(options: dict[str, Any]) -> None:
    """Serve both modules of activities until a signal comes."""
    report = start_activity_worker("domain", "tasks", **options)
    print(REPORT + json.dumps(dataclasses.asdict(report)), flush=True)


if __name__ == "__main__":
    main(prepare())
elif __name__ == "__mp_main__":  # a worker process of this one
    prepare()
