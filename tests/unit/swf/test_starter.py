"""Calling one activity: arguments, trouble on the way, and what is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.exception import (
    AlreadyExistsError,
    CallError,
    OutOfReachError,
    RefusedError,
    SerializationError,
    TooLongError,
    UnknownResourceError,
)
from flowy.swf import starter
from flowy.swf.starter import call_activity
from tests.unit.stand_ins import CLOSED, REFUSAL, THROTTLE, Line, ScriptedLayer1, fault

RUN = {"runId": "run"}
NO_POLL: dict[str, Any] = {"taskToken": "", "startedEventId": 0}
STARTED: list[dict[str, Any]] = [{"eventType": "WorkflowExecutionStarted"}]
DONE: list[dict[str, Any]] = [
    *STARTED,
    {
        "eventType": "ActivityTaskCompleted",
        "activityTaskCompletedEventAttributes": {"result": "[1]"},
    },
]
CLOSED_EVENTS: list[dict[str, Any]] = [*DONE, {"eventType": "WorkflowExecutionCompleted"}]


def decision(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {"taskToken": "decision", "events": events}


def history(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {"events": events}


#: What SWF says to a call that goes well.
GOOD: list[Line] = [RUN, decision(STARTED), {}, decision(DONE), {}, history(CLOSED_EVENTS)]


def call(*script: Line, **options: Any) -> tuple[ScriptedLayer1, Any]:
    layer1 = ScriptedLayer1(*script)
    return layer1, call_activity("domain", "echo", 1, "x", layer1=layer1, **options)


def failed_call(kind: type[BaseException], *script: Line, **options: Any) -> ScriptedLayer1:
    layer1 = ScriptedLayer1(*script)
    with pytest.raises(BaseException) as caught:
        call_activity("domain", "echo", 1, "x", layer1=layer1, **options)
    assert type(caught.value) is kind
    return layer1


def test_a_call() -> None:
    """Start, decide, wait, decide, look: the value is the activity's result."""
    layer1, value = call(*GOOD, kwargs={"key": 2}, timeout="60", workflow_id="mine")
    assert value == [1]
    assert layer1.methods == [
        "start_workflow_execution",
        "poll_for_decision_task",
        "respond_decision_task_completed",
        "poll_for_decision_task",
        "respond_decision_task_completed",
        "get_workflow_execution_history",
    ]
    start = layer1.calls[0][1]
    assert start["workflowId"] == "mine"
    assert start["workflowType"] == {"name": "flowy.call_activity", "version": "1"}
    assert start["executionStartToCloseTimeout"] == "60"
    assert start["taskStartToCloseTimeout"] == "30"
    assert layer1.calls[1][1]["taskList"] == start["taskList"]
    (scheduled,) = layer1.calls[2][1]["decisions"]
    attributes = scheduled["scheduleActivityTaskDecisionAttributes"]
    assert attributes["input"] == '[["x"], {"key": 2}]'
    assert "taskList" not in attributes


def test_each_call_has_a_list_and_an_id_of_its_own() -> None:
    """Callers never see each other's decisions."""
    starts = [call(*GOOD)[0].calls[0][1] for _ in range(2)]
    assert len({start["taskList"]["name"] for start in starts}) == 2
    assert len({start["workflowId"] for start in starts}) == 2


def test_a_call_on_another_list() -> None:
    """``task_list`` is where the activity is scheduled."""
    layer1, _ = call(*GOOD, task_list="there")
    (scheduled,) = layer1.calls[2][1]["decisions"]
    attributes = scheduled["scheduleActivityTaskDecisionAttributes"]
    assert attributes["taskList"] == {"name": "there"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("do:main", "echo", 1), "'do:main' as domain"),
        (("domain", "", 1), "a name of 0"),
        (("domain", "echo", "v" * 65), "a version of 65"),
    ],
)
def test_bad_names(arguments: tuple[Any, Any, Any], said: str) -> None:
    """What SWF would refuse is refused before any call."""
    layer1 = ScriptedLayer1()
    with pytest.raises(ValueError, match=said):
        call_activity(*arguments, layer1=layer1)
    assert layer1.calls == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": None}, "Cannot call without a timeout"),
        ({"timeout": 0}, "0 as timeout"),
        ({"task_list": " "}, "' ' as task_list"),
        ({"workflow_id": "a:b"}, "'a:b' as workflow_id"),
        ({"workflow_id": ""}, "a workflow_id of 0"),
    ],
)
def test_bad_options(options: dict[str, Any], said: str) -> None:
    """So is every option, and a call without a timeout."""
    layer1 = ScriptedLayer1()
    with pytest.raises(ValueError, match=said):
        call_activity("domain", "echo", 1, layer1=layer1, **options)
    assert layer1.calls == []


def test_arguments_that_cannot_travel() -> None:
    """Nor is anything started for arguments that cannot be sent."""
    layer1 = ScriptedLayer1()
    with pytest.raises(SerializationError, match=r"set at input\[0\]\[0\]"):
        call_activity("domain", "echo", 1, {1}, layer1=layer1)
    with pytest.raises(TooLongError, match="the input has 32,776 characters, SWF takes 32,768"):
        call_activity("domain", "echo", 1, "x" * 32_766, layer1=layer1)
    assert layer1.calls == []


# The workflow type


