"""Timeouts run by their own clocks, happen on their own, and wake the decider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.conftest import Flow, Starter


@pytest.mark.parametrize(
    ("timeout", "kind", "polled"),
    [
        ("heartbeatTimeout", "HEARTBEAT", True),
        ("startToCloseTimeout", "START_TO_CLOSE", True),
        ("scheduleToStartTimeout", "SCHEDULE_TO_START", False),
        ("scheduleToCloseTimeout", "SCHEDULE_TO_CLOSE", True),
        ("scheduleToCloseTimeout", "SCHEDULE_TO_CLOSE", False),
    ],
)
def test_an_activity_times_out(flow: Flow, timeout: str, kind: str, polled: bool) -> None:
    """Each of the four ends in ActivityTaskTimedOut, and a decider that polls is told."""
    flow.schedule(**{timeout: "1"})
    if polled:
        flow.poll_activity()
    flow.poll_decision()
    assert flow.last("ActivityTaskTimedOut")["timeoutType"] == kind


@pytest.mark.parametrize("timeout", ["heartbeatTimeout", "startToCloseTimeout"])
def test_what_runs_from_the_start_does_not_run_before(start: Starter, timeout: str) -> None:
    """Heartbeat and start-to-close begin when a task is handed out, not while it waits."""
    flow = start()
    flow.schedule("waits", **{timeout: "1"})
    ever: Any = {"oldestDate": 0}
    flow.client.start_workflow_execution(
        domain=flow.domain,
        workflowId="clock",
        workflowType={"name": "workflow", "version": "1"},
        executionStartToCloseTimeout="2",
        taskList={"name": "clock"},
    )
    # Two seconds pass, by SWF's own clock.
    while flow.client.count_open_workflow_executions(
        domain=flow.domain,
        startTimeFilter=ever,
        executionFilter={"workflowId": "clock"},
    )["count"]:
        flow.client.poll_for_decision_task(domain=flow.domain, taskList={"name": "nothing"})
    assert flow.poll_activity()["activityId"] == "waits"


def test_a_beat_puts_the_timeout_off_and_its_details_are_kept(
    flow: Flow, swf_client: SWFClient
) -> None:
    """The timeout counts from the last beat; ActivityTaskTimedOut has its details."""
    flow.schedule(heartbeatTimeout="2")
    token = flow.poll_activity()["taskToken"]
    began = flow.events()[-1]["eventTimestamp"]
    swf_client.poll_for_decision_task(domain=flow.domain, taskList={"name": "nothing"})
    swf_client.record_activity_task_heartbeat(taskToken=token, details="half")
    flow.poll_decision()
    timed_out = [each for each in flow.events() if each["eventType"] == "ActivityTaskTimedOut"]
    assert flow.last("ActivityTaskTimedOut")["details"] == "half"
    assert (timed_out[0]["eventTimestamp"] - began).total_seconds() > 2.9


def test_a_decision_times_out_and_comes_again(start: Starter) -> None:
    """A decision task that is not answered is given out again; the old token is dead."""
    flow = start(taskStartToCloseTimeout="2")
    late = flow.poll_decision()["taskToken"]
    again = flow.poll_decision()["taskToken"]
    assert "DecisionTaskTimedOut" in flow.event_types()
    unknown = flow.client.exceptions.UnknownResourceFault
    with pytest.raises(unknown, match="scheduledEventId = 2"):
        flow.client.respond_decision_task_completed(taskToken=late)
    flow.client.respond_decision_task_completed(taskToken=again)
    with pytest.raises(unknown):
        flow.client.respond_decision_task_completed(taskToken=again)


def test_an_execution_times_out(start: Starter) -> None:
    """An execution closes by its own timeout, and its tasks with it."""
    flow = start(executionStartToCloseTimeout="2")
    flow.schedule()
    token = flow.poll_activity()["taskToken"]
    while flow.event_types()[-1] != "WorkflowExecutionTimedOut":
        assert not flow.poll_activity()["taskToken"]  # held for a second
    described: Any = flow.client.describe_workflow_execution(
        domain=flow.domain,
        execution=flow.execution,
    )
    assert described["executionInfo"]["closeStatus"] == "TIMED_OUT"
    with pytest.raises(flow.client.exceptions.UnknownResourceFault, match="Unknown execution"):
        flow.client.respond_activity_task_completed(taskToken=token)


def test_none_is_no_timeout(flow: Flow, swf_client: SWFClient) -> None:
    """All four may be NONE, and the decision task's too; nothing breaks by it."""
    flow.schedule(
        heartbeatTimeout="NONE",
        scheduleToCloseTimeout="NONE",
        scheduleToStartTimeout="NONE",
        startToCloseTimeout="NONE",
    )
    token = flow.poll_activity()["taskToken"]
    swf_client.respond_activity_task_completed(taskToken=token)
    flow.poll_decision()
    assert flow.event_types()[-1] == "DecisionTaskStarted"
