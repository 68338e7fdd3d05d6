"""Programs that serve activities until a stop."""

from __future__ import annotations

from typing import Any

ACTIVITIES = """
logging.getLogger("flowy.swf.client").setLevel(logging.DEBUG)

@activity("quick", 1, TASK_LIST)
class Quick(Activity):
    def run(self):
        return "quick"

@activity("hold", 1, TASK_LIST)
class Hold(Activity):
    def run(self, path):
        say("holding")
        wait_in(path)
        say(f"told of a stop: {context.worker_stopping()}")
        return "held"

@activity("beats", 1, TASK_LIST, heartbeat=60)
class Beats(Activity):
    def run(self):
        say("holding")
        beat_until_told_to_stop(
            self, lambda: "saving" if context.worker_stopping() else "working"
        )

@activity("hang", 1, TASK_LIST)
class Hang(Activity):
    def run(self):
        say("holding")
        time.sleep(HANG_SECONDS)

@activity("raises", 1, TASK_LIST)
class Raises(Activity):
    def run(self):
        raise ValueError("so")

@activity("suspends", 1, TASK_LIST)
class Suspends(Activity):
    def run(self):
        raise flowy.SuspendTask
"""

POLLING = "Calling poll_for_activity_task"


def serving(**options: Any) -> str:
    """A script that serves the activities with these options."""
    said = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return (
        ACTIVITIES
        + f"""
report = flowy.start_activity_worker(DOMAIN, TASK_LIST, {said})
say(f"report {{report}}")
say(f"clean {{report.clean}}")
"""
    )
