"""A decider as the first Flowy has it, after its release 0.2.1, on boto3 instead of boto.

It is a port of its flowy/swf/poller.py and flowy/swf/scheduler.py: call ids count up, each call
reserves one for each retry, a time-out is retried under the next id, and inputs and results are
``json.dumps`` and ``json.loads``. A failed activity fails the workflow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.deciders.decision_tasks import decision_tasks

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

Event = Mapping[str, Any]


class NotYetError(Exception):
    """The workflow waits for a result: a placeholder was looked at."""


@dataclass
class Decision:
    """One decision task: what the history says, and what is decided."""

    results: dict[int, str] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    running: set[int] = field(default_factory=set)
    timed_out: set[int] = field(default_factory=set)
    decisions: list[Any] = field(default_factory=list)
    call_id: int = 0

    def activity(self, name: str, version: str, *args: Any, retry: int = 3, **kwargs: Any) -> Any:
        """Return an activity's value, or schedule it and raise; an error is a ``RuntimeError``."""
        first = self.call_id
        self.call_id = first + 1 + retry
        for call_id in range(first, first + retry + 1):
            if call_id in self.timed_out:
                continue
            if call_id in self.running:
                raise NotYetError
            if call_id in self.errors:
                raise RuntimeError(self.errors[call_id])
            if call_id in self.results:
                return json.loads(self.results[call_id])
            self.decisions.append(
                {
                    "decisionType": "ScheduleActivityTask",
                    "scheduleActivityTaskDecisionAttributes": {
                        "activityId": str(call_id),
                        "activityType": {"name": name, "version": version},
                        "input": json.dumps([args, kwargs]),
                    },
                }
            )
            raise NotYetError
        raise RuntimeError("A job has timed out.")

    def read(self, event: Event, ids: dict[int, int]) -> None:
        """Note what an event of the history says."""
        kind = event["eventType"]
        said = event.get(f"{kind[0].lower()}{kind[1:]}EventAttributes", {})
        if kind == "ActivityTaskScheduled":
            ids[event["eventId"]] = int(said["activityId"])
            self.running.add(ids[event["eventId"]])
        elif kind in ("ActivityTaskCompleted", "ActivityTaskFailed", "ActivityTaskTimedOut"):
            call_id = ids[said["scheduledEventId"]]
            self.running.remove(call_id)
            if kind == "ActivityTaskCompleted":
                self.results[call_id] = said["result"]
            elif kind == "ActivityTaskFailed":
                self.errors[call_id] = said["reason"]
            else:
                self.timed_out.add(call_id)


class FirstFlowyDecider:
    """Runs one workflow at a time, in the thread of the test.

    Args:
        client: a boto3 client.
        domain: a domain.
        workflow: gets a ``Decision``; what it returns is the workflow's result.
    """

    def __init__(self, client: SWFClient, domain: str, workflow: Callable[[Decision], Any]) -> None:
        self._client = client
        self._domain = domain
        self._workflow = workflow
        client.register_workflow_type(domain=domain, name="first-flowy", version="1")

    def run(self, workflow_id: str) -> Any:
        """Start the workflow, decide until it is done, and return its value; or raise its reason.

        Raises:
            RuntimeError: the workflow failed.
        """
        tasks = decision_tasks(self._client, self._domain, workflow_id, "first-flowy")
        while True:
            task = next(tasks)
            decision, ids = Decision(), dict[int, int]()
            for event in task["events"]:
                decision.read(event, ids)
            ended, value, reason = True, None, None
            try:
                value = self._workflow(decision)
                decision.decisions = [_complete(json.dumps(value))]
            except NotYetError:
                ended = False
            except RuntimeError as error:
                reason = str(error)
                decision.decisions = [_fail(reason)]
            self._client.respond_decision_task_completed(
                taskToken=task["taskToken"], decisions=decision.decisions
            )
            if reason is not None:
                raise RuntimeError(reason)
            if ended:
                return value


def _complete(result: str) -> Any:
    return {
        "decisionType": "CompleteWorkflowExecution",
        "completeWorkflowExecutionDecisionAttributes": {"result": result},
    }


def _fail(reason: str) -> Any:
    return {
        "decisionType": "FailWorkflowExecution",
        "failWorkflowExecutionDecisionAttributes": {"reason": reason[:256]},
    }
