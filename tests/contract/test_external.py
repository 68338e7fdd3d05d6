"""Signals and cancel requests from one execution to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.flows import Flow, Starter

SIGNAL = "SignalExternalWorkflowExecution"
CANCEL = "RequestCancelExternalWorkflowExecution"


def decision(kind: str, **attributes: Any) -> dict[str, Any]:
    if kind == SIGNAL:
        attributes = {"signalName": "now", **attributes}
    return {"decisionType": kind, f"{kind[0].lower()}{kind[1:]}DecisionAttributes": attributes}


def pair(start: Starter) -> tuple[Flow, Flow]:
    """Two executions that wait; the first one's decider has a list of its own."""
    flow = start(taskList={"name": start.own("first")})
    first = type(flow)(
        flow.client, flow.domain, {"name": start.own("first")}, flow.execution, flow.pass_time
    )
    second = start(start.own("second"))
    second.decide()
    return first, second


@pytest.mark.moto_gap("no such decision")
@pytest.mark.parametrize("by_run", [False, True])
def test_an_execution_signals_another(start: Starter, by_run: bool) -> None:
    """Each has the other in its history, and both deciders are woken."""
    first, second = pair(start)
    wanted = dict(second.execution) if by_run else {"workflowId": second.execution["workflowId"]}
    first.decide(decision(SIGNAL, input="what for", control="c", **wanted))
    initiated = first.last(f"{SIGNAL}Initiated")
    assert (initiated["signalName"], initiated["input"]) == ("now", "what for")
    assert initiated["control"] == "c"
    assert initiated.get("runId") == wanted.get("runId")
    types = first.event_types()
    assert types[-3:] == [
        f"{SIGNAL}Initiated",
        "ExternalWorkflowExecutionSignaled",
        "DecisionTaskScheduled",
    ]
    told = first.last("ExternalWorkflowExecutionSignaled")
    initiated_id = types.index(f"{SIGNAL}Initiated") + 1
    assert told == {"workflowExecution": second.execution, "initiatedEventId": initiated_id}
    assert second.event_types()[-2:] == ["WorkflowExecutionSignaled", "DecisionTaskScheduled"]
    assert second.last("WorkflowExecutionSignaled") == {
        "signalName": "now",
        "input": "what for",
        "externalWorkflowExecution": first.execution,
        "externalInitiatedEventId": initiated_id,
    }
    second.poll_decision()


@pytest.mark.moto_gap("no such decision")
def test_an_execution_cancels_another(start: Starter) -> None:
    """A request is in the history of each; the other's decider decides what to do."""
    first, second = pair(start)
    first.decide(decision(CANCEL, workflowId=second.execution["workflowId"], control="c"))
    types = first.event_types()
    initiated_id = types.index(f"{CANCEL}Initiated") + 1
    told = first.last("ExternalWorkflowExecutionCancelRequested")
    assert told == {"workflowExecution": second.execution, "initiatedEventId": initiated_id}
    assert types[-1] == "DecisionTaskScheduled"
    assert second.last("WorkflowExecutionCancelRequested") == {
        "externalWorkflowExecution": first.execution,
        "externalInitiatedEventId": initiated_id,
    }
    described: Any = second.client.describe_workflow_execution(
        domain=second.domain, execution=second.execution
    )
    assert described["executionInfo"]["cancelRequested"]
    second.decide({"decisionType": "CancelWorkflowExecution"})
    assert second.event_types()[-1] == "WorkflowExecutionCanceled"


@pytest.mark.moto_gap("no such decision")
@pytest.mark.parametrize("kind", [SIGNAL, CANCEL])
@pytest.mark.parametrize("which", ["never", "closed", "other run"])
def test_an_execution_that_is_not_open_is_unknown(start: Starter, kind: str, which: str) -> None:
    """The decision fails, and the decider is told."""
    first, second = pair(start)
    wanted: dict[str, str] = {"workflowId": second.execution["workflowId"]}
    if which == "never":
        wanted = {"workflowId": start.own("never")}
    elif which == "closed":
        second.client.terminate_workflow_execution(domain=second.domain, **second.execution)
    else:
        wanted["runId"] = first.execution["runId"]
    first.decide(decision(kind, control="c", **wanted))
    types = first.event_types()
    assert types[-3:] == [f"{kind}Initiated", f"{kind}Failed", "DecisionTaskScheduled"]
    completed_id = types.index("DecisionTaskCompleted") + 1
    assert first.last(f"{kind}Failed") == {
        **wanted,
        "cause": "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION",
        "control": "c",
        "decisionTaskCompletedEventId": completed_id,
        "initiatedEventId": completed_id + 1,
    }


@pytest.mark.moto_gap("no such decision")
def test_an_execution_signals_itself(flow: Flow) -> None:
    """It has all three events, and one decision task for them; it may close meanwhile."""
    signal = decision(SIGNAL, workflowId=flow.execution["workflowId"])
    flow.decide(signal)
    assert flow.event_types()[-4:] == [
        f"{SIGNAL}Initiated",
        "WorkflowExecutionSignaled",
        "ExternalWorkflowExecutionSignaled",
        "DecisionTaskScheduled",
    ]
    flow.decide(signal, {"decisionType": "CompleteWorkflowExecution"})
    assert flow.event_types()[-1] == "WorkflowExecutionCompleted"
