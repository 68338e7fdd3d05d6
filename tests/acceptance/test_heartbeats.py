"""What a heartbeat learns from SWF, over real HTTP, and what becomes of the task then."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from flowy import Activity, CancelTask
from flowy.swf.client import connect
from flowy.swf.worker import ActivityWorker
from tests.acceptance.flows import Ask, Flow
from tests.acceptance.serving import serving
from tests.patience import PATIENCE_SECONDS
from tests.unit.scripted_swf import Says, ScriptedSWF
from tests.unit.stand_ins import implementation, task_answer

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


class Gate:
    """Where an activity waits for the test, and tells what its heartbeats answered."""

    def __init__(self) -> None:
        self.running: queue.SimpleQueue[Activity] = queue.SimpleQueue()
        self.go_on = threading.Event()
        self.told: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def activity(self, value: object) -> type[Activity]:
        """An activity that beats, waits, beats again, and returns *value*, or raises it."""

        def run(activity: Activity) -> object:
            self.told.put(activity.heartbeat("before"))
            self.running.put(activity)
            assert self.go_on.wait(PATIENCE_SECONDS)
            self.told.put(activity.heartbeat("after"))
            if isinstance(value, Exception):
                raise value
            return value

        return type("Gated", (Activity,), {"run": run})


@pytest.mark.parametrize("value", [None, "a value", ValueError("an error")], ids=repr)
def test_an_execution_that_is_terminated(
    client: SWFClient,
    domain: str,
    flow: Callable[..., Flow],
    value: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The beat answers False, and whatever the activity does then, SWF has no use for it."""
    caplog.set_level(logging.INFO, "flowy")
    gate = Gate()
    with serving(client, domain, {"gated": gate.activity(value)}):
        running = flow(Ask("gated"))
        gate.running.get(timeout=PATIENCE_SECONDS)
        running.terminate()
        gate.go_on.set()
    assert [gate.told.get(timeout=PATIENCE_SECONDS) for _ in range(2)] == [True, False]
    assert running.closings() == {0: []}
    assert "Activity gated 1" in caplog.text
    assert "closed already after" in caplog.text


def test_a_task_that_timed_out(client: SWFClient, domain: str, flow: Callable[..., Flow]) -> None:
    """A beat after the heartbeat timeout answers False; the worker goes on with the next task."""
    gate = Gate()
    echo = type("Echo", (Activity,), {"run": lambda self: "next"})
    with serving(client, domain, {"gated": gate.activity(None), "echo": echo}):
        running = flow(Ask("gated", more=(("heartbeatTimeout", "1"),)))
        gate.running.get(timeout=PATIENCE_SECONDS)
        (closing,) = running.wait()
        assert (closing.kind, closing.timeout) == ("TimedOut", "HEARTBEAT")
        assert closing.details == "before"
        gate.go_on.set()
        (closing,) = flow(Ask("echo")).wait()
        assert (closing.kind, closing.result) == ("Completed", '"next"')
    assert [gate.told.get(timeout=PATIENCE_SECONDS) for _ in range(2)] == [True, False]


def giving_up(activity: Activity) -> None:
    assert not activity.heartbeat("half")


def looking(activity: Activity) -> None:
    activity.heartbeat("half")
    assert activity.cancel_requested


def canceling(activity: Activity) -> None:
    activity.heartbeat("half")
    raise CancelTask("because")


def finishing(activity: Activity) -> int:
    assert not activity.heartbeat("half")
    return 1


@pytest.mark.parametrize(
    ("run", "action", "said"),
    [
        (giving_up, "RespondActivityTaskCanceled", {}),
        (looking, "RespondActivityTaskCanceled", {}),
        (canceling, "RespondActivityTaskCanceled", {"details": "because"}),
        (finishing, "RespondActivityTaskCompleted", {"result": "1"}),
    ],
)
def test_a_request_to_cancel(
    run: Callable[[Activity], object], action: str, said: dict[str, Any]
) -> None:
    """``cancelRequested`` on the wire: giving up cancels the task, a value still completes it."""
    beat = Says({"cancelRequested": True})
    with ScriptedSWF(Says(task_answer(input="[[], {}]")), beat, Says()) as swf:
        client = boto3.client(
            "swf",
            endpoint_url=swf.url,
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(read_timeout=70, retries={"total_max_attempts": 1}),
        )
        one = implementation(type("One", (Activity,), {"run": run}))
        ActivityWorker(connect(client), "domain", "list", {one.type: one}, loop=1).run()
        client.close()
    assert [(request.action, request.parameters) for request in swf.requests[1:]] == [
        ("RecordActivityTaskHeartbeat", {"taskToken": "token", "details": "half"}),
        (action, {"taskToken": "token", **said}),
    ]
