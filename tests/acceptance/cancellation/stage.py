"""An execution on which an activity takes its steps one by one, and whose decider is the test."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import Future
from typing import Any

from flowy.concurrency.stop import StopLevel
from flowy.context import current
from flowy.exception import CancelTask
from flowy.local import LocalSWF
from flowy.swf.calling import call_activity
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import activity
from flowy.swf.worker import ActivityWorker, StopReport
from flowy.task import Activity
from flowy.testing.worker import LocalWorker, collect
from tests.patience import PATIENCE_SECONDS, until

#: Events that close an activity task.
ENDS = frozenset(f"ActivityTask{how}" for how in ("Completed", "Failed", "Canceled", "TimedOut"))


class Steps:
    """The steps of one running activity; the test lets it go from one to the next."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.answers: list[bool] = []
        self.error: BaseException | None = None

    def wait(self) -> None:
        """Wait until the activity stands before its next step."""
        assert self.reached.acquire(timeout=PATIENCE_SECONDS)

    def step(self) -> None:
        """Let it take that step, and wait until it stands before the next one."""
        self.go.release()
        self.wait()

    def last_step(self) -> None:
        """Let it take its last step."""
        self.go.release()


#: By workflow id.
STEPS: dict[str, Steps] = {}


@activity("stepping", 1, "steps", heartbeat=60, schedule_to_close=None, start_to_close=600)
class Stepping(Activity):
    """Takes the steps that it is given: beat, look, then none, value, fail or cancel."""

    def run(self, *steps: str) -> Any:
        mine = STEPS[current().workflow_id]
        for step in steps:
            mine.reached.release()
            assert mine.go.acquire(timeout=PATIENCE_SECONDS)
            if step == "beat":
                mine.answers.append(self.heartbeat())
            elif step == "look":
                mine.answers.append(self.cancel_requested)
            elif step == "fail":
                raise ValueError("failed by itself")
            elif step == "cancel":
                raise CancelTask("half of it")
            elif step == "value":
                return "a value"
        return None


class GradedWorker:
    """A worker for the stepping activity that a test stops by degrees."""

    domain = "local"

    def __init__(self, swf: LocalSWF) -> None:
        self._swf = swf
        activities = collect(Stepping)
        client = connect(swf.client())
        register(client, self.domain, activities.values())
        self._worker = ActivityWorker(client, self.domain, "steps", activities, signals=False)
        self._report: Future[StopReport] = Future()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop_to(self, level: StopLevel) -> None:
        """Request a stop."""
        self._worker.stop(level)

    def stop(self) -> StopReport:
        """Stop, and return how the tasks ended."""
        self._worker.stop(StopLevel.CANCEL)

        def has_ended() -> bool:
            self._swf.release_polls()  # again: a poll may have been on its way
            return self._report.done()

        until(has_ended, "the worker's end")
        return self._report.result()

    def _run(self) -> None:
        self._report.set_result(self._worker.run())


class Stage:
    """One execution with one activity; the test decides in it."""

    def __init__(self, swf: LocalSWF, worker: LocalWorker | GradedWorker) -> None:
        self.swf = swf
        self.worker = worker
        self.domain = worker.domain
        self.client: Any = swf.client()
        self.workflow_id = uuid.uuid4().hex
        self.steps = STEPS[self.workflow_id] = Steps()

    def schedule(self, *steps: str) -> None:
        """Start the execution and schedule the activity."""
        self.client.register_workflow_type(
            domain=self.domain, name="by hand", version=self.workflow_id
        )
        self.client.start_workflow_execution(
            domain=self.domain,
            workflowId=self.workflow_id,
            workflowType={"name": "by hand", "version": self.workflow_id},
            taskList={"name": self.workflow_id},
            executionStartToCloseTimeout="100000",
            taskStartToCloseTimeout="NONE",
            childPolicy="TERMINATE",
        )
        text = "[[" + ", ".join(f'"{step}"' for step in steps) + "], {}]"
        self._decide(
            "ScheduleActivityTask",
            activityId="1",
            activityType={"name": "stepping", "version": "1"},
            input=text,
        )

    def call(self, *arguments: Any, **options: Any) -> Any:
        """Call the activity, without a decider of the test's."""
        return call_activity(self.domain, *arguments, layer1=self.client, **options)

    def request_cancel(self) -> None:
        """Decide to request the activity's cancellation."""
        self.client.signal_workflow_execution(
            domain=self.domain, workflowId=self.workflow_id, signalName="now"
        )
        self._decide("RequestCancelActivityTask", activityId="1")

    def wait_for_end(self) -> None:
        """Wait until the activity is closed."""
        while not self.ends():
            self.poll()

    def poll_until_ended_then_request(self) -> None:
        """Request the cancellation of the activity in the decision that follows its end."""
        task = self.poll()
        assert self.ends()
        self._decide("RequestCancelActivityTask", task, activityId="1")

    def poll(self) -> dict[str, Any]:
        """Return the next decision task."""
        while True:
            task: dict[str, Any] = self.client.poll_for_decision_task(
                domain=self.domain, taskList={"name": self.workflow_id}
            )
            if task.get("taskToken"):
                return task

    def _decide(self, kind: str, task: dict[str, Any] | None = None, **attributes: Any) -> None:
        key = f"{kind[0].lower()}{kind[1:]}DecisionAttributes"
        self.client.respond_decision_task_completed(
            taskToken=(task or self.poll())["taskToken"],
            decisions=[{"decisionType": kind, key: attributes}],
        )

    def events(self) -> list[dict[str, Any]]:
        """The history."""
        history = self.client.get_workflow_execution_history(
            domain=self.domain, execution=self._execution()
        )
        return list(history["events"])

    def _execution(self) -> dict[str, str]:
        for find in (
            self.client.list_open_workflow_executions,
            self.client.list_closed_workflow_executions,
        ):
            found = find(
                domain=self.domain,
                startTimeFilter={"oldestDate": 0},
                executionFilter={"workflowId": self.workflow_id},
            )["executionInfos"]
            if found:
                return dict(found[0]["execution"])
        raise LookupError(self.workflow_id)

    def history(self) -> list[str]:
        """The types of the history's events."""
        return [event["eventType"] for event in self.events()]

    def wait_for_event(self, event_type: str) -> None:
        """Wait for an event that another decider, in a thread, brings about."""
        until(lambda: event_type in self._history_so_far(), event_type)

    def _history_so_far(self) -> list[str]:
        try:
            return self.history()
        except LookupError:
            return []  # the execution was not started yet

    def attributes(self, event_type: str) -> dict[str, Any]:
        """The attributes of the one event of a type."""
        (found,) = (event for event in self.events() if event["eventType"] == event_type)
        return dict(found[f"{event_type[0].lower()}{event_type[1:]}EventAttributes"])

    def ends(self) -> list[str]:
        """The ends of the activity that the history knows: one, if all is well."""
        return [event["eventType"] for event in self.events() if event["eventType"] in ENDS]
