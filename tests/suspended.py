"""What the tests of suspended tasks take: executions whose activities wait, and their histories."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flowy import Activity
from flowy.context import ActivityInfo
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.values import ActivityDefaults, ActivityImplementation, ActivityType
from flowy.swf.worker import ActivityWorker
from flowy.tokens import SuspendedTask, TokenStore

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

WORKFLOW_TYPE: Any = {"name": "waits", "version": "1"}
TASKS = "tasks"


@dataclass(frozen=True)
class Execution:
    """One execution; the test is its decider."""

    client: SWFClient
    domain: str
    workflow_id: str
    run_id: str

    def decide(self, *decisions: Any) -> None:
        """Take the next decision task and answer it."""
        token = ""
        while not token:
            token = self.client.poll_for_decision_task(
                domain=self.domain, taskList={"name": self.workflow_id}
            ).get("taskToken", "")
        self.client.respond_decision_task_completed(taskToken=token, decisions=list(decisions))

    def schedule(
        self, type: ActivityType, activity_id: str = "1", input: str = "[[], {}]", **more: Any
    ) -> None:
        """Schedule an activity."""
        self.decide(
            {
                "decisionType": "ScheduleActivityTask",
                "scheduleActivityTaskDecisionAttributes": {
                    "activityId": activity_id,
                    "activityType": {"name": type.name, "version": type.version},
                    "input": input,
                    **more,
                },
            }
        )

    def request_cancel(self, activity_id: str = "1") -> None:
        """Request that the activity be canceled, as a decider does."""
        self.client.signal_workflow_execution(
            domain=self.domain, workflowId=self.workflow_id, signalName="wake", input=""
        )
        self.decide(
            {
                "decisionType": "RequestCancelActivityTask",
                "requestCancelActivityTaskDecisionAttributes": {"activityId": activity_id},
            }
        )

    def terminate(self, reason: str = "enough") -> None:
        """Close it from outside."""
        self.client.terminate_workflow_execution(
            domain=self.domain, workflowId=self.workflow_id, reason=reason
        )

    def events(self) -> list[str]:
        """The types of its events, without those of its decisions."""
        return [
            event["eventType"] for event in self._history() if "Decision" not in event["eventType"]
        ]

    def said(self, kind: str) -> dict[str, Any]:
        """The attributes of its one event of a type."""
        (event,) = [event for event in self._history() if event["eventType"] == kind]
        return dict(event[f"{kind[0].lower()}{kind[1:]}EventAttributes"])

    def _history(self) -> list[Any]:
        return list(
            self.client.get_workflow_execution_history(
                domain=self.domain, execution={"workflowId": self.workflow_id, "runId": self.run_id}
            )["events"]
        )


class Desk:
    """A domain in which activities wait for people."""

    def __init__(self, client: SWFClient, domain: str) -> None:
        self.client = client
        self.domain = domain
        client.register_workflow_type(
            domain=domain,
            name=WORKFLOW_TYPE["name"],
            version=WORKFLOW_TYPE["version"],
            defaultTaskStartToCloseTimeout="NONE",
            defaultExecutionStartToCloseTimeout="86400",
            defaultChildPolicy="TERMINATE",
        )

    def start(self, workflow_id: str = "flow") -> Execution:
        """Start an execution, which waits for its first decision."""
        run_id = self.client.start_workflow_execution(
            domain=self.domain,
            workflowId=workflow_id,
            workflowType=WORKFLOW_TYPE,
            taskList={"name": workflow_id},  # no test decides for another one's execution
        )["runId"]
        return Execution(self.client, self.domain, workflow_id, run_id)

    def register(
        self,
        kind: type[Activity] = Activity,
        heartbeat: int | None = None,
        closes: int | None = 600,
    ) -> ActivityImplementation:
        """Register a class as an activity of a name of its own."""
        type_ = ActivityType(kind.__name__, uuid.uuid4().hex)
        defaults = ActivityDefaults(TASKS, heartbeat, None, None, closes)
        found = ActivityImplementation(type_, defaults, kind, __file__, 1)
        register(connect(self.client), self.domain, [found])
        return found

    def run(self, kind: type[Activity], execution: Execution, **defaults: Any) -> ActivityType:
        """Schedule *kind* in *execution*, and let a worker run it."""
        found = self.register(kind, **defaults)
        execution.schedule(found.type)
        self.serve(found)
        return found.type

    def serve(self, found: ActivityImplementation) -> None:
        """Let a worker run the one task that waits."""
        ActivityWorker(
            connect(self.client), self.domain, TASKS, {found.type: found}, loop=1, signals=False
        ).run()

    def waiting(
        self, workflow_id: str = "flow", note: Any = None, **defaults: Any
    ) -> tuple[Execution, SuspendedTask]:
        """An execution whose activity was handed out and waits, and the task to keep."""
        execution = self.start(workflow_id)
        found = self.register(**defaults)
        execution.schedule(found.type)
        task = self.client.poll_for_activity_task(domain=self.domain, taskList={"name": TASKS})
        info = an_info(
            name=found.type.name,
            version=found.type.version,
            domain=self.domain,
            workflow_id=workflow_id,
            run_id=execution.run_id,
            started_event_id=task["startedEventId"],
            heartbeat=found.defaults.heartbeat,
            start_to_close=found.defaults.start_to_close,
        )
        return execution, SuspendedTask(task["taskToken"], info, note)


class WallClock:
    """A wall clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def an_info(**changes: Any) -> ActivityInfo:
    """What is known of some task."""
    known: dict[str, Any] = {
        "name": "approve",
        "version": "1",
        "activity_id": "1",
        "workflow_id": "order-7",
        "run_id": "run-1",
        "domain": "shop",
        "task_list": "orders",
        "started_event_id": 6,
        "identity": "here",
        "heartbeat": None,
        "schedule_to_close": None,
        "schedule_to_start": None,
        "start_to_close": None,
    }
    return ActivityInfo(**{**known, **changes})


def a_task(token: str = "secret-token", note: Any = None, **changes: Any) -> SuspendedTask:
    """Some task; *changes* are those of its info, but for times and its id."""
    own = {key: changes.pop(key) for key in ("suspended_at", "deadline", "id") if key in changes}
    return SuspendedTask(token, an_info(**changes), note, **own)


def is_closed(store: TokenStore, task: SuspendedTask) -> bool:
    """Whether the store knows that the task has ended."""
    found = store.get(task.id)
    assert found is not None
    return not found.is_open
