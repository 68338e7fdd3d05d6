"""Open executions, whose decider only schedules activities and waits for their ends.

A decider's poll is woken by every end of an activity, so a test waits for ends and not for the
clock.
"""

from __future__ import annotations

import contextlib
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flowy.transport import encode_input
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


TASK_LIST = "tasks"

ENDS = (
    "ActivityTaskCompleted",
    "ActivityTaskFailed",
    "ActivityTaskTimedOut",
)

Event = dict[str, Any]


class Execution:
    """An open workflow execution, with a decider that only schedules and waits."""

    def __init__(self, client: SWFClient, domain: str) -> None:
        self._client = client
        self._domain = domain
        self._list = f"decisions-{uuid.uuid4()}"
        workflow_id = f"flow-{uuid.uuid4()}"
        kind = {"name": "many", "version": "1"}
        with contextlib.suppress(client.exceptions.TypeAlreadyExistsFault):
            client.register_workflow_type(domain=domain, name="many", version="1")
        started = client.start_workflow_execution(
            domain=domain,
            workflowId=workflow_id,
            workflowType=kind,  # type: ignore[arg-type]
            taskList={"name": self._list},
            executionStartToCloseTimeout="3600",
            taskStartToCloseTimeout="60",
            childPolicy="TERMINATE",
        )
        self.execution: Any = {"workflowId": workflow_id, "runId": started["runId"]}
        self._scheduled = 0
        self._events: list[Event] = []  # as far as it was read

    def schedule(
        self, name: str, *args: Any, times: int = 1, version: str = "1", **attributes: Any
    ) -> None:
        """Schedule *times* tasks of an activity type, each with the same arguments."""
        decisions = []
        for _ in range(times):
            self._scheduled += 1
            said = {
                "activityId": f"{name}-{self._scheduled}",
                "activityType": {"name": name, "version": version},
                "taskList": {"name": TASK_LIST},
                "input": encode_input(args, {}),
                **attributes,
            }
            decisions.append(
                {
                    "decisionType": "ScheduleActivityTask",
                    "scheduleActivityTaskDecisionAttributes": said,
                }
            )
        refused = self.count("ScheduleActivityTaskFailed")
        self.decide(*decisions)
        assert self.count("ScheduleActivityTaskFailed") == refused, "register it first"

    def close(self) -> None:
        """Terminate it, which closes its activities."""
        self._client.terminate_workflow_execution(
            domain=self._domain, childPolicy="TERMINATE", **self.execution
        )

    def decide(self, *decisions: Any) -> None:
        """Take a decision task, after asking for one by a signal, and answer it."""
        self._client.signal_workflow_execution(
            domain=self._domain, signalName="decide", input="", **self.execution
        )
        while (token := self._poll()) is None:
            pass
        self._client.respond_decision_task_completed(taskToken=token, decisions=list(decisions))

    def events(self) -> list[Event]:
        """The whole history, of which only what is new is read."""
        pages = self._client.get_paginator("get_workflow_execution_history").paginate(
            domain=self._domain,
            execution=self.execution,
            reverseOrder=True,
            PaginationConfig={"PageSize": 50},
        )
        newest_first: Iterator[Event] = (dict(one) for page in pages for one in page["events"])
        seen = len(self._events)
        news = itertools.takewhile(lambda event: event["eventId"] > seen, newest_first)
        self._events += reversed(list(news))
        return self._events

    def attributes(self, kind: str) -> list[Event]:
        """The attributes of all events of one kind."""
        key = f"{kind[0].lower()}{kind[1:]}EventAttributes"
        return [event[key] for event in self.events() if event["eventType"] == kind]

    def count(self, *kinds: str) -> int:
        """How many events of these kinds there are."""
        counted = Counter(event["eventType"] for event in self.events())
        return sum(counted[kind] for kind in kinds)

    def wait_for(self, count: int, *kinds: str) -> list[Event]:
        """Wait for *count* ends of these kinds; return the attributes of the first kind."""
        kinds = kinds or ENDS
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.count(*kinds) < count:
            assert time.monotonic() < deadline, Counter(e["eventType"] for e in self.events())
            token = self._poll()
            if token is not None:
                self._client.respond_decision_task_completed(taskToken=token, decisions=[])
        return self.attributes(kinds[0])

    def most_in_hand(self) -> int:
        """How many activities were started and not ended, at most."""
        most = now = 0
        for event in self.events():
            now += event["eventType"] == "ActivityTaskStarted"
            now -= event["eventType"] in ENDS
            most = max(most, now)
        return most

    def _poll(self) -> str | None:
        answer = self._client.poll_for_decision_task(
            domain=self._domain, taskList={"name": self._list}, maximumPageSize=1
        )
        return answer.get("taskToken") or None
