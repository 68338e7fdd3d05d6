"""What a decider does, as far as one that calls activities needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.flows import have_activity_type, have_workflow_type

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Own, Starter


def test_a_decision_task_brings_the_history(flow: Flow) -> None:
    """All events up to its own start, and which of them are new."""
    first = flow.poll_decision()
    assert [event["eventType"] for event in first["events"]] == [
        "WorkflowExecutionStarted",
        "DecisionTaskScheduled",
        "DecisionTaskStarted",
    ]
    assert first["startedEventId"] == 3
    flow.client.respond_decision_task_completed(taskToken=first["taskToken"])
    flow.wake()
    second = flow.poll_decision()
    assert second["previousStartedEventId"] == 3
    assert second["startedEventId"] == len(second["events"])


@pytest.mark.moto_gap("a decision task for each event")
def test_one_decision_task_waits_however_much_happens(flow: Flow) -> None:
    """What happens while one waits, or while a decider works, makes one more at most."""
    flow.wake()
    flow.wake()
    assert flow.event_types().count("DecisionTaskScheduled") == 1
    token = flow.poll_decision()["taskToken"]
    flow.wake()
    flow.wake()
    assert flow.event_types().count("DecisionTaskScheduled") == 2
    flow.client.respond_decision_task_completed(taskToken=token)
    flow.decide()
    assert flow.event_types().count("DecisionTaskScheduled") == 2


def test_an_execution_completes_and_fails(start: Starter) -> None:
    """The closing decisions close, and their result or reason is in the history."""
    done, broken = start(start.own("done")), start(start.own("broken"))
    for flow in (done, broken):
        task = flow.poll_decision()
        decision: Any = {
            done.execution["workflowId"]: {
                "decisionType": "CompleteWorkflowExecution",
                "completeWorkflowExecutionDecisionAttributes": {"result": "42"},
            },
            broken.execution["workflowId"]: {
                "decisionType": "FailWorkflowExecution",
                "failWorkflowExecutionDecisionAttributes": {"reason": "so", "details": "long"},
            },
        }[task["workflowExecution"]["workflowId"]]
        flow.client.respond_decision_task_completed(
            taskToken=task["taskToken"],
            decisions=[decision],
        )
    assert done.last("WorkflowExecutionCompleted")["result"] == "42"
    assert broken.last("WorkflowExecutionFailed")["reason"] == "so"


def test_a_workflow_id_is_taken_while_its_execution_is_open(start: Starter) -> None:
    """One open execution a workflowId; after it closed, the id is free again."""
    flow = start()
    with pytest.raises(flow.client.exceptions.WorkflowExecutionAlreadyStartedFault):
        start()
    flow.client.terminate_workflow_execution(
        domain=flow.domain, workflowId=flow.execution["workflowId"]
    )
    assert start().execution["runId"] != flow.execution["runId"]


@pytest.mark.parametrize("deprecated", [False, True])
def test_a_type_that_cannot_be_scheduled_is_an_event(
    flow: Flow, swf_client: SWFClient, own: Own, deprecated: bool
) -> None:
    """An unknown or deprecated activity type ends in ScheduleActivityTaskFailed."""
    wanted: Any = {"name": own("activity"), "version": "1"}
    if deprecated:
        have_activity_type(swf_client, flow.domain, wanted["name"])
        swf_client.deprecate_activity_type(domain=flow.domain, activityType=wanted)
    flow.schedule(activityType=wanted)
    cause = "ACTIVITY_TYPE_DEPRECATED" if deprecated else "ACTIVITY_TYPE_DOES_NOT_EXIST"
    assert flow.last("ScheduleActivityTaskFailed")["cause"] == cause
    flow.poll_decision()


def test_a_timer_fires_and_wakes_the_decider(flow: Flow) -> None:
    """A decider that waits in a poll is told of a timer when it is due."""
    timer = {"timerId": "t", "startToFireTimeout": "1"}
    flow.decide({"decisionType": "StartTimer", "startTimerDecisionAttributes": timer})
    flow.poll_decision()
    assert flow.last("TimerFired")["timerId"] == "t"


@pytest.mark.moto_gap("spells it TimerCancelled")
def test_a_canceled_timer_does_not_fire(flow: Flow) -> None:
    """A timer runs once under its id, can be canceled, and then its id is unknown."""
    timer = {"timerId": "t", "startToFireTimeout": "1"}
    begin: dict[str, Any] = {
        "decisionType": "StartTimer",
        "startTimerDecisionAttributes": timer,
    }
    cancel: dict[str, Any] = {
        "decisionType": "CancelTimer",
        "cancelTimerDecisionAttributes": {"timerId": "t"},
    }
    flow.decide(begin, begin, cancel, cancel)
    assert flow.last("StartTimerFailed")["cause"] == "TIMER_ID_ALREADY_IN_USE"
    assert flow.last("TimerCanceled")["timerId"] == "t"
    assert flow.last("CancelTimerFailed")["cause"] == "TIMER_ID_UNKNOWN"
    flow.decide()
    flow.pass_time(2)
    assert "TimerFired" not in flow.event_types()


@pytest.mark.moto_gap("no limits", only=r"\[.*(decision[2345])")
@pytest.mark.parametrize(
    "decision",
    [
        {"decisionType": "Dance"},
        {"decisionType": "ScheduleActivityTask"},
        {
            "decisionType": "StartTimer",
            "startTimerDecisionAttributes": {"timerId": "t", "startToFireTimeout": "soon"},
        },
        {"control": "x" * 32_769},
        {"heartbeatTimeout": "abc"},
        {"input": "x" * 32_769},
    ],
)
def test_a_wrong_decision_leaves_all_undone(flow: Flow, decision: dict[str, Any]) -> None:
    """One wrong decision is ValidationException, and none of the list is carried out."""
    if "decisionType" not in decision:
        decision = flow.schedule_decision("wrong", **decision)
    token = flow.poll_decision()["taskToken"]
    before = flow.events()
    decisions: list[Any] = [flow.schedule_decision("right"), decision]
    with pytest.raises(ClientError) as caught:
        flow.client.respond_decision_task_completed(taskToken=token, decisions=decisions)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert flow.events() == before
    flow.client.respond_decision_task_completed(taskToken=token, decisions=decisions[:1])
    assert flow.poll_activity()["activityId"] == "right"


def test_a_deprecated_workflow_type_does_not_start(start: Starter, swf_client: SWFClient) -> None:
    """StartWorkflowExecution with a deprecated type is TypeDeprecatedFault."""
    wanted = have_workflow_type(swf_client, start.domain, start.own("workflow"))
    swf_client.deprecate_workflow_type(domain=start.domain, workflowType=wanted)
    with pytest.raises(swf_client.exceptions.TypeDeprecatedFault):
        start(workflowType=wanted)


@pytest.mark.moto_gap("counts what is decided, too")
def test_decision_tasks_that_wait_are_counted(flow: Flow, swf_client: SWFClient) -> None:
    """CountPendingDecisionTasks counts what no decider has taken yet."""

    def count() -> int:
        return swf_client.count_pending_decision_tasks(domain=flow.domain, taskList=flow.task_list)[
            "count"
        ]

    assert count() == 1
    flow.poll_decision()
    assert count() == 0
