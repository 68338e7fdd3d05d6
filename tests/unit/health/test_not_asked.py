"""A worker whose health nobody asks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import sys, threading
from flowy import Activity, AsyncActivity, activity, start_activity_worker

@activity("plain", 1, "tasks")
class Plain(Activity):
    def run(self):
        pass

@activity("coroutine", 1, "tasks")
class Coroutine(AsyncActivity):
    async def run(self):
        pass

class SWF:
    def poll_for_activity_task(self, **_):
        threads = {thread.name.rstrip("-0123456789") for thread in threading.enumerate()}
        print(sorted(threads - {"MainThread"}))
        return {"taskToken": "", "startedEventId": 0}

start_activity_worker(
    "domain", "tasks", SWF(), reg_remote=False, loop=1, concurrency=2, pollers=1,
    activities=[Plain, Coroutine],
)
print([name for name in sys.modules if name.startswith(("flowy.health", "flowy.loopback"))])
print("http.server" in sys.modules)
"""


def test_it_has_no_module_and_no_thread_for_it() -> None:
    """What nobody asks for costs nothing, although NOTIFY_SOCKET may stand in its environment."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"NOTIFY_SOCKET": "/run/systemd/notify"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    threads, modules, server = ran.stdout.splitlines()
    assert threads == str(
        [
            "flowy-activity",
            "flowy-answer",
            "flowy-deadlines",
            "flowy-event-loop",
            "flowy-poller",
            "flowy-signals",
            "flowy-stop",
        ]
    )
    assert (modules, server) == ("[]", "False")
