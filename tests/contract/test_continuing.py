"""An execution may be continued as a new one, with a fresh history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Starter

CONTINUE: dict[str, Any] = {"decisionType": "ContinueAsNewWorkflowExecution"}


def continue_as_new(**attributes: Any) -> dict[str, Any]:
    return {**CONTINUE, "continueAsNewWorkflowExecutionDecisionAttributes": attributes}


def next_of(flow: Flow) -> Flow:
    """The execution that *flow* was continued as."""
    run_id = flow.last("WorkflowExecutionContinuedAsNew")["newExecutionRunId"]
    execution = {**flow.execution, "runId": run_id}
    return type(flow)(flow.client, flow.domain, flow.task_list, execution, flow.pass_time)


@pytest.mark.moto_gap("no continue-as-new")
def test_an_execution_is_continued(start: Starter) -> None:
    """The old one closes, a new one with the same workflowId begins, and each knows the other."""
    flow = start(executionStartToCloseTimeout="60", tagList=["old"], input="old")
    flow.schedule()
    old_task = flow.poll_activity()["taskToken"]
    flow.wake()
    flow.decide(
        continue_as_new(input="new", tagList=["new"], taskPriority="3", taskList=flow.task_list)
    )
    assert flow.event_types()[-1] == "WorkflowExecutionContinuedAsNew"
    described: Any = flow.client.describe_workflow_execution(
        domain=flow.domain, execution=flow.execution
    )
    assert described["executionInfo"]["closeStatus"] == "CONTINUED_AS_NEW"
    new = next_of(flow)
    started = new.last("WorkflowExecutionStarted")
    assert started["continuedExecutionRunId"] == flow.execution["runId"]
    assert (started["input"], started["tagList"], started["taskPriority"]) == ("new", ["new"], "3")
    # What the decision does not say is the type's default, not the old execution's.
    assert started["executionStartToCloseTimeout"] == "300"
    continued = flow.last("WorkflowExecutionContinuedAsNew")
    for name in ("taskList", "childPolicy", "workflowType", "input", "tagList"):
        assert continued[name] == started[name]
    with pytest.raises(flow.client.exceptions.UnknownResourceFault):
        flow.client.respond_activity_task_completed(taskToken=old_task)
    with pytest.raises(flow.client.exceptions.WorkflowExecutionAlreadyStartedFault):
        start(flow.execution["workflowId"])
    new.schedule()
    token = new.poll_activity()["taskToken"]
    new.client.respond_activity_task_completed(taskToken=token)
    new.decide({"decisionType": "CompleteWorkflowExecution"})
    assert new.event_types()[-1] == "WorkflowExecutionCompleted"


@pytest.mark.moto_gap("no continue-as-new")
def test_an_execution_that_is_continued_may_last(flow: Flow) -> None:
    """NONE is a timeout here; the settings of the decision are those of the new execution."""
    flow.decide(
        continue_as_new(
            executionStartToCloseTimeout="NONE",
            taskStartToCloseTimeout="7",
            taskList={"name": "other"},
            childPolicy="ABANDON",
        )
    )
    new = next_of(flow)
    started = new.last("WorkflowExecutionStarted")
    assert started["executionStartToCloseTimeout"] == "NONE"
    assert started["taskStartToCloseTimeout"] == "7"
    assert started["childPolicy"] == "ABANDON"
    task: Any = flow.client.poll_for_decision_task(domain=flow.domain, taskList={"name": "other"})
    assert task["workflowExecution"] == new.execution


@pytest.mark.moto_gap("no continue-as-new")
@pytest.mark.parametrize("deprecated", [False, True])
def test_it_continues_with_another_version(
    flow: Flow, swf_client: SWFClient, deprecated: bool
) -> None:
    """The version must be registered and not deprecated, and every setting must be known."""
    flow.decide(continue_as_new(workflowTypeVersion="2"))
    failed = "ContinueAsNewWorkflowExecutionFailed"
    assert flow.last(failed)["cause"] == "WORKFLOW_TYPE_DOES_NOT_EXIST"
    second: Any = {"name": "workflow", "version": "2"}
    swf_client.register_workflow_type(domain=flow.domain, **second, defaultChildPolicy="ABANDON")
    flow.decide(continue_as_new(workflowTypeVersion="2"))
    cause = flow.last(failed)["cause"]
    assert cause == "DEFAULT_EXECUTION_START_TO_CLOSE_TIMEOUT_UNDEFINED"
    settings: dict[str, Any] = {
        "workflowTypeVersion": "2",
        "executionStartToCloseTimeout": "60",
        "taskStartToCloseTimeout": "60",
        "taskList": flow.task_list,
    }
    if deprecated:
        swf_client.deprecate_workflow_type(domain=flow.domain, workflowType=second)
    flow.decide(continue_as_new(**settings))
    if deprecated:
        assert flow.last(failed)["cause"] == "WORKFLOW_TYPE_DEPRECATED"
        flow.poll_decision()
    else:
        assert next_of(flow).last("WorkflowExecutionStarted")["workflowType"] == second


@pytest.mark.moto_gap("no continue-as-new")
def test_news_comes_before_a_new_execution(flow: Flow) -> None:
    """What came while it was decided is seen first, and the decision is the last of its list."""
    token = flow.poll_decision()["taskToken"]
    with pytest.raises(ClientError) as caught:
        flow.client.respond_decision_task_completed(
            taskToken=token,
            decisions=[CONTINUE, flow.schedule_decision("1")],  # type: ignore[list-item]
        )
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    flow.wake()
    flow.client.respond_decision_task_completed(
        taskToken=token,
        decisions=[CONTINUE],  # type: ignore[list-item]
    )
    failed = flow.last("ContinueAsNewWorkflowExecutionFailed")
    assert failed["cause"] == "UNHANDLED_DECISION"
    flow.decide(CONTINUE)
    assert flow.event_types()[-1] == "WorkflowExecutionContinuedAsNew"
