"""The one-activity workflow: from a history to decisions."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.invocation.outcome import TaskOutcome
from flowy.swf.calling.decider import (
    Plan,
    closes,
    decide,
    ending,
    given_up,
    timed_out,
)
from flowy.swf.history import Ending
from flowy.swf.values import ActivityType
from tests.unit.swf.history_events import event

PLAN = Plan(ActivityType("echo", "1"), "[[], {}]", None, timeout_seconds=60, grace_seconds=5)


STARTED = event("WorkflowExecutionStarted")
SCHEDULED = event("ActivityTaskScheduled", activityId="1")
CANCEL_WANTED = event("WorkflowExecutionCancelRequested")
TIMEOUT = event("TimerFired", timerId="timeout")
CANCEL_REQUESTED = event("ActivityTaskCancelRequested", activityId="1")
GRACE_OVER = event("TimerFired", timerId="grace")
CANCELED = event("ActivityTaskCanceled", details="half")
COMPLETED = event("ActivityTaskCompleted", result='"x"')


def kinds(*events: dict[str, Any]) -> list[str]:
    return [decision["decisionType"] for decision in decide(events, PLAN)]


def test_first_schedules_and_sets_the_clock() -> None:
    """The activity is scheduled, and SWF's own timer wakes the decider at the timeout."""
    schedule, timer = decide([STARTED], PLAN)
    assert schedule["scheduleActivityTaskDecisionAttributes"] == {
        "activityId": "1",
        "activityType": {"name": "echo", "version": "1"},
        "input": "[[], {}]",
    }
    assert timer["startTimerDecisionAttributes"] == {
        "timerId": "timeout",
        "startToFireTimeout": "60",
    }
    listed = Plan(PLAN.type, "", "list", 1, 0)
    attributes = decide([STARTED], listed)[0]["scheduleActivityTaskDecisionAttributes"]
    assert attributes["taskList"] == {"name": "list"}


def test_extra_decision_tasks_change_nothing() -> None:
    """If nothing has happened there is nothing to decide, however often SWF asks."""
    assert kinds(STARTED, SCHEDULED) == []
    assert kinds(STARTED, SCHEDULED, TIMEOUT, CANCEL_REQUESTED) == []
    assert kinds(STARTED, SCHEDULED, TIMEOUT, event("RequestCancelActivityTaskFailed")) == []


@pytest.mark.parametrize("cause", [CANCEL_WANTED, TIMEOUT])
def test_cancels_once(cause: dict[str, Any]) -> None:
    """A timeout, or a request to the execution, is passed on to the activity, with a grace."""
    request, timer = decide([STARTED, SCHEDULED, cause], PLAN)
    assert request["requestCancelActivityTaskDecisionAttributes"] == {"activityId": "1"}
    assert timer["startTimerDecisionAttributes"] == {
        "timerId": "grace",
        "startToFireTimeout": "5",
    }
    both = [STARTED, SCHEDULED, cause, CANCEL_REQUESTED, CANCEL_WANTED, TIMEOUT]
    assert kinds(*both) == []


def test_cancels_before_there_is_an_activity() -> None:
    """A request that comes before the first decision ends the execution there and then."""
    assert kinds(STARTED, CANCEL_WANTED) == ["CancelWorkflowExecution"]
    assert ending([STARTED, event("WorkflowExecutionCanceled")]) == Ending(TaskOutcome.CANCELED)


@pytest.mark.parametrize(
    ("ended", "closing"),
    [
        (COMPLETED, "CompleteWorkflowExecution"),
        (event("ActivityTaskCompleted"), "CompleteWorkflowExecution"),
        (CANCELED, "CancelWorkflowExecution"),
        (event("ActivityTaskCanceled"), "CancelWorkflowExecution"),
        (event("ActivityTaskFailed", reason="r", details="d"), "FailWorkflowExecution"),
        (event("ActivityTaskTimedOut", timeoutType="HEARTBEAT"), "FailWorkflowExecution"),
        (event("ScheduleActivityTaskFailed", cause="NO"), "FailWorkflowExecution"),
    ],
)
@pytest.mark.parametrize(
    "before", [[], [TIMEOUT], [CANCEL_WANTED, CANCEL_REQUESTED], [TIMEOUT, GRACE_OVER]]
)
def test_ends_as_the_activity_ended(
    ended: dict[str, Any], closing: str, before: list[dict[str, Any]]
) -> None:
    """Whatever else has happened before or since, the activity's own end decides."""
    for history in ([*before, ended], [ended, *before]):
        events = [STARTED, SCHEDULED, *history]
        assert kinds(*events) == [closing]
        assert closes(decide(events, PLAN))
        assert not given_up(events)


def test_first_end_counts() -> None:
    """A history may say more after the activity's end; the first one is the answer."""
    end = ending([STARTED, SCHEDULED, COMPLETED, event("WorkflowExecutionTerminated")])
    assert end == Ending(TaskOutcome.COMPLETED, "", '"x"')
    assert ending([STARTED, SCHEDULED, CANCEL_REQUESTED]) is None


def test_tells_when_patience_is_over() -> None:
    """The timers say whether the call timed out, and whether the activity is given up."""
    assert not timed_out([STARTED, SCHEDULED, CANCEL_WANTED])
    assert timed_out([STARTED, SCHEDULED, TIMEOUT])
    assert timed_out([STARTED, event("WorkflowExecutionTimedOut", timeoutType="START_TO_CLOSE")])
    assert given_up([STARTED, SCHEDULED, TIMEOUT, CANCEL_REQUESTED, GRACE_OVER])
    assert not given_up([STARTED, SCHEDULED, TIMEOUT, CANCEL_REQUESTED])


def test_repr_shows_no_input() -> None:
    """Arguments may be private: they are not in a plan's repr."""
    assert "secret" not in repr(Plan(PLAN.type, '[["secret"], {}]', None, 60, 5))


def test_reasons_fit_swf() -> None:
    """A reason that is too long with its preface is cut."""
    cause = event("ScheduleActivityTaskFailed", cause="x" * 256)
    said = decide([STARTED, cause], PLAN)[0]["failWorkflowExecutionDecisionAttributes"]["reason"]
    assert len(said) == 256
    assert said.startswith("The activity could not be scheduled: x")
