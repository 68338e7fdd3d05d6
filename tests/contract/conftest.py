"""What the contract tests run against, and the few steps that all of them take.

They state what Flowy relies on in SWF, through a boto3 client and real HTTP, and know
nothing of what answers: here the local SWF.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from flowy.local import LocalSWF

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

#: Every timeout of the activity and workflow types, in seconds, where a test sets none.
LONG = "300"

ACTIVITY_TYPE: Any = {"name": "activity", "version": "1"}
WORKFLOW_TYPE: Any = {"name": "workflow", "version": "1"}


@pytest.fixture(scope="session")
def local_swf() -> Iterator[LocalSWF]:
    """One SWF for all; it holds an empty poll for a second only, SWF for sixty."""
    with LocalSWF(poll_seconds=1.0) as swf:
        yield swf


@pytest.fixture(scope="session")
def swf_client(local_swf: LocalSWF) -> SWFClient:
    """A client that sends what it is given: SWF itself is to refuse what is wrong."""
    return local_swf.client(parameter_validation=False)


@pytest.fixture
def domain(local_swf: LocalSWF) -> str:
    """A domain that no other test knows."""
    name = f"test-{uuid.uuid4()}"
    local_swf.register_domain(name)
    return name


@dataclass(frozen=True)
class Flow:
    """An open execution, with the steps of its decider."""

    client: SWFClient
    domain: str
    task_list: Any
    execution: Any

    def poll_decision(self) -> dict[str, Any]:
        """The next decision task, polled for until there is one."""
        while True:
            task: Any = self.client.poll_for_decision_task(
                domain=self.domain, taskList=self.task_list
            )
            if task["taskToken"]:
                return dict(task)

    def decide(self, *decisions: Any) -> None:
        """Take the next decision task and answer it."""
        token = self.poll_decision()["taskToken"]
        self.client.respond_decision_task_completed(taskToken=token, decisions=list(decisions))

    def schedule(self, activity_id: str = "1", **attributes: Any) -> None:
        """Decide to schedule one activity task."""
        self.decide(self.schedule_decision(activity_id, **attributes))

    @staticmethod
    def schedule_decision(activity_id: str, **attributes: Any) -> dict[str, Any]:
        """The decision to schedule one activity task."""
        return {
            "decisionType": "ScheduleActivityTask",
            "scheduleActivityTaskDecisionAttributes": {
                "activityId": activity_id,
                "activityType": ACTIVITY_TYPE,
                **attributes,
            },
        }

    def poll_activity(self, **parameters: Any) -> dict[str, Any]:
        """Poll once for an activity task."""
        task: Any = self.client.poll_for_activity_task(
            domain=self.domain, taskList=self.task_list, **parameters
        )
        return dict(task)

    def events(self) -> list[dict[str, Any]]:
        """The history."""
        history = self.client.get_workflow_execution_history(
            domain=self.domain,
            execution=self.execution,
        )
        return [dict(event) for event in history["events"]]

    def event_types(self) -> list[str]:
        """The history, in its events' types."""
        return [event["eventType"] for event in self.events()]

    def last(self, event_type: str) -> dict[str, Any]:
        """The attributes of the last event of a type."""
        key = f"{event_type[0].lower()}{event_type[1:]}EventAttributes"
        found = [event for event in self.events() if event["eventType"] == event_type]
        return dict(found[-1][key])


class Starter:
    """Starts executions in a domain that has one activity type and one workflow type."""

    def __init__(self, client: SWFClient, domain: str) -> None:
        self.client = client
        self.domain = domain
        self.task_list: Any = {"name": "tasks"}
        client.register_activity_type(
            domain=domain,
            name=ACTIVITY_TYPE["name"],
            version=ACTIVITY_TYPE["version"],
            defaultTaskList={"name": "tasks"},
            defaultTaskHeartbeatTimeout="NONE",
            defaultTaskScheduleToCloseTimeout=LONG,
            defaultTaskScheduleToStartTimeout=LONG,
            defaultTaskStartToCloseTimeout=LONG,
        )
        client.register_workflow_type(
            domain=domain,
            name=WORKFLOW_TYPE["name"],
            version=WORKFLOW_TYPE["version"],
            defaultTaskList={"name": "tasks"},
            defaultTaskStartToCloseTimeout="NONE",
            defaultExecutionStartToCloseTimeout=LONG,
            defaultChildPolicy="TERMINATE",
        )

    def __call__(self, workflow_id: str = "flow", **parameters: Any) -> Flow:
        started = self.client.start_workflow_execution(
            domain=self.domain,
            workflowId=workflow_id,
            workflowType=WORKFLOW_TYPE,
            **parameters,
        )
        execution = {"workflowId": workflow_id, "runId": started["runId"]}
        return Flow(self.client, self.domain, self.task_list, execution)


@pytest.fixture
def start(swf_client: SWFClient, domain: str) -> Starter:
    """Starts an execution: ``start("workflow id", **more parameters)``."""
    return Starter(swf_client, domain)


@pytest.fixture
def flow(start: Starter) -> Flow:
    """An execution that waits for its first decision."""
    return start()


@pytest.fixture
def task(flow: Flow) -> dict[str, Any]:
    """An activity task of ``flow`` that was handed out."""
    flow.schedule()
    return flow.poll_activity()
