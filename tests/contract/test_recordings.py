"""The comparison with the recordings sees what differs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.recordings import differences

EVENT: dict[str, Any] = {
    "eventId": 1,
    "eventTimestamp": 1700000000.123,
    "eventType": "WorkflowExecutionSignaled",
    "workflowExecutionSignaledEventAttributes": {"externalInitiatedEventId": 0, "signalName": "s"},
}


def of(action: str, answer: Any) -> list[str]:
    return differences(action, b"" if answer is None else json.dumps(answer).encode())


@pytest.mark.parametrize("answer", [None, {"runId": "r"}])
def test_what_was_recorded_is_no_difference(answer: Any) -> None:
    """An answer as SWF sends it, with a body or without one, differs in nothing."""
    action = "TerminateWorkflowExecution" if answer is None else "StartWorkflowExecution"
    assert of(action, answer) == []
    assert of("GetWorkflowExecutionHistory", {"events": [EVENT]}) == []


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"eventTimestamp": 1700000000.1234}, "WorkflowExecutionSignaled.eventTimestamp is"),
        ({"more": 1}, "WorkflowExecutionSignaled has the keys"),
        (
            {"workflowExecutionSignaledEventAttributes": {"signalName": "s"}},
            "WorkflowExecutionSignaled.externalInitiatedEventId is missing",
        ),
        (
            {
                "eventType": "ExternalWorkflowExecutionSignaled",
                "externalWorkflowExecutionSignaledEventAttributes": {"initiatedEventId": 1},
            },
            "ExternalWorkflowExecutionSignaled.workflowExecution is missing",
        ),
    ],
)
def test_an_event_that_differs_is_named(changed: dict[str, Any], difference: str) -> None:
    """A key too many or too few, another kind of value: one line each, with the event's type."""
    event = {**EVENT, **changed}
    if "eventType" in changed:
        del event["workflowExecutionSignaledEventAttributes"]
    found = of("GetWorkflowExecutionHistory", {"events": [event]})
    assert any(difference in each for each in found), found


def test_an_answer_that_differs_is_named() -> None:
    """An empty poll has no token, and a poll's answer no other key."""
    assert of("PollForActivityTask", {"startedEventId": 0}) == []
    found = of("PollForActivityTask", {"startedEventId": 0, "taskToken": ""})
    assert "PollForActivityTask: activityId is missing" in found
    assert of("StartWorkflowExecution", {"runId": 7, "extra": "e"}) == [
        "StartWorkflowExecution: runId is 7",
        "StartWorkflowExecution: extra was never sent",
    ]
    assert of("CountPendingActivityTasks", {"count": "1"}) == [
        "CountPendingActivityTasks: count is '1'"
    ]
