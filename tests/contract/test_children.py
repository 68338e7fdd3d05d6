"""Child executions: how they start and end, and what their parent is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.flows import WORKFLOW_TYPE

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Own, Starter

FAILED = "StartChildWorkflowExecutionFailed"


def start_child(workflow_id: str, **attributes: Any) -> dict[str, Any]:
    attributes = {"workflowId": workflow_id, "workflowType": WORKFLOW_TYPE, **attributes}
    return {
        "decisionType": "StartChildWorkflowExecution",
        "startChildWorkflowExecutionDecisionAttributes": attributes,
    }


class Family:
    """An execution with children, each with a task list that is named after its workflowId."""

    def __init__(
        self, start: Starter, *words: str, parent: dict[str, Any] | None = None, **attributes: Any
    ) -> None:
        self.start = start
        flow = start(taskList={"name": start.own("parent")}, **(parent or {}))
        self.parent = self._flow(flow, "parent")
        lists = {word: {"name": start.own(word)} for word in words}
        self.parent.decide(
            *(start_child(start.own(word), taskList=lists[word], **attributes) for word in words)
        )
        self.children: dict[str, Flow] = {}
        for event in self.parent.events():
            if event["eventType"] == "ChildWorkflowExecutionStarted":
                told = event["childWorkflowExecutionStartedEventAttributes"]
                execution = told["workflowExecution"]
                start.started.append(execution)
                word = execution["workflowId"].split("-")[0]
                self.children[word] = self._flow(self.parent, word, execution)

    def _flow(self, flow: Flow, word: str, execution: Any = None) -> Flow:
        task_list = {"name": self.start.own(word)}
        return type(flow)(
            flow.client, flow.domain, task_list, execution or flow.execution, flow.pass_time
        )

    def open_children(self) -> int:
        """How many the parent has, as it is described."""
        described: Any = self.parent.client.describe_workflow_execution(
            domain=self.parent.domain, execution=self.parent.execution
        )
        count: int = described["openCounts"]["openChildWorkflowExecutions"]
        return count


@pytest.mark.moto_gap("no children")
def test_a_child_starts(start: Starter) -> None:
    """Each has the other in its history; settings are the decision's, else the type's."""
    family = Family(start, "child", input="in", tagList=["t"], control="c", taskPriority="3")
    parent, child = family.parent, family.children["child"]
    types = parent.event_types()
    assert types[-3:] == [
        "StartChildWorkflowExecutionInitiated",
        "ChildWorkflowExecutionStarted",
        "DecisionTaskScheduled",
    ]
    initiated_id = len(types) - 2
    initiated = parent.last("StartChildWorkflowExecutionInitiated")
    started = child.last("WorkflowExecutionStarted")
    for name in ("taskList", "input", "tagList", "childPolicy", "taskPriority", "workflowType"):
        assert initiated[name] == started[name]
    assert initiated["workflowId"] == child.execution["workflowId"]
    assert initiated["executionStartToCloseTimeout"] == "300"
    assert initiated["control"] == "c"
    assert started["parentWorkflowExecution"] == parent.execution
    assert started["parentInitiatedEventId"] == initiated_id
    assert parent.last("ChildWorkflowExecutionStarted")["initiatedEventId"] == initiated_id
    assert family.open_children() == 1
    described: Any = child.client.describe_workflow_execution(
        domain=child.domain, execution=child.execution
    )
    assert described["executionInfo"]["parent"] == parent.execution
    assert child.poll_decision()["workflowExecution"] == child.execution


ENDS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "Completed": (
        {"completeWorkflowExecutionDecisionAttributes": {"result": "r"}},
        {"result": "r"},
    ),
    "Failed": (
        {"failWorkflowExecutionDecisionAttributes": {"reason": "so", "details": "long"}},
        {"reason": "so", "details": "long"},
    ),
    "Canceled": (
        {"cancelWorkflowExecutionDecisionAttributes": {"details": "long"}},
        {"details": "long"},
    ),
}


@pytest.mark.moto_gap("no children")
@pytest.mark.parametrize("end", ["Completed", "Failed", "Canceled", "TimedOut", "Terminated"])
def test_a_parent_is_told_of_the_end_of_a_child(start: Starter, end: str) -> None:
    """The event names the child and has what the child ended with; a decision task follows."""
    family = Family(start, "child", executionStartToCloseTimeout="2")
    parent, child = family.parent, family.children["child"]
    parent.decide()
    expected: dict[str, str] = {}
    if end in ENDS:
        attributes, expected = ENDS[end]
        verb = {"Completed": "Complete", "Failed": "Fail", "Canceled": "Cancel"}[end]
        child.decide({"decisionType": f"{verb}WorkflowExecution", **attributes})
    elif end == "Terminated":
        child.client.terminate_workflow_execution(
            domain=child.domain, **child.execution, details="long"
        )
    else:
        child.pass_time(2)
        expected = {"timeoutType": "START_TO_CLOSE"}
    assert parent.poll_decision()
    types = parent.event_types()
    assert parent.last(f"ChildWorkflowExecution{end}") == {
        **expected,
        "initiatedEventId": types.index("StartChildWorkflowExecutionInitiated") + 1,
        "startedEventId": types.index("ChildWorkflowExecutionStarted") + 1,
        "workflowExecution": child.execution,
        "workflowType": WORKFLOW_TYPE,
    }
    assert family.open_children() == 0


@pytest.mark.moto_gap("no children")
def test_a_child_that_is_continued_has_not_ended(start: Starter) -> None:
    """The new execution has the same parent, which is told of the end of that one only."""
    family = Family(start, "child")
    parent, child = family.parent, family.children["child"]
    child.decide(
        {
            "decisionType": "ContinueAsNewWorkflowExecution",
            "continueAsNewWorkflowExecutionDecisionAttributes": {"taskList": child.task_list},
        }
    )
    assert family.open_children() == 1
    child.decide({"decisionType": "CompleteWorkflowExecution"})
    run_id = child.last("WorkflowExecutionContinuedAsNew")["newExecutionRunId"]
    completed = parent.last("ChildWorkflowExecutionCompleted")
    assert completed["workflowExecution"] == {**child.execution, "runId": run_id}


@pytest.mark.moto_gap("no children")
@pytest.mark.parametrize("policy", ["TERMINATE", "REQUEST_CANCEL", "ABANDON"])
@pytest.mark.parametrize("end", ["terminated", "timed out"])
def test_a_child_policy_applies_to_open_children(start: Starter, policy: Any, end: str) -> None:
    """When the parent is terminated or times out; not to a child that has closed."""
    settings = {"executionStartToCloseTimeout": "20"}
    if end == "timed out":
        settings["childPolicy"] = policy
    family = Family(start, "open", "closed", parent=settings)
    parent, child = family.parent, family.children["open"]
    closed = family.children["closed"]
    closed.decide({"decisionType": "CompleteWorkflowExecution"})
    before = closed.event_types()
    child.decide()
    if end == "terminated":
        parent.client.terminate_workflow_execution(
            domain=parent.domain, **parent.execution, childPolicy=policy
        )
    else:
        parent.pass_time(20)
    types = child.event_types()
    if policy == "TERMINATE":
        assert child.last("WorkflowExecutionTerminated") == {
            "cause": "CHILD_POLICY_APPLIED",
            "childPolicy": "TERMINATE",
        }
    elif policy == "REQUEST_CANCEL":
        assert types[-2:] == ["WorkflowExecutionCancelRequested", "DecisionTaskScheduled"]
        assert child.last("WorkflowExecutionCancelRequested") == {
            "cause": "CHILD_POLICY_APPLIED",
            "externalInitiatedEventId": 0,
        }
    else:
        assert types[-1] == "DecisionTaskCompleted"
    assert closed.event_types() == before


@pytest.mark.moto_gap("no children")
def test_a_parent_that_completes_leaves_its_children(start: Starter) -> None:
    """The policy is for ends that nobody decided; the child's own end goes nowhere then."""
    family = Family(start, "child")
    parent, child = family.parent, family.children["child"]
    parent.decide({"decisionType": "CompleteWorkflowExecution"})
    child.decide({"decisionType": "CompleteWorkflowExecution"})
    assert child.event_types()[-1] == "WorkflowExecutionCompleted"
    assert parent.event_types()[-1] == "WorkflowExecutionCompleted"


