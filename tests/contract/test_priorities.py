"""Tasks of a higher priority go first; a task has its own, or its type's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Starter


@pytest.mark.moto_gap("no priorities")
def test_an_activity_type_has_a_priority(flow: Flow, swf_client: SWFClient) -> None:
    """It is described, is that of tasks that are scheduled without one, and is obeyed."""
    urgent: Any = {"name": "urgent", "version": "1"}
    swf_client.register_activity_type(
        domain=flow.domain,
        **urgent,
        defaultTaskPriority="7",
        defaultTaskList=flow.task_list,
        defaultTaskHeartbeatTimeout="NONE",
        defaultTaskScheduleToCloseTimeout="NONE",
        defaultTaskScheduleToStartTimeout="NONE",
        defaultTaskStartToCloseTimeout="NONE",
    )
    described = swf_client.describe_activity_type(domain=flow.domain, activityType=urgent)
    assert described["configuration"]["defaultTaskPriority"] == "7"
    flow.decide(
        flow.schedule_decision("plain"),
        flow.schedule_decision("lower", activityType=urgent, taskPriority="-1"),
        flow.schedule_decision("urgent", activityType=urgent),
        flow.schedule_decision("higher", taskPriority="8"),
    )
    assert [flow.poll_activity()["activityId"] for _ in range(4)] == [
        "higher",
        "urgent",
        "plain",
        "lower",
    ]
    scheduled = [
        event["activityTaskScheduledEventAttributes"].get("taskPriority")
        for event in flow.events()
        if event["eventType"] == "ActivityTaskScheduled"
    ]
    assert scheduled == [None, "-1", "7", "8"]


@pytest.mark.moto_gap("no priorities")
def test_an_execution_has_a_priority(start: Starter, swf_client: SWFClient) -> None:
    """Its own, or its type's, is in its history and configuration, and its decision tasks'."""
    swf_client.register_workflow_type(
        domain=start.domain,
        name="urgent",
        version="1",
        defaultTaskPriority="7",
        defaultTaskList=start.task_list,
        defaultTaskStartToCloseTimeout="300",
        defaultExecutionStartToCloseTimeout="300",
        defaultChildPolicy="TERMINATE",
    )
    start("plain")
    swf_client.start_workflow_execution(
        domain=start.domain, workflowId="urgent", workflowType={"name": "urgent", "version": "1"}
    )
    flow = start("higher", taskPriority="8")
    for event_type in ("WorkflowExecutionStarted", "DecisionTaskScheduled"):
        assert flow.last(event_type)["taskPriority"] == "8"
    described = swf_client.describe_workflow_execution(
        domain=start.domain, execution=flow.execution
    )
    assert described["executionConfiguration"]["taskPriority"] == "8"
    polled = [flow.poll_decision()["workflowExecution"]["workflowId"] for _ in range(3)]
    assert polled == ["higher", "urgent", "plain"]
