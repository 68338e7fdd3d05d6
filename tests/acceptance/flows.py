"""A decider of the tests' own: schedules activities with raw input, and reads the history back.

It speaks SWF through a plain boto3 client and uses nothing of Flowy, so that what it reads is
what any decider would read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient
    from mypy_boto3_swf.type_defs import TaskListTypeDef

#: The name of the event that closes an activity task, without its prefix.
CLOSINGS = frozenset({"Completed", "Failed", "TimedOut", "Canceled"})

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Ask:
    """One activity task to schedule.

    Attributes:
        name, version: which activity.
        input: the raw text of its input; None for none.
        more: further attributes of the decision, such as ``taskList`` or ``heartbeatTimeout``.
    """

    name: str
    input: str | None = "[[], {}]"
    version: str = "1"
    more: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Closing:
    """How SWF's history says that a task was closed."""

    kind: str
    result: str | None = None
    reason: str | None = None
    details: str | None = None
    timeout: str | None = None
    identity: str | None = None


class Flow:
    """An open execution whose activities were scheduled, all in its first decision."""

    def __init__(self, client: SWFClient, domain: str, asks: Sequence[Ask]) -> None:
        self._client = client
        self._domain = domain
        self._list: TaskListTypeDef = {"name": f"decisions-{uuid.uuid4()}"}
        self._count = len(asks)
        workflow_id = f"flow-{uuid.uuid4()}"
        started = client.start_workflow_execution(
            domain=domain,
            workflowId=workflow_id,
            workflowType={"name": "flow", "version": "1"},
            taskList=self._list,
            executionStartToCloseTimeout="300",
            taskStartToCloseTimeout="60",
            childPolicy="TERMINATE",
        )
        self.execution: Any = {"workflowId": workflow_id, "runId": started["runId"]}
        self._decide([_schedule(number, ask) for number, ask in enumerate(asks)])

    def events(self) -> list[Event]:
        """The history, oldest first."""
        pages = self._client.get_paginator("get_workflow_execution_history").paginate(
            domain=self._domain, execution=self.execution
        )
        return [event for page in pages for event in page["events"]]

    def closings(self) -> dict[int, list[Closing]]:
        """All closing events of each task, by its number."""
        numbers: dict[int, int] = {}
        identities: dict[int, str] = {}
        found: dict[int, list[Closing]] = {number: [] for number in range(self._count)}
        for event in self.events():
            kind = event["eventType"].removeprefix("ActivityTask")
            said = event.get(f"activityTask{kind}EventAttributes", {})
            if kind == "Scheduled":
                numbers[event["eventId"]] = int(said["activityId"])
            elif kind == "Started":
                identities[said["scheduledEventId"]] = said.get("identity", "")
            elif kind in CLOSINGS:
                found[numbers[said["scheduledEventId"]]].append(
                    Closing(
                        kind,
                        said.get("result"),
                        said.get("reason"),
                        said.get("details"),
                        said.get("timeoutType"),
                        identities.get(said["scheduledEventId"]),
                    )
                )
        return found

    def wait(self) -> list[Closing]:
        """Wait until every task is closed, once each; return how, in the order of the asks."""
        while not all(self.closings().values()):
            self._decide([])
        closings = self.closings()
        assert [len(each) for each in closings.values()] == [1] * self._count
        return [each for (each,) in closings.values()]

    def terminate(self) -> None:
        """Close the execution from outside, with what runs in it."""
        self._client.terminate_workflow_execution(
            domain=self._domain, childPolicy="TERMINATE", **self.execution
        )

    def _decide(self, decisions: list[Any]) -> None:
        task = self._client.poll_for_decision_task(domain=self._domain, taskList=self._list)
        if task.get("taskToken"):
            self._client.respond_decision_task_completed(
                taskToken=task["taskToken"], decisions=decisions
            )
        else:
            assert not decisions, "SWF asked for no decision"


def _schedule(number: int, ask: Ask) -> dict[str, Any]:
    attributes = {
        "activityId": str(number),
        "activityType": {"name": ask.name, "version": ask.version},
        **dict(ask.more),
    }
    if ask.input is not None:
        attributes["input"] = ask.input
    return {
        "decisionType": "ScheduleActivityTask",
        "scheduleActivityTaskDecisionAttributes": attributes,
    }
