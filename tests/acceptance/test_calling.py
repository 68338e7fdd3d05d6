"""Calling one activity: its value or its error comes back, and nothing is left open."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy import Activity, activity, call_activity
from flowy.exception import (
    ActivityFailedError,
    ActivityTimedOutError,
    AlreadyExistsError,
    CallError,
    CallTimedOutError,
    UnknownResourceError,
)
from flowy.testing import LocalWorker
from tests.acceptance.flows import Flow
from tests.acceptance.processes import Process
from tests.acceptance.serving import serving
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF


@activity("echo", 1, "list")
class Echo(Activity):
    """Returns what it was called with."""

    def run(self, *args: Any, **kwargs: Any) -> Any:
        return [list(args), kwargs]


@activity("failing", 1, "list")
class Failing(Activity):
    """Fails."""

    def run(self) -> None:
        raise ValueError("Can't.")


@activity("listed", 1, "list")
class Listed(Activity):
    """Tells on which list it was served."""

    def run(self) -> str:
        return self.info.task_list


@pytest.fixture
def served(local_swf: LocalSWF, domain: str) -> Iterator[None]:
    """A worker of the activities above."""
    with LocalWorker(local_swf, domain, [Echo, Failing, Listed]):
        yield


def open_executions(client: SWFClient, domain: str) -> list[str]:
    """The workflow ids of what is open."""
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    answer = client.list_open_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": since}
    )
    return [each["execution"]["workflowId"] for each in answer["executionInfos"]]


def closed_executions(client: SWFClient, domain: str) -> list[str]:
    """The close statuses of the closed ones."""
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    answer = client.list_closed_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": since}
    )
    return [each["closeStatus"] for each in answer["executionInfos"]]


@pytest.mark.usefixtures("served")
def test_values_and_errors(client: SWFClient, domain: str) -> None:
    """Arguments arrive, values come back, failures raise with reason and details."""

    def call(name: str, *args: Any, **kwargs: Any) -> Any:
        return call_activity(domain, name, 1, *args, kwargs=kwargs, layer1=client)

    assert call("echo") == [[], {}]
    assert call("echo", 1, "\u00e4", None, key={"a": [1.5]}) == [
        [1, "\u00e4", None],
        {"key": {"a": [1.5]}},
    ]
    assert call("listed") == "list"
    with pytest.raises(ActivityFailedError) as caught:
        call("failing")
    assert str(caught.value) == "Activity failing 1 failed: Can't."
    assert caught.value.reason == "Can't."
    assert caught.value.details is not None
    assert caught.value.details.endswith("ValueError: Can't.\n")
    history = client.get_workflow_execution_history(
        domain=domain,
        execution={
            "workflowId": caught.value.workflow_id or "",
            "runId": caught.value.run_id or "",
        },
    )
    assert history["events"][-1]["eventType"] == "WorkflowExecutionFailed"
    assert open_executions(client, domain) == []
    assert sorted(closed_executions(client, domain)) == ["COMPLETED"] * 3 + ["FAILED"]


@pytest.mark.usefixtures("served")
def test_unknown_types_and_domains(client: SWFClient, domain: str) -> None:
    """A type that nobody registered, and a domain that is not there, are told apart."""
    with pytest.raises(CallError) as caught:
        call_activity(domain, "echo", 2, layer1=client)
    assert caught.value.reason == "ACTIVITY_TYPE_DOES_NOT_EXIST"
    with pytest.raises(UnknownResourceError, match="domain 'nowhere' does not exist"):
        call_activity("nowhere", "echo", 1, layer1=client)
    assert open_executions(client, domain) == []


def test_timeouts(client: SWFClient, domain: str) -> None:
    """A task that nobody takes times out by its own limits, and the call by its own."""
    client.register_activity_type(
        domain=domain, name="slow", version="1", defaultTaskList={"name": "nobody"},
        defaultTaskScheduleToStartTimeout="1", defaultTaskScheduleToCloseTimeout="60",
        defaultTaskStartToCloseTimeout="60", defaultTaskHeartbeatTimeout="NONE",
    )  # fmt: skip
    client.register_activity_type(
        domain=domain, name="slower", version="1", defaultTaskList={"name": "nobody"},
        defaultTaskScheduleToStartTimeout="60", defaultTaskScheduleToCloseTimeout="60",
        defaultTaskStartToCloseTimeout="60", defaultTaskHeartbeatTimeout="NONE",
    )  # fmt: skip
    with pytest.raises(ActivityTimedOutError) as timed_out:
        call_activity(domain, "slow", 1, layer1=client)
    assert timed_out.value.reason == "SCHEDULE_TO_START"
    with pytest.raises(CallTimedOutError, match="had not ended after 1 s; asked to cancel, it was"):
        call_activity(domain, "slower", 1, timeout=1, layer1=client)
    assert open_executions(client, domain) == []


def test_another_list(client: SWFClient, domain: str) -> None:
    """``task_list`` leads to the workers of another list."""
    activities = {"listed": Listed}
    with serving(client, domain, activities, task_list="there", default_list="nobody's"):
        assert call_activity(domain, "listed", 1, task_list="there", layer1=client) == "there"


def test_an_id_that_is_in_use(
    local_swf: LocalSWF, client: SWFClient, domain: str, flow: Callable[..., Flow]
) -> None:
    """The call fails, and the execution of that id, which is another's, goes on."""
    with LocalWorker(local_swf, domain, Echo):
        theirs = flow()
        with pytest.raises(AlreadyExistsError):
            call_activity(
                domain, "echo", 1, workflow_id=theirs.execution["workflowId"], layer1=client
            )
        assert open_executions(client, domain) == [theirs.execution["workflowId"]]
    theirs.terminate()


