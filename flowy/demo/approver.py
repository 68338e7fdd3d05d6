"""The other process: it completes what an activity suspended.

It knows neither the worker nor the workflow, only the domain and the token::

    python -m flowy.demo.approver DOMAIN MAILBOX
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from flowy.shutdown import StopFlag, stop_signals
from flowy.swf.boilerplate import async_scheduler

#: How often the mailbox is looked at, and how long at most, in seconds.
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 20.0


def answer_letter(domain: str, mailbox: Path) -> bool:
    """Wait for the letter that an activity leaves, approve, and return whether SWF took it."""
    stop = StopFlag()
    with stop_signals(stop):
        for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
            if mailbox.exists():
                break
            if stop.wait(LOOK_SECONDS):
                return False
        else:
            return False
    token = json.loads(mailbox.read_text())["token"]
    return async_scheduler(domain).complete(token, {"approved": True, "by_process": os.getpid()})


if __name__ == "__main__":
    sys.exit(0 if answer_letter(sys.argv[1], Path(sys.argv[2])) else 1)
