"""Whoever does not ask for a history imports and calls nothing of it."""

from __future__ import annotations

import subprocess
import sys

#: Serves one task by a client that knows no history, and says what was imported for it.
_PROGRAM = """
import sys
from flowy import Activity, AsyncActivity, activity
from flowy.observer import Observer
from flowy.swf.client import SWFClient
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker

task = {
    "taskToken": "token", "activityId": "1", "startedEventId": 5, "input": "[[7], {}]",
    "workflowExecution": {"workflowId": "flow", "runId": "run"},
}

class Layer1:
    called = []
    def __init__(self, name):
        self.polls = [task | {"activityType": {"name": name, "version": "1"}}]
    def poll_for_activity_task(self, **_):
        return self.polls.pop()
    def record_activity_task_heartbeat(self, **call):
        self.called.append("heartbeat")
        return {"cancelRequested": False}
    def respond_activity_task_completed(self, **call):
        self.called.append("completed")
    def respond_activity_task_failed(self, **call):
        self.called.append("failed")

@activity("echo", 1, "list", heartbeat=60)
class Echo(Activity):
    def run(self, value):
        self.progress("not sent")
        assert (self.attempt, self.previous, self.previous_details) == (None, None, None)
        assert self.deadline is None
        self.deadline = 7  # as an activity may that knows nothing of it
        return self.deadline

@activity("async", 1, "list")
class Async(AsyncActivity):
    async def run(self, value):
        raise ValueError(self.attempt)

for served in (Echo, Async):
    layer1 = Layer1(served.__name__.lower())
    client = SWFClient(layer1, layer1)
    worker = ActivityWorker(
        client, "domain", "list", declared_by([served]), loop=1, observers=[Observer()]
    )
    worker.run()
assert Layer1.called == ["completed", "failed"], Layer1.called
ours = ("flowy.attempts", "flowy.swf.history.same_work", "flowy.swf.worker.history_reader",
        "flowy.swf.worker.past_attempts", "flowy.swf.worker.task_history",
        "flowy.swf.worker.queue_sampler")
assert not sys.modules.keys() & set(ours), sys.modules.keys() & set(ours)
"""


def test_nothing_is_imported_or_called() -> None:
    """Of a plain activity and of a coroutine; an attribute of its own may bear the same name."""
    ran = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