def test_the_first_call_in_a_domain_registers() -> None:
    """SWF does not know the workflow type yet: it is registered, and the call goes on."""
    layer1, value = call(CLOSED, {}, *GOOD)
    assert value == [1]
    assert layer1.methods[:3] == [
        "start_workflow_execution",
        "register_workflow_type",
        "start_workflow_execution",
    ]


def test_another_caller_was_faster() -> None:
    """Two first calls at once are no trouble."""
    _, value = call(CLOSED, fault("TypeAlreadyExistsFault"), *GOOD)
    assert value == [1]


def test_an_unknown_domain() -> None:
    """The error says that it is the domain."""
    with pytest.raises(UnknownResourceError, match="there is no domain 'domain' in this region"):
        call(CLOSED)


# Trouble


def test_trouble_is_waited_out() -> None:
    """Throttles and broken connections on the way do not end a call."""
    _, value = call(RUN, THROTTLE, decision(STARTED), {}, TimeoutError(), decision(DONE),
                    ConnectionResetError(), NO_POLL, history(CLOSED_EVENTS))  # fmt: skip
    assert value == [1]


def test_trouble_that_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SWF stays out of reach for long after the timeout, the call ends with that."""
    monkeypatch.setattr(starter, "PATIENCE_SECONDS", -60.0)
    layer1 = failed_call(OutOfReachError, RUN, THROTTLE, {}, timeout=60)
    assert layer1.methods[-1] == "terminate_workflow_execution"


def test_a_decision_that_came_too_late() -> None:
    """Where the execution is closed before the decision, the history tells the end."""
    _, value = call(RUN, decision(DONE), CLOSED, history(CLOSED_EVENTS))
    assert value == [1]
    _, value = call(RUN, decision(STARTED), CLOSED, history(STARTED), *GOOD[1:])
    assert value == [1]


def test_an_execution_that_does_not_close_at_once() -> None:
    """Something new has come meanwhile: SWF asks for one more decision."""
    _, value = call(RUN, decision(DONE), {}, history(DONE), *GOOD[3:])
    assert value == [1]


def test_an_execution_that_is_closed_from_outside() -> None:
    """An empty poll looks whether there is still something to wait for."""
    timed_out = {
        "eventType": "WorkflowExecutionTimedOut",
        "workflowExecutionTimedOutEventAttributes": {"timeoutType": "START_TO_CLOSE"},
    }
    events = [*STARTED, timed_out]
    with pytest.raises(CallError, match="its workflow execution is closed: START") as caught:
        call(RUN, NO_POLL, history(STARTED), NO_POLL, history(events), workflow_id="mine")
    assert caught.value.reason == "START_TO_CLOSE"
    assert (caught.value.workflow_id, caught.value.run_id) == ("mine", "run")


# What is left behind


@pytest.mark.parametrize("error", [KeyboardInterrupt(), REFUSAL, ZeroDivisionError()])
def test_an_interrupted_call_leaves_nothing_open(error: BaseException) -> None:
    """Whatever ends the call, its own run is terminated."""
    kind = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else RefusedError
    layer1 = failed_call(kind, RUN, error, {}, workflow_id="mine")
    method, parameters = layer1.calls[-1]
    assert method == "terminate_workflow_execution"
    assert (parameters["workflowId"], parameters["runId"]) == ("mine", "run")
    assert parameters["domain"] == "domain"


def test_a_start_of_unknown_fate() -> None:
    """A start that was interrupted, or drew no answer, is terminated by its id."""
    for error in (KeyboardInterrupt(), TimeoutError()):
        kind = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else OutOfReachError
        layer1 = failed_call(kind, error, {})
        start, (method, parameters) = layer1.calls[0][1], layer1.calls[-1]
        assert method == "terminate_workflow_execution"
        assert parameters["workflowId"] == start["workflowId"]
        assert "runId" not in parameters


def test_the_execution_of_somebody_else() -> None:
    """An id that is in use is another's execution: it is not touched."""
    there = fault("WorkflowExecutionAlreadyStartedFault")
    layer1 = failed_call(AlreadyExistsError, there, {}, workflow_id="theirs")
    assert layer1.methods == ["start_workflow_execution"]


def test_an_id_of_our_own_is_ours() -> None:
    """A start that was repeated under an id that nobody else knows is terminated."""
    layer1 = failed_call(AlreadyExistsError, fault("WorkflowExecutionAlreadyStartedFault"), {})
    assert layer1.methods == ["start_workflow_execution", "terminate_workflow_execution"]


def test_an_execution_that_is_closed_already() -> None:
    """There is nothing to terminate then, and the first error is the one that is raised."""
    failed_call(RefusedError, RUN, REFUSAL, CLOSED)


def test_an_execution_that_cannot_be_terminated(caplog: pytest.LogCaptureFixture) -> None:
    """An ERROR tells that it ends by its timeout; the first error is the one that is raised."""
    failed_call(RefusedError, RUN, REFUSAL, THROTTLE, workflow_id="mine")
    assert caplog.messages == [
        "Execution mine not terminated (ThrottlingException): it ends by its timeout."
    ]


def test_a_result_of_another_transport() -> None:
    """A result that is no JSON is an error of ours, and the execution is closed."""
    done: list[dict[str, Any]] = [
        {
            "eventType": "ActivityTaskCompleted",
            "activityTaskCompletedEventAttributes": {"result": "<1>"},
        },
        {"eventType": "WorkflowExecutionCompleted"},
    ]
    failed_call(SerializationError, RUN, NO_POLL, history(done))
