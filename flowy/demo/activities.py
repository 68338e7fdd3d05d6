"""The demo's activities, and the program that completes the one that suspends.

A worker serves this module: ``flowy worker --domain demo --task-list demo flowy.demo.activities``.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from ..swf.boilerplate import async_scheduler
from ..swf.scanner import activity
from ..task import Activity
from ..tokens import Finisher
from ..tokens.sqlite import SQLiteTokenStore
from .files import facts_of

#: How often the approver looks into the store, and how long it waits, in seconds.
LOOK_SECONDS, PATIENCE_SECONDS = 0.05, 60.0


@activity(name="describe", version=1, task_list="demo", heartbeat=60)
class Describe(Activity):
    """Return the size, lines, words and SHA-256 of a file."""

    def run(self, path: str) -> dict[str, Any]:
        """Read the file, with a heartbeat after each chunk, which tells SWF the progress."""
        return facts_of(path, self.heartbeat)


@activity(name="echo", version=1, task_list="demo")
class Echo(Activity):
    """Return the argument, but fail if it is 1."""

    def run(self, value: Any) -> Any:
        """Raise an exception to fail the task: its text becomes the reason in SWF's history."""
        if value == 1:
            raise ValueError("Can't echo 1.")
        return value


@activity(name="approve", version=1, task_list="demo", start_to_close=60)
class Approve(Activity):
    """Ask for an approval that may take a week, without blocking the worker meanwhile."""

    def run(self, question: str, store: str) -> None:
        """Keep the question in *store* with the token, with which another process completes it."""
        self.suspend(SQLiteTokenStore(store), note=question)


def complete_suspended(domain: str, path: str) -> bool:
    """Complete the first task in a store; return whether there was one and SWF took the answer."""
    store = SQLiteTokenStore(path)
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        for task in store.pending(domain):
            answer = {"approved": True, "by_process": os.getpid()}
            return Finisher(store, async_scheduler(domain)).complete(task, answer)
        time.sleep(LOOK_SECONDS)
    return False


if __name__ == "__main__":  # the approver, a process that knows only the domain and the store
    sys.exit(0 if complete_suspended(*sys.argv[1:]) else 1)
