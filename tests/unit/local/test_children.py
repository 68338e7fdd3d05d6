"""Child executions, and signals between executions, beyond what SWF's contract says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flowy.local import LocalSWF
from flowy.local.quotas import Quotas
from tests.contract.recordings import differences
from tests.unit.local.conftest import Wire, Work

TYPE: Any = {"name": "workflow", "version": "1"}


def start_child(workflow_id: str, task_list: str = "children") -> Any:
    return {
        "decisionType": "StartChildWorkflowExecution",
        "startChildWorkflowExecutionDecisionAttributes": {
            "workflowId": workflow_id,
            "workflowType": TYPE,
            "taskList": {"name": task_list},
        },
    }


def causes(work: Work, execution: Any) -> list[str]:
    """The causes of all decisions that failed, in order."""
    attributes = (
        value
        for event in work.events(execution)
        for key, value in event.items()
        if key.endswith("FailedEventAttributes")
    )
    return [each["cause"] for each in attributes]


def test_children_and_executions_have_a_quota() -> None:
    """Beyond it a child does not start, and StartWorkflowExecution gets LimitExceededFault."""
    with LocalSWF(poll_seconds=0, quotas=Quotas(open_children=2, open_executions=4)) as swf:
        work = Work(swf)
        parent = work.start("parent")
        work.decide(*(start_child(each) for each in "abc"))
        assert causes(work, parent) == ["OPEN_CHILDREN_LIMIT_EXCEEDED"]
        work.client.terminate_workflow_execution(domain="local", workflowId="a")
        work.decide(start_child("c"))
        assert causes(work, parent) == ["OPEN_CHILDREN_LIMIT_EXCEEDED"]
        other = work.start("other")
        try:
            work.start("one more")
        except work.client.exceptions.LimitExceededFault:
            pass
        else:
            raise AssertionError("a fifth execution has started")
        for _ in range(2):
            task = work.poll_decision()
            decisions = [start_child("d")] if task["workflowExecution"] == other else []
            work.client.respond_decision_task_completed(
                taskToken=task["taskToken"], decisions=decisions
            )
        assert causes(work, other) == ["OPEN_WORKFLOWS_LIMIT_EXCEEDED"]


def test_decisions_about_others_are_throttled() -> None:
    """Too many a second fail, each with its cause."""
    names = [
        "StartChildWorkflowExecution",
        "SignalExternalWorkflowExecution",
        "RequestCancelExternalWorkflowExecution",
    ]
    with LocalSWF(poll_seconds=0, throttle=dict.fromkeys(names, (1, 0))) as swf:
        work = Work(swf)
        parent = work.start("parent")
        itself = {"workflowId": "parent"}
        signal = {
            "decisionType": names[1],
            "signalExternalWorkflowExecutionDecisionAttributes": {**itself, "signalName": "s"},
        }
        cancel = {
            "decisionType": names[2],
            "requestCancelExternalWorkflowExecutionDecisionAttributes": itself,
        }
        work.decide(start_child("a"), start_child("b"), signal, signal, cancel, cancel)
        assert causes(work, parent) == [
            "CHILD_CREATION_RATE_EXCEEDED",
            "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED",
            "REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_RATE_EXCEEDED",
        ]


def test_a_long_line_of_descendants_is_terminated() -> None:
    """A child policy goes down further than Python's stack is deep."""
    with LocalSWF(poll_seconds=0) as swf:
        work = Work(swf)
        work.start("0")
        work.decide(start_child("1", "1"))
        assert swf._service is not None
        backend = swf._service._backend  # 400 times by HTTP would take seconds
        with backend.lock:
            for number in range(1, 400):
                task: Any = backend.poll_for_decision_task("local", str(number))
                child = str(number + 1)
                backend.respond_decision_task_completed(
                    task.task_token, [start_child(child, child)]
                )
        work.client.terminate_workflow_execution(domain="local", workflowId="0")
        counted = work.client.count_open_workflow_executions(
            domain="local", startTimeFilter={"oldestDate": 0}
        )
        assert counted["count"] == 0


def test_a_family_survives_a_restart(tmp_path: Path) -> None:
    """A parent that was read from a file is told of its child's end, and counts it till then."""
    state = tmp_path / "swf.state"
    with LocalSWF(poll_seconds=0, state=state) as swf:
        work = Work(swf)
        parent = work.start("parent")
        work.decide(start_child("a"), start_child("b"))
        work.client.terminate_workflow_execution(domain="local", workflowId="b")
    for _ in range(2):
        with LocalSWF(poll_seconds=0, state=state) as swf:
            work.client = swf.client()
            described = work.client.describe_workflow_execution(domain="local", execution=parent)
            assert described["openCounts"]["openChildWorkflowExecutions"] == 1
    with LocalSWF(poll_seconds=0, state=state) as swf:
        work.client = swf.client()
        work.client.terminate_workflow_execution(domain="local", workflowId="a")
        assert work.event_types(parent).count("ChildWorkflowExecutionTerminated") == 2
        work.client.terminate_workflow_execution(domain="local", workflowId="parent")
        described = work.client.describe_workflow_execution(domain="local", execution=parent)
        assert described["openCounts"]["openChildWorkflowExecutions"] == 0


def test_a_script_that_speaks_raw_http(wire: Wire) -> None:
    """A parent and its child by plain HTTP, as boto 2 sends it: every answer is as recorded."""
    prefix = "com.amazonaws.swf.service.model.SimpleWorkflowService"

    def call(action: str, **parameters: Any) -> Any:
        body = json.dumps({"domain": "local", **parameters})
        wire.connection.request("POST", "/", body, {"X-Amz-Target": f"{prefix}.{action}"})
        answer = wire.connection.getresponse()
        text = answer.read()
        assert (answer.status, answer.getheader("Content-Type")) == (200, "application/json"), text
        assert differences(action, text) == []
        return json.loads(text or "{}")

    def decide(task_list: str, *decisions: Any) -> Any:
        task = call("PollForDecisionTask", taskList={"name": task_list}, identity="i")
        call("RespondDecisionTaskCompleted", taskToken=task["taskToken"], decisions=list(decisions))
        return task["workflowExecution"]

    call(
        "RegisterWorkflowType",
        **TYPE,
        defaultTaskList={"name": "parents"},
        defaultTaskStartToCloseTimeout="60",
        defaultExecutionStartToCloseTimeout="60",
        defaultChildPolicy="TERMINATE",
    )
    call("StartWorkflowExecution", workflowId="parent", workflowType=TYPE)
    parent = decide("parents", start_child("child"))
    call("SignalWorkflowExecution", workflowId="child", signalName="s")
    signal = {"workflowId": "parent", "signalName": "s"}
    child = decide(
        "children",
        {
            "decisionType": "SignalExternalWorkflowExecution",
            "signalExternalWorkflowExecutionDecisionAttributes": signal,
        },
        {"decisionType": "CompleteWorkflowExecution"},
    )
    decide("parents", {"decisionType": "CompleteWorkflowExecution"})
    for execution in (parent, child):
        call("DescribeWorkflowExecution", execution=execution)
        events = call("GetWorkflowExecutionHistory", execution=execution)["events"]
        assert events[-1]["eventType"] == "WorkflowExecutionCompleted"
    call("ListClosedWorkflowExecutions", startTimeFilter={"oldestDate": 0})
