"""A domain at a local SWF of a test's own, with a decider and a worker that are told each step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from flowy.local import LocalSWF
from flowy.swf.client import SWFClient

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient as Boto3Client

DOMAIN = "shop"


class Shop:
    """A domain with a decider and a worker that do what a test says, step by step."""

    def __init__(self, swf: LocalSWF) -> None:
        self.swf = swf
        self.boto3: Boto3Client = swf.client()
        self.client = SWFClient(self.boto3, self.boto3)
        self.began = 0.0
        for name in ("order", "refund"):
            self.boto3.register_workflow_type(domain=DOMAIN, name=name, version="1")
        for name in ("charge", "ship"):
            self.boto3.register_activity_type(
                domain=DOMAIN, name=name, version="1", defaultTaskList={"name": "work"},
                defaultTaskHeartbeatTimeout="30", defaultTaskScheduleToCloseTimeout="NONE",
                defaultTaskScheduleToStartTimeout="NONE", defaultTaskStartToCloseTimeout="NONE",
            )  # fmt: skip

    def start(self, workflow_id: str, *tags: str, name: str = "order") -> str:
        """Start an execution and return its run id."""
        return self.boto3.start_workflow_execution(
            domain=DOMAIN,
            workflowId=workflow_id,
            workflowType={"name": name, "version": "1"},
            taskList={"name": workflow_id},
            executionStartToCloseTimeout="3600",
            taskStartToCloseTimeout="NONE",
            childPolicy="TERMINATE",
            tagList=list(tags),
            input="secret input",
        )["runId"]

    def decide(self, workflow_id: str, *decisions: Any) -> None:
        """Take the next decision task of an execution and answer it."""
        task = self.boto3.poll_for_decision_task(domain=DOMAIN, taskList={"name": workflow_id})
        self.boto3.respond_decision_task_completed(
            taskToken=task["taskToken"], decisions=list(decisions)
        )

    def close(self, workflow_id: str, how: str, **attributes: Any) -> None:
        """Close an execution by the decision ``{how}WorkflowExecution``."""
        key = f"{how[0].lower()}{how[1:]}WorkflowExecutionDecisionAttributes"
        self.decide(workflow_id, {"decisionType": f"{how}WorkflowExecution", key: attributes})

    def take(self) -> str:
        """Take the next activity task and return its token."""
        task = self.boto3.poll_for_activity_task(
            domain=DOMAIN, taskList={"name": "work"}, identity="worker-1"
        )
        return task["taskToken"]


def scheduled(activity_id: str, name: str = "charge", **attributes: Any) -> dict[str, Any]:
    """The decision to schedule an activity."""
    return {
        "decisionType": "ScheduleActivityTask",
        "scheduleActivityTaskDecisionAttributes": {
            "activityId": activity_id,
            "activityType": {"name": name, "version": "1"},
            "input": f"input of {activity_id}",
            **attributes,
        },
    }


@contextmanager
def open_shop() -> Iterator[Shop]:
    """The domain; its clock stands until the test turns it."""
    with LocalSWF(domain=DOMAIN, poll_seconds=1) as swf:
        swf.clock.hold()
        yield Shop(swf)