@pytest.mark.moto_gap("no children")
def test_children_of_children_are_terminated(start: Starter) -> None:
    """A policy of TERMINATE goes all the way down."""
    family = Family(start, "child")
    child = family.children["child"]
    child.decide(start_child(start.own("grandchild")))
    grandchild = child.last("ChildWorkflowExecutionStarted")["workflowExecution"]
    family.parent.client.terminate_workflow_execution(
        domain=child.domain, **family.parent.execution
    )
    described: Any = child.client.describe_workflow_execution(
        domain=child.domain, execution=grandchild
    )
    assert described["executionInfo"]["closeStatus"] == "TERMINATED"


@pytest.mark.moto_gap("no children")
def test_a_child_that_cannot_start_is_an_event(flow: Flow, swf_client: SWFClient, own: Own) -> None:
    """An unknown or deprecated type, a missing setting, a workflowId that is in use."""

    def cause(**attributes: Any) -> str:
        flow.decide(start_child(own("child"), **attributes))
        failed = flow.last(FAILED)
        assert failed["initiatedEventId"] == 0
        assert failed["workflowId"] == own("child")
        return str(failed["cause"])

    wanted: Any = {"name": own("workflow"), "version": "1"}
    assert cause(workflowType=wanted) == "WORKFLOW_TYPE_DOES_NOT_EXIST"
    swf_client.register_workflow_type(
        domain=flow.domain, **wanted, defaultExecutionStartToCloseTimeout="60"
    )
    settings: dict[str, Any] = {"workflowType": wanted}
    assert cause(**settings) == "DEFAULT_TASK_START_TO_CLOSE_TIMEOUT_UNDEFINED"
    settings["taskStartToCloseTimeout"] = "60"
    assert cause(**settings) == "DEFAULT_TASK_LIST_UNDEFINED"
    settings["taskList"] = flow.task_list
    assert cause(**settings) == "DEFAULT_CHILD_POLICY_UNDEFINED"
    settings["childPolicy"] = "ABANDON"
    swf_client.deprecate_workflow_type(domain=flow.domain, workflowType=wanted)
    assert cause(**settings) == "WORKFLOW_TYPE_DEPRECATED"
    flow.decide(start_child(flow.execution["workflowId"]))
    failed = flow.last(FAILED)
    assert failed["cause"] == "WORKFLOW_ALREADY_RUNNING"
    assert flow.events()[failed["initiatedEventId"] - 1]["eventType"].endswith("Initiated")


@pytest.mark.moto_gap("no children")
def test_a_child_may_last(start: Starter) -> None:
    """NONE is a timeout here, though not in StartWorkflowExecution."""
    family = Family(start, "child", executionStartToCloseTimeout="NONE")
    started = family.children["child"].last("WorkflowExecutionStarted")
    assert started["executionStartToCloseTimeout"] == "NONE"
