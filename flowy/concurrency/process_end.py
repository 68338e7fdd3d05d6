"""The end of a process that is a worker and nothing else.

Python waits at its exit for threads that are no daemons and for exit hooks. An activity may have
left some that never end, and then whoever restarts workers would wait, too.
"""

from __future__ import annotations

import os
import threading
import time

#: How long threads and exit hooks that activities left behind may take, in seconds.
EXIT_SECONDS = 5.0


def end_within(seconds: float, code: int) -> None:
    """End this process with exit *code* in *seconds*, unless it has ended by itself before."""

    def end() -> None:
        time.sleep(seconds)
        os._exit(code)

    try:
        threading.Thread(target=end, name="flowy-exit", daemon=True).start()
    except RuntimeError:  # no thread can be had, so none watches: end now
        os._exit(code)
