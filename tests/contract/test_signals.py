"""Signals, by which somebody else wakes a decider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.flows import Flow


@pytest.mark.moto_gap("no externalInitiatedEventId")
def test_a_signal_wakes_the_decider(flow: Flow) -> None:
    """A signal is in the history with its input, and a decision task follows."""
    flow.decide()
    flow.client.signal_workflow_execution(
        domain=flow.domain,
        workflowId=flow.execution["workflowId"],
        signalName="now",
        input="what for",
    )
    flow.decide()
    signaled = flow.last("WorkflowExecutionSignaled")
    assert (signaled["signalName"], signaled["input"]) == ("now", "what for")
    assert signaled["externalInitiatedEventId"] == 0


@pytest.mark.moto_gap("answers HTTP 500")
def test_a_signal_needs_no_input(flow: Flow) -> None:
    """A signal without an input has none in the history either."""
    flow.decide()
    flow.client.signal_workflow_execution(
        domain=flow.domain, workflowId=flow.execution["workflowId"], signalName="now"
    )
    flow.decide()
    assert "input" not in flow.last("WorkflowExecutionSignaled")
