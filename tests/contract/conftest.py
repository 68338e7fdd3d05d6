"""What the contract tests run against, and the few steps that all of them take.

They state what Flowy relies on in SWF, through a boto3 client and real HTTP, and know
nothing of what answers:

- the local SWF, where all of them pass, and whose clock is turned where time has to pass;
- plain moto (``--swf=moto``), where the tests that are marked ``moto_gap`` have to fail;
- Amazon SWF (``--swf=aws``), with the AWS settings of the environment.  Each test registers
  a domain of its own and deprecates it in the end; SWF allows 100 in an account, deprecated
  ones included.  What AWS does not document is left out (``undocumented``).
"""

from __future__ import annotations

import re
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from flowy.local import LocalSWF

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

#: Lets time pass at SWF, in seconds.
PassTime = Callable[[float], None]

#: Every timeout of the activity and workflow types, in seconds, where a test sets none.
LONG = "300"

ACTIVITY_TYPE: Any = {"name": "activity", "version": "1"}
WORKFLOW_TYPE: Any = {"name": "workflow", "version": "1"}


#: Polls for a decision task that ought to be there, before a test gives up.
PATIENCE = 2

#: Seconds for one test against moto, which holds no poll for longer than one.
MOTO_SECONDS = 15


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Expect moto's known gaps, and leave undocumented answers of AWS's alone."""
    swf = config.getoption("--swf")
    for item in items:
        if "tests/contract/" not in item.path.as_posix():
            continue
        gap = item.get_closest_marker("moto_gap")
        if swf == "moto":
            item.add_marker(pytest.mark.timeout(MOTO_SECONDS))
            if gap is not None and re.search(gap.kwargs.get("only", ""), item.name):
                item.add_marker(pytest.mark.xfail(strict=True, reason=gap.args[0]))
        elif swf == "aws" and item.get_closest_marker("undocumented") is not None:
            item.add_marker(pytest.mark.skip(reason="AWS documents no answer"))


@pytest.fixture(scope="session")
def swf_kind(pytestconfig: pytest.Config) -> str:
    """What the tests run against: ``local``, ``moto`` or ``aws``."""
    return str(pytestconfig.getoption("--swf"))


@pytest.fixture(scope="session")
def contract_swf(swf_kind: str) -> Iterator[LocalSWF | None]:
    """One local SWF for all; it holds an empty poll for half a second, SWF for sixty."""
    if swf_kind != "local":
        yield None
        return
    with LocalSWF(poll_seconds=0.5) as swf:
        yield swf


@pytest.fixture(scope="session")
def swf_client(swf_kind: str, contract_swf: LocalSWF | None) -> Iterator[SWFClient]:
    """A client that sends what it is given: SWF itself is to refuse what is wrong."""
    if contract_swf is not None:
        yield contract_swf.client(parameter_validation=False)
    elif swf_kind == "aws":
        retries: Any = {"mode": "standard", "total_max_attempts": 5}
        yield boto3.client(
            "swf", config=Config(read_timeout=70, retries=retries, parameter_validation=False)
        )
    else:
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield boto3.client(
            "swf",
            endpoint_url=f"http://{host}:{port}",
            region_name="us-east-1",
            aws_access_key_id="moto",
            aws_secret_access_key="moto",
            config=Config(
                read_timeout=70,
                retries={"mode": "standard", "total_max_attempts": 1},
                max_pool_connections=50,
                parameter_validation=False,
                proxies={},
            ),
        )
        server.stop()


@pytest.fixture
def pass_time(contract_swf: LocalSWF | None, swf_client: SWFClient) -> PassTime:
    """Lets time pass at SWF: an instant where its clock can be turned."""
    # There is no other way to make Amazon's clock go forward.
    return time.sleep if contract_swf is None else contract_swf.clock.turn


@pytest.fixture
def domain(swf_kind: str, swf_client: SWFClient) -> Iterator[str]:
    """A domain that no other test knows."""
    if swf_kind == "moto":
        # What moto takes without a word may break every later call, so each test begins anew.
        url = f"{swf_client.meta.endpoint_url}/moto-api/reset"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST")):
            pass
    name = f"flowy-test-{uuid.uuid4()}"
    swf_client.register_domain(name=name, workflowExecutionRetentionPeriodInDays="1")
    yield name
    if swf_kind == "aws":
        swf_client.deprecate_domain(name=name)


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
        raise AssertionError("there is no decision task")

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
        return {"taskToken": "", **task}

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

    def __init__(self, client: SWFClient, domain: str, pass_time: PassTime) -> None:
        self.client = client
        self.domain = domain
        self.pass_time = pass_time
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
            defaultTaskStartToCloseTimeout=LONG,
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
        return Flow(self.client, self.domain, self.task_list, execution, self.pass_time)


@pytest.fixture
def start(swf_client: SWFClient, domain: str, pass_time: PassTime) -> Starter:
    """Starts an execution: ``start("workflow id", **more parameters)``."""
    return Starter(swf_client, domain, pass_time)


@pytest.fixture
def flow(start: Starter) -> Flow:
    """An execution that waits for its first decision."""
    return start()


@pytest.fixture
def task(flow: Flow) -> dict[str, Any]:
    """An activity task of ``flow`` that was handed out."""
    flow.schedule()
    return flow.poll_activity()
