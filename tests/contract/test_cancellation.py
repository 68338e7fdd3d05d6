"""From a decider's request to cancel to the history, and who may still answer what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow


def request_cancel(activity_id: str = "1") -> dict[str, Any]:
    """The decision to request the cancellation of one activity task."""
    return {
        "decisionType": "RequestCancelActivityTask",
        "requestCancelActivityTaskDecisionAttributes": {"activityId": activity_id},
    }


CLOSING: dict[str, dict[str, Any]] = {
    "Complete": {"decisionType": "CompleteWorkflowExecution"},
    "Fail": {"decisionType": "FailWorkflowExecution"},
    "Cancel": {"decisionType": "CancelWorkflowExecution"},
}


@pytest.fixture
def canceling(flow: Flow) -> dict[str, Any]:
    """An activity task that was handed out, and whose cancellation was requested."""
    flow.schedule()
    task = flow.poll_activity()
    flow.wake()
    flow.decide(request_cancel())
    return task


@pytest.mark.moto_gap("no cancellation")
def test_a_beat_brings_the_request(flow: Flow, swf_client: SWFClient) -> None:
    """RecordActivityTaskHeartbeat says cancelRequested once a decider has asked, and stays so."""
    flow.schedule()
    token = flow.poll_activity()["taskToken"]
    assert not swf_client.record_activity_task_heartbeat(taskToken=token)["cancelRequested"]
    flow.wake()
    flow.decide(request_cancel())
    assert flow.last("ActivityTaskCancelRequested")["activityId"] == "1"
    for _ in range(2):
        assert swf_client.record_activity_task_heartbeat(taskToken=token)["cancelRequested"]


@pytest.mark.moto_gap("no cancellation")
def test_a_request_is_no_news_for_the_decider(flow: Flow, canceling: dict[str, Any]) -> None:
    """The request itself makes no decision task; only what comes of it does."""
    types = flow.event_types()
    assert types[-1] == "ActivityTaskCancelRequested"
    assert types.count("DecisionTaskScheduled") == 2


@pytest.mark.moto_gap("no cancellation")
def test_a_canceled_task_is_in_the_history(
    flow: Flow, canceling: dict[str, Any], swf_client: SWFClient
) -> None:
    """RespondActivityTaskCanceled ends in ActivityTaskCanceled, and the decider is told."""
    swf_client.respond_activity_task_canceled(taskToken=canceling["taskToken"], details="undone")
    canceled = flow.last("ActivityTaskCanceled")
    assert canceled["details"] == "undone"
    assert canceled["startedEventId"] == canceling["startedEventId"]
    requested = flow.event_types().index("ActivityTaskCancelRequested") + 1
    assert canceled["latestCancelRequestedEventId"] == requested
    assert flow.event_types()[-1] == "DecisionTaskScheduled"


@pytest.mark.moto_gap("no cancellation")
def test_the_latest_of_two_requests_is_named(
    flow: Flow, canceling: dict[str, Any], swf_client: SWFClient
) -> None:
    """A task may be asked twice; latestCancelRequestedEventId is the second request's."""
    flow.wake()
    flow.decide(request_cancel())
    swf_client.respond_activity_task_canceled(taskToken=canceling["taskToken"])
    requests = [
        event["eventId"]
        for event in flow.events()
        if event["eventType"] == "ActivityTaskCancelRequested"
    ]
    assert len(requests) == 2
    assert flow.last("ActivityTaskCanceled")["latestCancelRequestedEventId"] == requests[1]


@pytest.mark.moto_gap("no cancellation")
@pytest.mark.parametrize("how", ["completed", "failed"])
def test_after_a_request_the_other_answers_are_allowed(
    flow: Flow, canceling: dict[str, Any], swf_client: SWFClient, how: str
) -> None:
    """A worker that can't cancel "should ignore the cancellation request"."""
    getattr(swf_client, f"respond_activity_task_{how}")(taskToken=canceling["taskToken"])
    assert flow.event_types()[-2:] == [
        f"ActivityTask{how.capitalize()}",
        "DecisionTaskScheduled",
    ]


@pytest.mark.moto_gap("no cancellation")
def test_a_canceled_task_is_closed(canceling: dict[str, Any], swf_client: SWFClient) -> None:
    """After it was canceled, every beat and answer is UnknownResourceFault."""
    token = canceling["taskToken"]
    swf_client.respond_activity_task_canceled(taskToken=token)
    for call in (
        swf_client.respond_activity_task_canceled,
        swf_client.respond_activity_task_completed,
        swf_client.respond_activity_task_failed,
        swf_client.record_activity_task_heartbeat,
    ):
        with pytest.raises(swf_client.exceptions.UnknownResourceFault, match="Unknown activity"):
            call(taskToken=token)


@pytest.mark.moto_gap("no cancellation")
@pytest.mark.undocumented
def test_nothing_is_canceled_unasked(
    flow: Flow, task: dict[str, Any], swf_client: SWFClient
) -> None:
    """ "Only use this operation if the canceled flag ... returns true": else it is refused."""
    with pytest.raises(ClientError) as caught:
        swf_client.respond_activity_task_canceled(taskToken=task["taskToken"])
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    swf_client.respond_activity_task_completed(taskToken=task["taskToken"])
    assert "ActivityTaskCanceled" not in flow.event_types()


@pytest.mark.moto_gap("no cancellation")
def test_a_task_that_nobody_has_is_canceled_at_once(flow: Flow) -> None:
    """A task that was scheduled and not started needs nobody's answer."""
    flow.schedule()
    flow.wake()
    flow.decide(request_cancel())
    assert flow.event_types()[-3:] == [
        "ActivityTaskCancelRequested",
        "ActivityTaskCanceled",
        "DecisionTaskScheduled",
    ]
    assert flow.last("ActivityTaskCanceled")["startedEventId"] == 0
    assert not flow.poll_activity()["taskToken"]


