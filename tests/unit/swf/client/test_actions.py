"""The calls to SWF: what goes out, and what comes back."""

from __future__ import annotations

import contextlib
import inspect
import logging
from typing import Any

import pytest
from botocore.stub import Stubber

from flowy.concurrency.clock import Clock
from flowy.context import entered_replay
from flowy.exception import RefusedError, TransientError
from flowy.observer import CallEnded, Observer, Observers
from flowy.swf.client import SWFClient
from flowy.swf.values import NOT_SET, ActivityDefaults, ActivityType
from tests.unit.clocks import TurnedClock
from tests.unit.scripted_swf import ONE_ATTEMPT, boto3_client
from tests.unit.stand_ins import DEFAULTS, ScriptedLayer1, task_answer
from tests.unit.swf.client.faulting import FaultingLayer1

pytestmark = pytest.mark.usefixtures("no_settings")


# What goes out


def test_polls() -> None:
    """A poll says where, and who it is."""
    layer1 = ScriptedLayer1(task_answer())
    task = layer1.client().poll_for_activity_task("domain", "list", "me")
    assert task is not None
    assert task.task_token == "token"
    parameters = {"domain": "domain", "taskList": {"name": "list"}, "identity": "me"}
    assert layer1.calls == [("poll_for_activity_task", parameters)]


@pytest.mark.parametrize("answer", [None, {}, {"taskToken": ""}, {"startedEventId": 0}])
def test_empty_polls(answer: Any) -> None:
    """A poll that brings nothing is None; a client that is not boto3's may answer anything."""
    client = ScriptedLayer1(answer).client()
    assert client.poll_for_activity_task("domain", "list", "me") is None
    assert client.poll_for_decision_task("domain", "list", "me") is None


