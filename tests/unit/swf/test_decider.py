"""The one-activity workflow, as the pure function that it is."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.swf.decider import ACTIVITY_ID, Ending, EndingKind, decide, ending
from flowy.swf.values import ActivityType


def event(kind: str, **attributes: Any) -> dict[str, Any]:
    key = f"{kind[0].lower()}{kind[1:]}EventAttributes"
    return {"eventType": kind, "eventId": 1, key: attributes}


STARTED = [event("WorkflowExecutionStarted"), event("DecisionTaskScheduled")]
SCHEDULED = [*STARTED, event("DecisionTaskCompleted"), event("ActivityTaskScheduled")]

#: An event that ends it, what it means, and the decision and attributes that follow.
ENDINGS: list[tuple[dict[str, Any], Ending, str, dict[str, Any]]] = [
    (
        event("ActivityTaskCompleted", result="1"),
        Ending(EndingKind.COMPLETED, "", "1"),
        "CompleteWorkflowExecution",
        {"result": "1"},
    ),
    (
        event("ActivityTaskCompleted"),
        Ending(EndingKind.COMPLETED),
        "CompleteWorkflowExecution",
        {},
    ),
    (
        event("ActivityTaskFailed", reason="why", details="where"),
        Ending(EndingKind.FAILED, "why", "where"),
        "FailWorkflowExecution",
        {"reason": "why", "details": "where"},
    ),
    (
        event("ActivityTaskFailed"),
        Ending(EndingKind.FAILED),
        "FailWorkflowExecution",
        {"reason": ""},
    ),
    (
        event("ActivityTaskTimedOut", timeoutType="HEARTBEAT", details="half"),
        Ending(EndingKind.TIMED_OUT, "HEARTBEAT", "half"),
        "FailWorkflowExecution",
        {"reason": "The activity timed out: HEARTBEAT", "details": "half"},
    ),
    (
        event("ActivityTaskCanceled", details="why"),
        Ending(EndingKind.CANCELED, "", "why"),
        "CancelWorkflowExecution",
        {"details": "why"},
    ),
    (
        event("ScheduleActivityTaskFailed", cause="ACTIVITY_TYPE_DOES_NOT_EXIST"),
        Ending(EndingKind.NOT_SCHEDULED, "ACTIVITY_TYPE_DOES_NOT_EXIST"),
        "FailWorkflowExecution",
        {"reason": "The activity could not be scheduled: ACTIVITY_TYPE_DOES_NOT_EXIST"},
    ),
    (
        event("WorkflowExecutionTimedOut", timeoutType="START_TO_CLOSE"),
        Ending(EndingKind.EXECUTION_CLOSED, "START_TO_CLOSE"),
        "FailWorkflowExecution",
        {"reason": "The activity was cut off, its workflow execution is closed: START_TO_CLOSE"},
    ),
]


def decided(events: list[dict[str, Any]], task_list: str | None = None) -> list[dict[str, Any]]:
    return decide(events, ActivityType("echo", "1"), "[[1], {}]", task_list)


@pytest.mark.parametrize(
    ("task_list", "more"), [(None, {}), ("there", {"taskList": {"name": "there"}})]
)
def test_first_it_schedules(task_list: str | None, more: dict[str, Any]) -> None:
    """At the first decision the activity is scheduled, where asked for or on its default list."""
    assert decided(STARTED, task_list) == [
        {
            "decisionType": "ScheduleActivityTask",
            "scheduleActivityTaskDecisionAttributes": {
                "activityId": ACTIVITY_ID,
                "activityType": {"name": "echo", "version": "1"},
                "input": "[[1], {}]",
                **more,
            },
        }
    ]


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
    assert ending(events) == Ending(EndingKind.COMPLETED, "", "1")
    events = [*SCHEDULED, event("WorkflowExecutionTerminated", reason="why", details="x")]
    assert ending(events) == Ending(EndingKind.EXECUTION_CLOSED, "why", "x")


def test_long_reasons_are_cut() -> None:
    """What is put before a reason does not make it longer than SWF takes."""
    (decision,) = decided([*SCHEDULED, event("ActivityTaskFailed", reason="r" * 256)])
    assert decision["failWorkflowExecutionDecisionAttributes"]["reason"] == "r" * 256
    (decision,) = decided([*SCHEDULED, event("WorkflowExecutionTerminated", reason="r" * 256)])
    assert len(decision["failWorkflowExecutionDecisionAttributes"]["reason"]) == 256


def test_an_event_without_attributes() -> None:
    """A history that leaves the attributes out ends it all the same."""
    assert ending([{"eventType": "ActivityTaskCompleted"}]) == Ending(EndingKind.COMPLETED)