@pytest.mark.moto_gap("no cancellation")
def test_what_is_not_open_cannot_be_canceled(
    flow: Flow, task: dict[str, Any], swf_client: SWFClient
) -> None:
    """An activityId that is unknown, or whose task has closed, is ACTIVITY_ID_UNKNOWN."""
    swf_client.respond_activity_task_completed(taskToken=task["taskToken"])
    for activity_id in ("1", "never"):
        flow.decide(request_cancel(activity_id))
        failed = flow.last("RequestCancelActivityTaskFailed")
        assert (failed["activityId"], failed["cause"]) == (activity_id, "ACTIVITY_ID_UNKNOWN")
        flow.wake()


@pytest.mark.moto_gap("no cancellation")
def test_a_task_that_is_to_be_canceled_still_times_out(flow: Flow) -> None:
    """A request stops no clock."""
    flow.schedule(startToCloseTimeout="30")
    flow.poll_activity()
    flow.wake()
    flow.decide(request_cancel())
    flow.pass_time(30)
    assert flow.last("ActivityTaskTimedOut")["timeoutType"] == "START_TO_CLOSE"


@pytest.mark.moto_gap("no cancellation")
def test_the_execution_is_asked_to_cancel(flow: Flow, swf_client: SWFClient) -> None:
    """RequestCancelWorkflowExecution is an event and a decision task, and closes nothing."""
    flow.decide()
    swf_client.request_cancel_workflow_execution(domain=flow.domain, **flow.execution)
    assert flow.event_types()[-2:] == [
        "WorkflowExecutionCancelRequested",
        "DecisionTaskScheduled",
    ]
    described = swf_client.describe_workflow_execution(
        domain=flow.domain, execution=flow.execution
    )["executionInfo"]
    assert (described["cancelRequested"], described["executionStatus"]) == (True, "OPEN")


@pytest.mark.moto_gap("counts it as requested")
def test_a_decider_cancels_its_execution(flow: Flow, swf_client: SWFClient) -> None:
    """CancelWorkflowExecution closes with its details, asked for or not."""
    flow.decide(
        {
            "decisionType": "CancelWorkflowExecution",
            "cancelWorkflowExecutionDecisionAttributes": {"details": "enough"},
        }
    )
    assert flow.last("WorkflowExecutionCanceled")["details"] == "enough"
    described = swf_client.describe_workflow_execution(
        domain=flow.domain, execution=flow.execution
    )["executionInfo"]
    assert described["closeStatus"] == "CANCELED"
    assert described["cancelRequested"] is False


@pytest.mark.moto_gap("no cancellation")
def test_a_closed_execution_cannot_be_asked(flow: Flow, swf_client: SWFClient) -> None:
    """A closed execution, and one that never was, are UnknownResourceFault."""
    swf_client.terminate_workflow_execution(
        domain=flow.domain, workflowId=flow.execution["workflowId"]
    )
    by_id = {"workflowId": flow.execution["workflowId"]}
    wanted: list[Any] = [flow.execution, by_id, {"workflowId": "never"}]
    for execution in wanted:
        with pytest.raises(swf_client.exceptions.UnknownResourceFault):
            swf_client.request_cancel_workflow_execution(domain=flow.domain, **execution)


@pytest.mark.moto_gap("completes and fails in spite of news", only=r"\[.*(Complete|Fail)")
@pytest.mark.parametrize("decision", CLOSING)
def test_an_execution_does_not_close_on_news(
    flow: Flow, task: dict[str, Any], swf_client: SWFClient, decision: str
) -> None:
    """A signal or an activity's end that came while the decider worked keeps it open."""
    flow.wake()
    token = flow.poll_decision()["taskToken"]
    swf_client.respond_activity_task_completed(taskToken=task["taskToken"], result="news")
    closing: list[Any] = [CLOSING[decision]]
    swf_client.respond_decision_task_completed(taskToken=token, decisions=closing)
    assert flow.last(f"{decision}WorkflowExecutionFailed")["cause"] == "UNHANDLED_DECISION"
    again = flow.poll_decision()
    assert "ActivityTaskCompleted" in [event["eventType"] for event in again["events"]]
    swf_client.respond_decision_task_completed(taskToken=again["taskToken"], decisions=closing)
    assert flow.event_types()[-1].startswith("WorkflowExecution")


@pytest.mark.moto_gap("leaves them open")
def test_termination_closes_tasks(flow: Flow, task: dict[str, Any], swf_client: SWFClient) -> None:
    """A terminated execution still counts what was open; its reason and details are shown."""
    flow.wake()
    swf_client.terminate_workflow_execution(
        domain=flow.domain,
        workflowId=flow.execution["workflowId"],
        reason="so",
        details="long",
    )
    terminated = flow.last("WorkflowExecutionTerminated")
    assert (terminated["reason"], terminated["details"]) == ("so", "long")
    assert terminated["cause"] == "OPERATOR_INITIATED"
    described: Any = swf_client.describe_workflow_execution(
        domain=flow.domain, execution=flow.execution
    )
    assert described["executionInfo"]["closeStatus"] == "TERMINATED"
    counts = described["openCounts"]
    assert counts["openActivityTasks"] == 1
    assert sum(counts.values()) == 1
    empty = swf_client.poll_for_decision_task(domain=flow.domain, taskList=flow.task_list)
    assert not empty.get("taskToken")
    with pytest.raises(swf_client.exceptions.UnknownResourceFault):
        swf_client.respond_activity_task_canceled(taskToken=task["taskToken"])