def test_what_is_none_is_left_out() -> None:
    """boto3 refuses None: a key without a value is absent."""
    layer1 = ScriptedLayer1({})
    client = layer1.client()
    client.record_activity_task_heartbeat("token", None)
    client.record_activity_task_heartbeat("token", "half")
    client.respond_activity_task_failed("token", "why", None)
    client.respond_activity_task_failed("token", "why", "where")
    client.respond_activity_task_canceled("token", None)
    client.respond_activity_task_canceled("token", "")
    client.terminate_workflow_execution("domain", "flow", "why")
    client.terminate_workflow_execution("domain", "flow", "why", run_id="run")
    assert layer1.calls == [
        ("record_activity_task_heartbeat", {"taskToken": "token"}),
        ("record_activity_task_heartbeat", {"taskToken": "token", "details": "half"}),
        ("respond_activity_task_failed", {"taskToken": "token", "reason": "why"}),
        ("respond_activity_task_failed",
         {"taskToken": "token", "reason": "why", "details": "where"}),
        ("respond_activity_task_canceled", {"taskToken": "token"}),
        ("respond_activity_task_canceled", {"taskToken": "token", "details": ""}),
        ("terminate_workflow_execution",
         {"domain": "domain", "workflowId": "flow", "reason": "why"}),
        ("terminate_workflow_execution",
         {"domain": "domain", "workflowId": "flow", "reason": "why", "runId": "run"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "requested"),
    [({"cancelRequested": True}, True), ({"cancelRequested": False}, False), ({}, False)],
)
def test_heartbeats(answer: dict[str, Any], requested: bool) -> None:
    """A heartbeat answers whether the cancellation was requested."""
    client = ScriptedLayer1(answer).client()
    assert client.record_activity_task_heartbeat("token", None) is requested


def test_register_activity_type() -> None:
    """A type is registered with its list and all four timeouts, NONE for no limit."""
    layer1 = ScriptedLayer1({})
    layer1.client().register_activity_type("domain", ActivityType("echo", "1"), DEFAULTS)
    assert layer1.calls == [
        (
            "register_activity_type",
            {
                "domain": "domain",
                "name": "echo",
                "version": "1",
                "defaultTaskList": {"name": "list"},
                "defaultTaskHeartbeatTimeout": "NONE",
                "defaultTaskScheduleToCloseTimeout": "420",
                "defaultTaskScheduleToStartTimeout": "120",
                "defaultTaskStartToCloseTimeout": "300",
            },
        )
    ]


def test_describe_activity_type() -> None:
    """What SWF holds comes back in our words; types of other frameworks may hold nothing."""
    held = {
        "typeInfo": {"status": "DEPRECATED"},
        "configuration": {
            "defaultTaskList": {"name": "list"},
            "defaultTaskHeartbeatTimeout": "NONE",
            "defaultTaskScheduleToCloseTimeout": "420",
            "defaultTaskScheduleToStartTimeout": "120",
            "defaultTaskStartToCloseTimeout": "300",
        },
    }
    client = ScriptedLayer1(held, {"typeInfo": {"status": "REGISTERED"}}, {}).client()
    kind = ActivityType("echo", "1")
    assert client.describe_activity_type("domain", kind) == (DEFAULTS, True)
    nothing = ActivityDefaults("", None, NOT_SET, NOT_SET, NOT_SET)
    assert client.describe_activity_type("domain", kind) == (nothing, False)
    assert client.describe_activity_type("domain", kind) == (nothing, False)


def test_types_are_listed_to_the_end() -> None:
    """Registered and deprecated ones, each in pages."""

    def page(name: str, more: str | None = None) -> dict[str, Any]:
        infos = [{"activityType": {"name": name, "version": "1"}}]
        return {"typeInfos": infos, **({"nextPageToken": more} if more else {})}

    layer1 = ScriptedLayer1(page("c", "p1"), page("b"), page("a"))
    listed = layer1.client().list_activity_types("domain")
    assert [each.type for each in listed] == [("c", "1"), ("b", "1"), ("a", "1")]
    assert [
        (call["registrationStatus"], call.get("nextPageToken")) for _, call in layer1.calls
    ] == [
        ("REGISTERED", None),
        ("REGISTERED", "p1"),
        ("DEPRECATED", None),
    ]


def test_histories_are_read_to_the_end() -> None:
    """SWF gives a history in pages, to decisions and to readers alike."""
    pages: list[Any] = [
        {"taskToken": "t", "events": [{"eventId": 1}], "nextPageToken": "p1"},
        {"taskToken": "t", "events": [{"eventId": 2}], "nextPageToken": "p2"},
        {"taskToken": "t", "events": [{"eventId": 3}]},
    ]
    events = [{"eventId": number} for number in (1, 2, 3)]
    layer1 = ScriptedLayer1(*pages, *pages)
    client = layer1.client()
    assert client.poll_for_decision_task("domain", "list", "me") == ("t", events)
    assert client.get_workflow_execution_history("domain", "flow", "run") == events
    assert [call.get("nextPageToken") for _, call in layer1.calls] == [None, "p1", "p2"] * 2


def test_polls_and_answers_go_through_their_clients() -> None:
    """Polls for activities and decisions use the one client, everything else the other."""
    polls, answers = ScriptedLayer1({}), ScriptedLayer1({"runId": "run"})
    client = SWFClient(polls, answers)
    client.poll_for_activity_task("domain", "list", "me")
    client.poll_for_decision_task("domain", "list", "me")
    client.record_activity_task_heartbeat("token", None)
    client.respond_activity_task_completed("token", "1")
    client.respond_decision_task_completed("token", ({"decisionType": "x"},))
    client.register_workflow_type("domain", "flow", "1")
    assert client.start_workflow_execution(domain="domain") == "run"
    assert polls.methods == ["poll_for_activity_task", "poll_for_decision_task"]
    assert len(answers.methods) == 5
    assert not [method for method in answers.methods if method.startswith("poll")]


def test_parameters_are_those_of_the_model() -> None:
    """botocore itself finds nothing to say against any call."""
    client = boto3_client(**ONE_ATTEMPT)
    with Stubber(client) as stub:
        ours = SWFClient(client, client)
        stub.add_response("poll_for_activity_task", task_answer())
        assert ours.poll_for_activity_task("domain", "list", "me") is not None
        stub.add_response("register_activity_type", {})
        ours.register_activity_type("domain", ActivityType("echo", "1"), DEFAULTS)
        stub.add_response("register_workflow_type", {})
        ours.register_workflow_type("domain", "flow", "1")
        stub.add_response("respond_activity_task_completed", {})
        ours.respond_activity_task_completed("token", "1")
        stub.add_response("respond_activity_task_failed", {})
        ours.respond_activity_task_failed("token", "why", None)
        stub.add_response("respond_activity_task_canceled", {})
        ours.respond_activity_task_canceled("token", None)
        stub.add_response("record_activity_task_heartbeat", {"cancelRequested": True})
        assert ours.record_activity_task_heartbeat("token", "half") is True
        stub.add_response("terminate_workflow_execution", {})
        ours.terminate_workflow_execution("domain", "flow", "why", run_id="run")
        stub.assert_no_pending_responses()


# Observers and the log


class Told(Observer):
    """Keeps the calls that it is told of."""

    def __init__(self) -> None:
        self.calls: list[CallEnded] = []

    def call_ended(self, event: CallEnded) -> None:
        self.calls.append(event)


def test_observers_are_told_of_each_call() -> None:
    """With SWF's name of it, its time by the client's clock, and its fault; polls apart."""
    told, clock = Told(), TurnedClock()

    def slow(**_: Any) -> dict[str, Any]:
        clock.turn(2.5)
        return {"cancelRequested": False}

    layer1 = ScriptedLayer1(slow)
    client = observed(layer1, told, clock)
    client.record_activity_task_heartbeat("token")
    client.poll_for_activity_task("domain", "list", "me")
    client.poll_for_decision_task("domain", "list", "me")
    throttled = observed(FaultingLayer1("ThrottlingException"), told, clock)
    with pytest.raises(TransientError):
        throttled.respond_activity_task_completed("token", "1")
    assert told.calls == [
        CallEnded("RecordActivityTaskHeartbeat", 2.5, None),
        CallEnded("RespondActivityTaskCompleted", 0.0, "ThrottlingException"),
    ]


def observed(layer1: object, told: Told, clock: Clock) -> SWFClient:
    return SWFClient(layer1, layer1, observers=Observers([told]), clock=clock)


def test_each_call_is_a_debug_line(caplog: pytest.LogCaptureFixture) -> None:
    """Without its parameters, which may be secrets."""
    caplog.set_level(logging.DEBUG, "flowy")
    ScriptedLayer1().client().respond_activity_task_completed("SECRET", "SECRET")
    assert "Calling respond_activity_task_completed." in caplog.text
    assert "SECRET" not in caplog.text


# In a replay


def test_replays_only_read() -> None:
    """Of all calls, only those that change nothing go out; the others are refused, by name."""
    layer1 = ScriptedLayer1({})
    client = layer1.client()
    refused = set()
    with entered_replay():
        for name, method in inspect.getmembers(client, inspect.ismethod):
            if name.startswith("_"):
                continue
            parameters = inspect.signature(method).parameters.values()
            needed = {each.name: "x" for each in parameters if each.default is each.empty}
            needed.pop("parameters", None)
            try:
                with contextlib.suppress(TypeError, KeyError, AttributeError):
                    list(method(**needed) or ())
            except RefusedError as error:
                refused.add((name, error.fault))
    assert {method.partition("_")[0] for method in layer1.methods} == {"get", "list", "describe"}
    assert {fault for _, fault in refused} == {"Replaying"}
    assert {name for name, _ in refused} >= {
        "poll_for_activity_task", "poll_for_decision_task", "record_activity_task_heartbeat",
        "respond_activity_task_completed", "respond_activity_task_failed",
        "respond_activity_task_canceled", "start_workflow_execution",
        "terminate_workflow_execution", "request_cancel_workflow_execution",
    }  # fmt: skip
