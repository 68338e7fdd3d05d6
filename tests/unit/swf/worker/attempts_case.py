"""Tasks on a local SWF whose history is read: a decider that tries again, and one worker's runs.

The runs are in the test's own thread. SWF's clock stands until the test turns it, and the worker's
own turns by itself as it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flowy.local import LocalSWF
from flowy.observer import Observer, Observers, TaskEnded, TaskWaited
from flowy.swf.client import SWFClient
from flowy.swf.scanner import declared
from flowy.swf.values import ActivityTask
from flowy.swf.worker.auto_heartbeats import AutoHeartbeats
from flowy.swf.worker.responder import StopPolicy
from flowy.swf.worker.task_run import TaskRun
from flowy.swf.worker.worker_context import WorkerContext
from flowy.task import Activity
from tests.unit.clocks import SelfTurningClock
from tests.unit.shop import DOMAIN, Shop, scheduled

#: How the activities of most tests are declared.
DECLARED: dict[str, Any] = {
    "name": "charge", "version": 1, "task_list": "work", "heartbeat": 30,
    "schedule_to_close": None, "schedule_to_start": None, "start_to_close": None,
}  # fmt: skip


class Told(Observer):
    """Keeps what it was told of waits and ends."""

    def __init__(self) -> None:
        self.waits: list[TaskWaited] = []
        self.ends: list[TaskEnded] = []

    def task_waited(self, event: TaskWaited) -> None:
        self.waits.append(event)

    def task_ended(self, event: TaskEnded) -> None:
        self.ends.append(event)


class Layer1:
    """A boto3 client whose histories are late, refused or whatever else a test says.

    Args:
        client: makes the calls.

    Attributes:
        calls: the methods called, in their order.
        on_history: called before a history is read, with the number of the call, from 1.
        behind: how many of the next histories lack their newest two events.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: list[str] = []
        self.on_history: Callable[[int], object] = lambda number: None
        self.behind = 0

    @property
    def reads(self) -> int:
        """How many calls asked for a history."""
        return self.calls.count("get_workflow_execution_history")

    def get_workflow_execution_history(self, **call: Any) -> Mapping[str, Any]:
        self.calls.append("get_workflow_execution_history")
        self.on_history(self.reads)
        answer: Mapping[str, Any] = self._client.get_workflow_execution_history(**call)
        if self.behind:
            self.behind -= 1
            return {**answer, "events": answer["events"][2:]}
        return answer

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._client, method)

        def noted(**parameters: Any) -> Any:
            self.calls.append(method)
            return call(**parameters)

        return noted


class AttemptsCase:
    """An execution whose activities a test schedules, takes and lets time out.

    Args:
        swf: the local SWF, whose clock stands.
    """

    def __init__(self, swf: LocalSWF) -> None:
        self.shop = Shop(swf)
        self.swf = swf
        self.layer1 = Layer1(self.shop.boto3)
        self.clock = SelfTurningClock()
        self.told = Told()
        self.run_id = self.shop.start("order-1")
        self._worker: WorkerContext | None = None

    def worker(self, activity: type[Activity], **attributes: Any) -> WorkerContext:
        """Return the context of a worker that serves an activity; *attributes* are its own."""
        found = declared(activity)[0]
        client = SWFClient(self.layer1, self.layer1)
        known: dict[str, Any] = {
            "activities": {found.type: found},
            "client": client,
            "domain": DOMAIN,
            "task_list": "work",
            "identity": "worker-2",
            "policy": StopPolicy(self.clock.flag),
            "auto_heartbeats": AutoHeartbeats(self.clock),
            "observers": Observers([self.told]),
            "clock": self.clock,
        }
        self._worker = WorkerContext(**(known | attributes))
        return self._worker

    def schedule(self, activity_id: str = "1", **attributes: Any) -> None:
        """Let the decider schedule an activity."""
        self.shop.decide("order-1", scheduled(activity_id, **{"input": "[[], {}]"} | attributes))

    def take(self) -> ActivityTask:
        """Take the next task."""
        client = SWFClient(self.shop.boto3, self.shop.boto3)
        task = client.poll_for_activity_task(DOMAIN, "work", "worker-2")
        assert task is not None
        return task

    def lose(self, activity_id: str = "1", details: str | None = None, **attributes: Any) -> None:
        """Let an attempt send a heartbeat with these details and then time out."""
        self.schedule(activity_id, **attributes)
        token = self.take().task_token
        if details is not None:
            self.shop.boto3.record_activity_task_heartbeat(taskToken=token, details=details)
        self.swf.clock.turn(31)  # the type's heartbeat timeout is 30

    def task_run(self, activity: type[Activity], **attributes: Any) -> TaskRun:
        """Take the next task, and return its run."""
        return TaskRun(self.worker(activity, **attributes), self.take())

    def run(self, activity: type[Activity], activity_id: str = "1", **attributes: Any) -> TaskRun:
        """Schedule a task and run it to its end."""
        self.schedule(activity_id)
        run = self.task_run(activity, **attributes)
        run.run()
        return run

    @property
    def events(self) -> list[Mapping[str, Any]]:
        """The history of the execution."""
        client = SWFClient(self.shop.boto3, self.shop.boto3)
        return [*client.get_workflow_execution_history(DOMAIN, "order-1", self.run_id)]


@contextmanager
def open_case(**swf: Any) -> Iterator[AttemptsCase]:
    """A case on a local SWF of its own."""
    with LocalSWF(domain=DOMAIN, poll_seconds=1, **swf) as local:
        local.clock.hold()
        yield AttemptsCase(local)
