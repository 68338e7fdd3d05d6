"""From the poll to the answer of an activity task."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow


def test_a_task_says_what_it_is(flow: Flow) -> None:
    """A poll brings token, ids, type, execution and input, and no timeouts."""
    flow.schedule("seven", input="[[1], {}]", heartbeatTimeout="60")
    task = flow.poll_activity()
    assert task["activityId"] == "seven"
    assert task["activityType"] == {"name": "activity", "version": "1"}
    assert task["workflowExecution"] == flow.execution
    assert task["input"] == "[[1], {}]"
    assert task["startedEventId"] == flow.event_types().index("ActivityTaskStarted") + 1
    assert not any("imeout" in key for key in task)


def test_input_may_be_absent(task: dict[str, Any]) -> None:
    """A task that was scheduled without input has no such key."""
    assert "input" not in task


def test_a_result_is_in_the_history(
    flow: Flow, task: dict[str, Any], swf_client: SWFClient
) -> None:
    """RespondActivityTaskCompleted ends in ActivityTaskCompleted with the result."""
    swf_client.respond_activity_task_completed(taskToken=task["taskToken"], result='"\u00e4"')
    completed = flow.last("ActivityTaskCompleted")
    assert completed["result"] == '"\u00e4"'
    assert completed["startedEventId"] == task["startedEventId"]


def test_a_failure_is_in_the_history(
    flow: Flow, task: dict[str, Any], swf_client: SWFClient
) -> None:
    """RespondActivityTaskFailed ends in ActivityTaskFailed with reason and details."""
    swf_client.respond_activity_task_failed(
        taskToken=task["taskToken"], reason="why", details="where"
    )
    failed = flow.last("ActivityTaskFailed")
    assert (failed["reason"], failed["details"]) == ("why", "where")


def test_a_beat_asks_for_nothing(task: dict[str, Any], swf_client: SWFClient) -> None:
    """A heartbeat of a task that nobody wants canceled says so."""
    answer = swf_client.record_activity_task_heartbeat(taskToken=task["taskToken"], details="1/2")
    assert answer["cancelRequested"] is False


def test_an_identity_is_in_the_history(flow: Flow) -> None:
    """A poller's identity stands in ActivityTaskStarted."""
    flow.schedule()
    flow.poll_activity(identity="worker 7")
    assert flow.last("ActivityTaskStarted")["identity"] == "worker 7"


def completed(client: SWFClient, flow: Flow, token: str) -> None:
    client.respond_activity_task_completed(taskToken=token)


def failed(client: SWFClient, flow: Flow, token: str) -> None:
    client.respond_activity_task_failed(taskToken=token, reason="so")


def timed_out(client: SWFClient, flow: Flow, token: str) -> None:
    flow.pass_time(1)


ANSWERS: dict[str, Callable[[SWFClient, str], object]] = {
    "heartbeat": lambda client, token: client.record_activity_task_heartbeat(taskToken=token),
    "complete": lambda client, token: client.respond_activity_task_completed(taskToken=token),
    "fail": lambda client, token: client.respond_activity_task_failed(taskToken=token),
}


@pytest.mark.moto_gap("HTTP 500 after a failure or a timeout", only=r"\[.*(failed|timed_out)")
@pytest.mark.parametrize("close", [completed, failed, timed_out])
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_closed_task_is_an_unknown_resource(
    flow: Flow,
    swf_client: SWFClient,
    close: Callable[[SWFClient, Flow, str], None],
    answer: str,
) -> None:
    """Whatever closed a task, beats and answers draw UnknownResourceFault with its event."""
    flow.schedule(heartbeatTimeout="1" if close is timed_out else "NONE")
    token = flow.poll_activity()["taskToken"]
    close(swf_client, flow, token)
    scheduled = flow.event_types().index("ActivityTaskScheduled") + 1
    with pytest.raises(
        swf_client.exceptions.UnknownResourceFault,
        match=f"Unknown activity, scheduledEventId = {scheduled}$",
    ):
        ANSWERS[answer](swf_client, token)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_task_of_a_closed_execution_is_an_unknown_resource(
    flow: Flow, task: dict[str, Any], swf_client: SWFClient, answer: str
) -> None:
    """When the execution has closed, the fault names the execution."""
    swf_client.terminate_workflow_execution(
        domain=flow.domain, workflowId=flow.execution["workflowId"]
    )
    with pytest.raises(
        swf_client.exceptions.UnknownResourceFault, match=r"Unknown execution: .*flow"
    ):
        ANSWERS[answer](swf_client, task["taskToken"])


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_token_that_is_none_is_invalid(swf_client: SWFClient, answer: str) -> None:
    """A token that SWF never gave is ValidationException, not an unknown task."""
    with pytest.raises(ClientError) as caught:
        ANSWERS[answer](swf_client, "no token")
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.moto_gap("an activityId can be used once")
def test_an_activity_id_is_free_once_its_task_is_closed(
    flow: Flow, task: dict[str, Any], swf_client: SWFClient
) -> None:
    """An open task holds its activityId; a closed one gives it back."""
    swf_client.signal_workflow_execution(
        domain=flow.domain,
        workflowId=flow.execution["workflowId"],
        signalName="again",
        input="",
    )
    flow.schedule(task["activityId"])
    assert flow.last("ScheduleActivityTaskFailed")["cause"] == "ACTIVITY_ID_ALREADY_IN_USE"
    swf_client.respond_activity_task_completed(taskToken=task["taskToken"])
    flow.schedule(task["activityId"])
    assert flow.poll_activity()["activityId"] == task["activityId"]


@pytest.mark.moto_gap("counts what runs, too")
def test_what_waits_is_counted(flow: Flow, swf_client: SWFClient) -> None:
    """CountPendingActivityTasks counts what no poller has taken yet."""
    flow.schedule("1")

    def count() -> int:
        return swf_client.count_pending_activity_tasks(
            domain=flow.domain,
            taskList=flow.task_list,
        )["count"]

    assert count() == 1
    flow.poll_activity()
    assert count() == 0
