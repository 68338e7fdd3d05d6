"""Timeouts run by their own clocks, happen on their own, and wake the decider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Starter


@pytest.mark.moto_gap("one timeout of four", only=r"\[.*(scheduleTo|startToClose)")
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
    flow.pass_time(1)
    flow.poll_decision()
    assert flow.last("ActivityTaskTimedOut")["timeoutType"] == kind


@pytest.mark.moto_gap("a heartbeat timeout runs from the scheduling", only=r"\[.*(heartbeat)")
@pytest.mark.parametrize("timeout", ["heartbeatTimeout", "startToCloseTimeout"])
def test_what_runs_from_the_start_does_not_run_before(flow: Flow, timeout: str) -> None:
    """Heartbeat and start-to-close begin when a task is handed out, not while it waits."""
    flow.schedule("waits", **{timeout: "1"})
    flow.pass_time(2)
    assert flow.poll_activity()["activityId"] == "waits"


def test_a_beat_puts_the_timeout_off_and_its_details_are_kept(
    flow: Flow, swf_client: SWFClient
) -> None:
    """The timeout counts from the last beat; ActivityTaskTimedOut has its details."""
    flow.schedule(heartbeatTimeout="3")
    token = flow.poll_activity()["taskToken"]
    began = flow.events()[-1]["eventTimestamp"]
    flow.pass_time(2)
    swf_client.record_activity_task_heartbeat(taskToken=token, details="half")
    flow.pass_time(2)
    swf_client.record_activity_task_heartbeat(taskToken=token)
    flow.pass_time(3)
    flow.poll_decision()
    timed_out = [each for each in flow.events() if each["eventType"] == "ActivityTaskTimedOut"]
    assert flow.last("ActivityTaskTimedOut")["details"] == "half"
    assert (timed_out[0]["eventTimestamp"] - began).total_seconds() > 6.9


@pytest.mark.moto_gap("HTTP 500 for a late answer")
def test_a_decision_times_out_and_comes_again(start: Starter) -> None:
    """A decision task that is not answered is given out again; the old token is dead."""
    flow = start(taskStartToCloseTimeout="2")
    late = flow.poll_decision()["taskToken"]
    flow.pass_time(2)
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
    flow.pass_time(2)
    assert flow.event_types()[-1] == "WorkflowExecutionTimedOut"
    described: Any = flow.client.describe_workflow_execution(
        domain=flow.domain,
        execution=flow.execution,
    )
    assert described["executionInfo"]["closeStatus"] == "TIMED_OUT"
    with pytest.raises(flow.client.exceptions.UnknownResourceFault, match="Unknown execution"):
        flow.client.respond_activity_task_completed(taskToken=token)


@pytest.mark.moto_gap("one timeout of four")
def test_a_timeout_happens_by_itself(flow: Flow) -> None:
    """A decider that waits in a poll is told when a timeout is due, whoever else is silent."""
    flow.schedule(startToCloseTimeout="1")
    flow.poll_activity()
    flow.poll_decision()
    assert flow.last("ActivityTaskTimedOut")["timeoutType"] == "START_TO_CLOSE"


def test_the_shortest_timeout_is_the_one_that_counts(flow: Flow) -> None:
    """Of several timeouts of a task the earliest closes it, and no other fires after it."""
    flow.schedule(scheduleToCloseTimeout="3", startToCloseTimeout="2", heartbeatTimeout="1")
    flow.poll_activity()
    flow.pass_time(4)
    assert flow.event_types().count("ActivityTaskTimedOut") == 1
    assert flow.last("ActivityTaskTimedOut")["timeoutType"] == "HEARTBEAT"


@pytest.mark.moto_gap("NONE breaks every later call")
def test_none_is_no_timeout(start: Starter, swf_client: SWFClient) -> None:
    """All four may be NONE, and the decision task's too; nothing breaks by it."""
    flow = start(taskStartToCloseTimeout="NONE")
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
