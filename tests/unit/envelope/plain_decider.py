"""A decider as the first Flowy's users write them: plain JSON, and no word of envelopes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

LIST = "deciders"


class PlainDecider:
    """Runs activities one after the other, each with the result of the one before.

    Args:
        client: a boto3 client of SWF.
        domain: the domain.
    """

    def __init__(self, client: SWFClient, domain: str) -> None:
        self._client, self._domain = client, domain
        client.register_workflow_type(
            domain=domain,
            name="chain",
            version="1",
            defaultTaskList={"name": LIST},
            defaultChildPolicy="TERMINATE",
            defaultTaskStartToCloseTimeout="60",
            defaultExecutionStartToCloseTimeout="600",
        )
        #: All events of the executions so far.
        self.events: list[Any] = []

    def run(self, *names: str, args: Any = (), kwargs: Any = None) -> Any:
        """Return the value of the last activity, or the attributes of the event that ended one."""
        started = self._client.start_workflow_execution(
            domain=self._domain,
            workflowId="order 7",
            workflowType={"name": "chain", "version": "1"},
        )
        value: Any = None
        for number, name in enumerate(names):
            given = [[value], {}] if number else [list(args), kwargs or {}]
            ended = self._one(name, str(number), json.dumps(given))
            if "result" not in ended:
                value = ended
                break
            value = json.loads(ended["result"])  # carried on without a look at it
        self._client.terminate_workflow_execution(domain=self._domain, workflowId="order 7")
        pages = self._client.get_paginator("get_workflow_execution_history").paginate(
            domain=self._domain, execution={"workflowId": "order 7", "runId": started["runId"]}
        )
        self.events += [event for page in pages for event in page["events"]]
        return value

    @property
    def history(self) -> str:
        """All that SWF keeps, as text."""
        return json.dumps(self.events, default=str, ensure_ascii=False)

    def _one(self, name: str, id: str, input: str) -> Any:
        decision: Any = {
            "decisionType": "ScheduleActivityTask",
            "scheduleActivityTaskDecisionAttributes": {
                "activityId": id,
                "activityType": {"name": name, "version": "1"},
                "input": input,
            },
        }
        decisions, ended = [decision], None
        while ended is None:
            task = self._poll()
            ended = self._ended(task["events"], id)
            if ended is None:
                self._client.respond_decision_task_completed(
                    taskToken=task["taskToken"], decisions=decisions
                )
                decisions = []
            else:
                self._client.respond_decision_task_completed(taskToken=task["taskToken"])
                self._client.signal_workflow_execution(
                    domain=self._domain, workflowId="order 7", signalName="next", input=""
                )
        return ended

    def _poll(self) -> Any:
        while True:
            task = self._client.poll_for_decision_task(domain=self._domain, taskList={"name": LIST})
            if task.get("taskToken"):
                return task

    @staticmethod
    def _ended(events: Any, id: str) -> Any:
        """Return the attributes of the event that ended an activity; None while it runs."""
        scheduled = None
        for event in events:
            kind = event["eventType"]
            said = event.get(f"{kind[0].lower()}{kind[1:]}EventAttributes", {})
            if kind == "ActivityTaskScheduled" and said["activityId"] == id:
                scheduled = event["eventId"]
            ends = kind in (
                "ActivityTaskCompleted", "ActivityTaskFailed", "ActivityTaskTimedOut",
                "ActivityTaskCanceled",
            )  # fmt: skip
            if ends and said["scheduledEventId"] == scheduled:
                return said
        return None
