"""The end of a process that is only a worker.

Python waits at its exit for exit hooks and for threads that are not daemons. Activities may leave
some that never end, and would so keep a process manager from restarting the worker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time

#: How long threads and exit hooks that activities left behind may take, in seconds.
EXIT_SECONDS = 5.0


def end_within(seconds: float, code: int) -> None:
    """End this process with exit *code* after *seconds*, unless it has ended by then."""

    def end() -> None:
        """Wait, then end the process."""
        time.sleep(seconds)
        os._exit(code)

    try:
        threading.Thread(target=end, name="flowy-exit", daemon=True).start()
    except RuntimeError:  # the system cannot start another thread: end now
        os._exit(code)


def end_now(code: int) -> None:
    """Write out the logs, and end this process with exit *code* although a thread of it hangs.

    A log handler may raise, or wait for a lock that the hanging thread has.
    """
    end_within(EXIT_SECONDS, code)
    with contextlib.suppress(BaseException):
        logging.shutdown()
    os._exit(code)
