"""A local SWF for each test that wants one, and plain HTTP to talk to it."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from flowy.local import LocalSWF
from tests.browser import Browser
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def swf() -> Iterator[LocalSWF]:
    """A running local SWF that holds polls for 60 s, as SWF does."""
    with LocalSWF() as running:
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a state is kept."""
    return tmp_path / "swf.state"


class Work:
    """An execution at a local SWF, and the steps of its decider and its worker.

    Args:
        swf: the local SWF; None if the test sets ``client`` and registers the types later.
        timeouts: each of the four timeouts of its activities, in seconds or ``NONE``.
    """

    task_list: ClassVar[Any] = {"name": "tasks"}
    domain = "local"
    client: Any

    def __init__(self, swf: LocalSWF | None = None, timeouts: str = "3600") -> None:
        if swf is not None:
            self.client = swf.client()
            self.register(timeouts)

    def register(self, timeouts: str) -> None:
        self.client.register_activity_type(
            domain=self.domain,
            name="activity",
            version="1",
            defaultTaskList=self.task_list,
            defaultTaskHeartbeatTimeout=timeouts,
            defaultTaskScheduleToCloseTimeout=timeouts,
            defaultTaskScheduleToStartTimeout=timeouts,
            defaultTaskStartToCloseTimeout=timeouts,
        )
        self.client.register_workflow_type(
            domain=self.domain,
            name="workflow",
            version="1",
            defaultTaskList=self.task_list,
            defaultTaskStartToCloseTimeout="NONE",
            defaultExecutionStartToCloseTimeout="86400",
            defaultChildPolicy="TERMINATE",
        )

    def start(self, workflow_id: str = "flow") -> Any:
        """Start an execution; returns its workflowId and runId."""
        started = self.client.start_workflow_execution(
            domain=self.domain,
            workflowId=workflow_id,
            workflowType={"name": "workflow", "version": "1"},
        )
        return {"workflowId": workflow_id, "runId": started["runId"]}

    def poll_decision(self) -> Any:
        """Poll once; the token of an empty poll is an empty text here."""
        task = self.client.poll_for_decision_task(domain=self.domain, taskList=self.task_list)
        return {"taskToken": "", **task}

    def decide(self, *decisions: Any) -> None:
        self.client.respond_decision_task_completed(
            taskToken=self.poll_decision()["taskToken"], decisions=list(decisions)
        )

    def schedule(self, *activity_ids: str) -> None:
        self.decide(*(self.schedule_decision(each) for each in activity_ids))

    @staticmethod
    def schedule_decision(activity_id: str) -> Any:
        return {
            "decisionType": "ScheduleActivityTask",
            "scheduleActivityTaskDecisionAttributes": {
                "activityId": activity_id,
                "activityType": {"name": "activity", "version": "1"},
                "input": f"input of {activity_id}",
            },
        }

    def poll_activity(self, **parameters: Any) -> Any:
        """Poll once; the token of an empty poll is an empty text here."""
        task = self.client.poll_for_activity_task(
            domain=self.domain, taskList=self.task_list, **parameters
        )
        return {"taskToken": "", **task}

    def events(self, execution: Any) -> Any:
        return self.client.get_workflow_execution_history(domain=self.domain, execution=execution)[
            "events"
        ]

    def event_types(self, execution: Any) -> list[str]:
        return [event["eventType"] for event in self.events(execution)]


@pytest.fixture(scope="session")
def shown() -> Iterator[LocalSWF]:
    """A local SWF with a page, and a domain of its own for each test."""
    with LocalSWF(poll_seconds=30, page_port=0) as swf:
        yield swf


@pytest.fixture
def browser(chromium: Browser) -> Browser:
    """The browser, without what other tests have left on its console."""
    chromium.open("about:blank")
    chromium.errors()
    return chromium


@pytest.fixture
def work(shown: LocalSWF, request: pytest.FixtureRequest) -> Work:
    """An execution in a domain of the test's name."""
    name = re.sub(r"[\[/:|]", " ", request.node.name)
    shown.register_domain(name)
    made = Work()
    made.client, made.domain = shown.client(), name
    made.register("NONE")
    return made


class Wire:
    """One HTTP connection to a local SWF, below boto3."""

    def __init__(self, swf: LocalSWF) -> None:
        host, _, port = swf.endpoint_url.removeprefix("http://").rpartition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_SECONDS)

    def send(
        self,
        action: str,
        body: str | bytes,
        *,
        method: str = "POST",
        path: str = "/",
        **headers: str,
    ) -> None:
        target = {"X-Amz-Target": f"SimpleWorkflowService.{action}"}
        self.connection.request(method, path, body, {**target, **headers})

    def receive(self) -> tuple[int, dict[str, Any], dict[str, str]]:
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text or b"{}"), dict(answer.getheaders())

    def call(
        self, action: str, body: str | bytes, **how: str
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        self.send(action, body, **how)
        return self.receive()


@pytest.fixture
def wire(swf: LocalSWF) -> Iterator[Wire]:
    """A connection to ``swf``."""
    wire = Wire(swf)
    with closing(wire.connection):
        yield wire
