"""A script that serves a package, logs as the command line does, and exits as it would.

Its one argument is a JSON text: keyword arguments of ``start_activity_worker``. It runs in a
session of its own: see ``tests.faults.sessions``.
"""

from __future__ import annotations

import json
import logging
import sys

from flowy.swf.boilerplate import start_activity_worker

#: What the script exits with if its report is not clean.
LEFT_OVER = 8


def main() -> int:
    """Serve until a signal comes."""
    report = start_activity_worker("domain", "tasks", **json.loads(sys.argv[1]))
    return 0 if report.clean else LEFT_OVER


if __name__ in ("__main__", "__mp_main__"):  # the worker, and its worker processes
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(process)d %(message)s")
if __name__ == "__main__":
    sys.exit(main())
