"""Executions of the contract tests, with the few steps that all of them take, and their types."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

#: Lets time pass at SWF, in seconds.
PassTime = Callable[[float], None]

#: Makes a client, with more settings for its ``Config``.
NewClient = Callable[..., "SWFClient"]

#: Makes a name that no other test knows, which begins with the one it is given.
Own = Callable[[str], str]

#: Every timeout of the activity and workflow types, in seconds, if a test sets none.
LONG = "300"

ACTIVITY_TYPE: Any = {"name": "activity", "version": "1"}
WORKFLOW_TYPE: Any = {"name": "workflow", "version": "1"}

ACTIVITY_DEFAULTS: Any = {
    "defaultTaskList": {"name": "tasks"},
    "defaultTaskHeartbeatTimeout": "NONE",
    "defaultTaskScheduleToCloseTimeout": LONG,
    "defaultTaskScheduleToStartTimeout": LONG,
    "defaultTaskStartToCloseTimeout": LONG,
}
WORKFLOW_DEFAULTS: Any = {
    "defaultTaskList": {"name": "tasks"},
    "defaultTaskStartToCloseTimeout": LONG,
    "defaultExecutionStartToCloseTimeout": LONG,
    "defaultChildPolicy": "TERMINATE",
}


#: Polls for a decision task that ought to be there, before a test gives up.
PATIENCE = 2

#: The domain of all tests at Amazon's. The other domains that tests make begin like it, and are
#: the same in each run: no run adds one to the 100 that an account has.
SHARED_DOMAIN = "flowy-contract"


def have_domain(client: SWFClient, name: str, days: str = "1") -> None:
    """Register a domain, or bring it back if it was registered and deprecated before."""
    with contextlib.suppress(client.exceptions.DomainAlreadyExistsFault):
        client.register_domain(name=name, workflowExecutionRetentionPeriodInDays=days)
        return
    with contextlib.suppress(client.exceptions.DomainAlreadyExistsFault):
        client.undeprecate_domain(name=name)


def have_activity_type(client: SWFClient, domain: str, name: str, **defaults: Any) -> Any:
    """Register an activity type, or bring it back; return it as the calls take it."""
    type_: Any = {"name": name, "version": "1"}
    with contextlib.suppress(client.exceptions.TypeAlreadyExistsFault):
        client.register_activity_type(domain=domain, **type_, **{**ACTIVITY_DEFAULTS, **defaults})
        return type_
    with contextlib.suppress(client.exceptions.TypeAlreadyExistsFault):
        client.undeprecate_activity_type(domain=domain, activityType=type_)
    return type_


def have_workflow_type(client: SWFClient, domain: str, name: str) -> Any:
    """Register a workflow type, or bring it back; return it as the calls take it."""
    type_: Any = {"name": name, "version": "1"}
    with contextlib.suppress(client.exceptions.TypeAlreadyExistsFault):
        client.register_workflow_type(domain=domain, **type_, **WORKFLOW_DEFAULTS)
        return type_
    with contextlib.suppress(client.exceptions.TypeAlreadyExistsFault):
        client.undeprecate_workflow_type(domain=domain, workflowType=type_)
    return type_


@dataclass(frozen=True)
class Flow:
    """An open execution, with the steps of its decider."""

    client: SWFClient
    domain: str
    task_list: Any
    execution: Any
    pass_time: PassTime

    def poll_decision(self, **parameters: Any) -> dict[str, Any]:
        """The next decision task, polled for until there is one."""
        for _ in range(PATIENCE):
            task: Any = self.client.poll_for_decision_task(
                domain=self.domain, taskList=self.task_list, **parameters
            )
            if task.get("taskToken"):
                return dict(task)
        raise AssertionError("no decision task came")

    def wake(self) -> None:
        """Signal the execution: there is a decision task then."""
        self.client.signal_workflow_execution(
            domain=self.domain,
            workflowId=self.execution["workflowId"],
            signalName="wake",
            input="up",
        )

    def decide(self, *decisions: Any) -> None:
        """Take the next decision task and answer it."""
        token = self.poll_decision()["taskToken"]
        self.client.respond_decision_task_completed(taskToken=token, decisions=list(decisions))

    def schedule(self, activity_id: str = "1", **attributes: Any) -> None:
        """Decide to schedule one activity task."""
        self.decide(self.schedule_decision(activity_id, **attributes))

    def schedule_decision(self, activity_id: str, **attributes: Any) -> dict[str, Any]:
        """The decision to schedule one activity task."""
        return {
            "decisionType": "ScheduleActivityTask",
            "scheduleActivityTaskDecisionAttributes": {
                "activityId": activity_id,
                "activityType": ACTIVITY_TYPE,
                "taskList": self.task_list,
                **attributes,
            },
        }

    def poll_activity(self, **parameters: Any) -> dict[str, Any]:
        """Poll once for an activity task."""
        task: Any = self.client.poll_for_activity_task(
            domain=self.domain, taskList=self.task_list, **parameters
        )
        return {"taskToken": "", **task}

    def events(self) -> list[dict[str, Any]]:
        """The history."""
        history = self.client.get_workflow_execution_history(
            domain=self.domain,
            execution=self.execution,
        )
        return [dict(event) for event in history["events"]]

    def event_types(self) -> list[str]:
        """The types of the history's events."""
        return [event["eventType"] for event in self.events()]

    def last(self, event_type: str) -> dict[str, Any]:
        """The attributes of the last event of a type."""
        key = f"{event_type[0].lower()}{event_type[1:]}EventAttributes"
        found = [event for event in self.events() if event["eventType"] == event_type]
        return dict(found[-1][key])


class Starter:
    """Starts executions in a domain that has one activity type and one workflow type.

    Args:
        client: calls SWF.
        domain: where.
        pass_time: lets time pass there.
        own: makes the task list's name, and the executions' if a test does not.
    """

    def __init__(self, client: SWFClient, domain: str, pass_time: PassTime, own: Own) -> None:
        self.client = client
        self.domain = domain
        self.pass_time = pass_time
        self.own = own
        self.task_list: Any = {"name": own("tasks")}
        self.started: list[Any] = []
        have_activity_type(client, domain, ACTIVITY_TYPE["name"])
        have_workflow_type(client, domain, WORKFLOW_TYPE["name"])

    def __call__(self, workflow_id: str | None = None, **parameters: Any) -> Flow:
        """Start one, by an id that no other test knows; ``workflow_id`` is taken as it is."""
        workflow_id = self.own("flow") if workflow_id is None else workflow_id
        wanted = {"workflowType": WORKFLOW_TYPE, "taskList": self.task_list, **parameters}
        started = self.client.start_workflow_execution(
            domain=self.domain, workflowId=workflow_id, **wanted
        )
        execution = {"workflowId": workflow_id, "runId": started["runId"]}
        self.started.append(execution)
        return Flow(self.client, self.domain, self.task_list, execution, self.pass_time)

    def terminate(self) -> None:
        """Terminate what is still open."""
        for execution in self.started:
            with contextlib.suppress(self.client.exceptions.UnknownResourceFault):
                self.client.terminate_workflow_execution(domain=self.domain, **execution)