CALLERS = """
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
from flowy import call_activity

def call(number):
    return call_activity(os.environ['DOMAIN'], 'echo', 1, sys.argv[1], number)

with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(call, range(8)))))
"""


@pytest.mark.usefixtures("served")
def test_several_at_once(
    process: Callable[..., Process],
    write: Callable[..., Path],
    client: SWFClient,
    domain: str,
) -> None:
    """Callers in several threads of several processes each get their own value."""
    script = write("callers.py", CALLERS)
    callers = [process(script, name) for name in ("a", "b")]
    for name, caller in zip(("a", "b"), callers, strict=True):
        assert caller.wait() == 0, caller.output
        expected = [[[name, number], {}] for number in range(8)]
        assert json.loads(caller.lines[-1]) == expected
    assert open_executions(client, domain) == []
    assert closed_executions(client, domain) == ["COMPLETED"] * 16


def test_an_interrupted_call(
    process: Callable[..., Process],
    write: Callable[..., Path],
    local_swf: LocalSWF,
    client: SWFClient,
    domain: str,
) -> None:
    """Ctrl-C leaves no open execution behind, and the activity learns that its task is closed."""
    running, told = threading.Event(), threading.Event()

    @activity("echo", 1, "list")
    class Long(Activity):
        def run(self, *_: object) -> None:
            running.set()
            until(lambda: not self.heartbeat())
            told.set()

    with LocalWorker(local_swf, domain, Long):
        script = write("caller.py", CALLERS.replace("pool.map(call, range(8))", "[call(0)]"))
        caller = process(script.rename(script.with_name("one.py")), "x")
        assert running.wait(PATIENCE_SECONDS)
        caller.signal(signal.SIGINT)
        assert caller.wait() != 0
        end = "\n".join(caller.lines[-2:])
        assert "KeyboardInterrupt" in end
        if sys.version_info >= (3, 11):  # before, a traceback does not show an exception's notes
            assert "The call was interrupted; asked to cancel, activity echo 1 was canceled" in end
        assert open_executions(client, domain) == []
        assert closed_executions(client, domain) == ["CANCELED"]
        assert told.wait(PATIENCE_SECONDS)
