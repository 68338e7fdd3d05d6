"""How the one-activity workflow ends, for each way in which its activity may."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.invocation.outcome import TaskOutcome
from flowy.swf.calling.decider import Plan, decide, ending
from flowy.swf.history import Ending
from flowy.swf.values import ActivityType
from tests.unit.swf.history_events import event

STARTED = [event("WorkflowExecutionStarted"), event("DecisionTaskScheduled")]
SCHEDULED = [*STARTED, event("DecisionTaskCompleted"), event("ActivityTaskScheduled")]

#: An event that ends it, what it means, and the decision and attributes that follow.
ENDINGS: list[tuple[dict[str, Any], Ending, str, dict[str, Any]]] = [
    (
        event("ActivityTaskCompleted", result="1"),
        Ending(TaskOutcome.COMPLETED, "", "1"),
        "CompleteWorkflowExecution",
        {"result": "1"},
    ),
    (
        event("ActivityTaskCompleted"),
        Ending(TaskOutcome.COMPLETED),
        "CompleteWorkflowExecution",
        {},
    ),
    (
        event("ActivityTaskFailed", reason="why", details="where"),
        Ending(TaskOutcome.FAILED, "why", "where"),
        "FailWorkflowExecution",
        {"reason": "why", "details": "where"},
    ),
    (
        event("ActivityTaskFailed"),
        Ending(TaskOutcome.FAILED),
        "FailWorkflowExecution",
        {"reason": ""},
    ),
    (
        event("ActivityTaskTimedOut", timeoutType="HEARTBEAT", details="half"),
        Ending(TaskOutcome.TIMED_OUT, "HEARTBEAT", "half"),
        "FailWorkflowExecution",
        {"reason": "The activity timed out: HEARTBEAT", "details": "half"},
    ),
    (
        event("ActivityTaskCanceled", details="why"),
        Ending(TaskOutcome.CANCELED, "", "why"),
        "CancelWorkflowExecution",
        {"details": "why"},
    ),
    (
        event("ScheduleActivityTaskFailed", cause="ACTIVITY_TYPE_DOES_NOT_EXIST"),
        Ending(TaskOutcome.NOT_SCHEDULED, "ACTIVITY_TYPE_DOES_NOT_EXIST"),
        "FailWorkflowExecution",
        {"reason": "The activity could not be scheduled: ACTIVITY_TYPE_DOES_NOT_EXIST"},
    ),
    (
        event("WorkflowExecutionTimedOut", timeoutType="START_TO_CLOSE"),
        Ending(TaskOutcome.EXECUTION_CLOSED, "START_TO_CLOSE"),
        "FailWorkflowExecution",
        {
            "reason": "The activity was cut off because its workflow execution closed: "
            "START_TO_CLOSE"
        },
    ),
]


def decided(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    plan = Plan(ActivityType("echo", "1"), "[[1], {}]", None, timeout_seconds=60, grace_seconds=5)
    return decide(events, plan)


def test_then_it_waits() -> None:
    """An extra decision task, while the activity is under way, changes nothing."""
    assert decided(SCHEDULED) == []
    assert decided([*SCHEDULED, event("ActivityTaskStarted"), event("Whatever")]) == []
    assert ending(SCHEDULED) is None


@pytest.mark.parametrize(("last", "ended", "kind", "attributes"), ENDINGS)
def test_then_it_ends(
    last: dict[str, Any], ended: Ending, kind: str, attributes: dict[str, Any]
) -> None:
    """The execution ends as the activity ended."""
    events = [*SCHEDULED, last]
    assert ending(events) == ended
    key = f"{kind[0].lower()}{kind[1:]}DecisionAttributes"
    assert decided(events) == [{"decisionType": kind, key: attributes}]


def test_the_activity_counts_before_its_execution() -> None:
    """What the activity answered stands, however the execution was closed afterwards."""
    events = [*SCHEDULED, event("ActivityTaskCompleted", result="1"),
              event("WorkflowExecutionTerminated", reason="why", details="x")]  # fmt: skip
    assert ending(events) == Ending(TaskOutcome.COMPLETED, "", "1")
    events = [*SCHEDULED, event("WorkflowExecutionTerminated", reason="why", details="x")]
    assert ending(events) == Ending(TaskOutcome.EXECUTION_CLOSED, "why", "x")


def test_long_reasons_are_cut() -> None:
    """What is put before a reason does not make it longer than SWF takes."""
    (decision,) = decided([*SCHEDULED, event("ActivityTaskFailed", reason="r" * 256)])
    assert decision["failWorkflowExecutionDecisionAttributes"]["reason"] == "r" * 256
    (decision,) = decided([*SCHEDULED, event("WorkflowExecutionTerminated", reason="r" * 256)])
    assert len(decision["failWorkflowExecutionDecisionAttributes"]["reason"]) == 256


def test_an_event_without_attributes() -> None:
    """A history that leaves the attributes out ends it all the same."""
    assert ending([{"eventType": "ActivityTaskCompleted"}]) == Ending(TaskOutcome.COMPLETED)
