"""A decider may move its execution's decision tasks to a list of its own, for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import Loader

if TYPE_CHECKING:
    from tests.contract.flows import Flow, Starter

MINE: Any = {"name": "mine"}

_SHAPES = Loader().load_service_model("swf", "service-2")["shapes"]

#: The oldest botocore that is allowed knows no override of the task list.
pytestmark = pytest.mark.skipif(
    "taskList" not in _SHAPES["RespondDecisionTaskCompletedInput"]["members"],
    reason="this botocore knows no task list override",
)


def decide(flow: Flow, token: str, **parameters: Any) -> None:
    flow.client.respond_decision_task_completed(taskToken=token, **parameters)


def poll(flow: Flow, task_list: Any) -> str:
    """The token of a decision task of *flow* on that list, or nothing."""
    task: Any = flow.client.poll_for_decision_task(domain=flow.domain, taskList=task_list)
    return str(task.get("taskToken", ""))


@pytest.mark.moto_gap("decision tasks stay on their list")
def test_a_task_list_override_is_for_all_that_follows(flow: Flow) -> None:
    """Without a timeout of its own, the named list is the execution's from then on."""
    decide(flow, flow.poll_decision()["taskToken"], taskList=MINE)
    assert flow.last("DecisionTaskCompleted")["taskList"] == MINE
    for _ in range(2):
        flow.wake()
        scheduled = flow.last("DecisionTaskScheduled")
        assert scheduled["taskList"] == MINE
        assert "scheduleToStartTimeout" not in scheduled
        flow.pass_time(3)
        assert not poll(flow, flow.task_list)
        decide(flow, poll(flow, MINE))


@pytest.mark.moto_gap("decision tasks stay on their list")
def test_an_override_that_nobody_polls_is_reverted(flow: Flow) -> None:
    """A decision task that is not taken there in time comes again on the execution's own list."""
    decide(
        flow,
        flow.poll_decision()["taskToken"],
        taskList=MINE,
        taskListScheduleToStartTimeout="2",
    )
    completed = flow.last("DecisionTaskCompleted")
    assert completed["taskListScheduleToStartTimeout"] == "2"
    flow.wake()
    scheduled = flow.last("DecisionTaskScheduled")
    assert (scheduled["taskList"], scheduled["scheduleToStartTimeout"]) == (MINE, "2")
    scheduled_id = flow.events()[-1]["eventId"]
    flow.pass_time(2)
    token = poll(flow, flow.task_list)
    assert token
    assert not poll(flow, MINE)
    timed_out = flow.last("DecisionTaskTimedOut")
    assert timed_out["timeoutType"] == "SCHEDULE_TO_START"
    assert timed_out["scheduledEventId"] == scheduled_id
    decide(flow, token)
    flow.wake()
    assert flow.last("DecisionTaskScheduled")["taskList"] == flow.task_list


@pytest.mark.moto_gap("decision tasks stay on their list")
def test_an_override_whose_decider_hangs_is_reverted(start: Starter) -> None:
    """One that is taken there in time, and not answered in time, comes again on the own list."""
    flow = start(taskStartToCloseTimeout="2")
    decide(
        flow,
        flow.poll_decision()["taskToken"],
        taskList=MINE,
        taskListScheduleToStartTimeout="60",
    )
    flow.wake()
    late = poll(flow, MINE)
    flow.pass_time(2)
    assert poll(flow, flow.task_list)
    assert flow.last("DecisionTaskTimedOut")["timeoutType"] == "START_TO_CLOSE"
    with pytest.raises(flow.client.exceptions.UnknownResourceFault):
        decide(flow, late)


@pytest.mark.moto_gap("decision tasks stay on their list")
def test_an_override_that_is_polled_stays(flow: Flow) -> None:
    """Taken and answered in time, the decision tasks go on coming there."""
    decide(
        flow,
        flow.poll_decision()["taskToken"],
        taskList=MINE,
        taskListScheduleToStartTimeout="60",
    )
    for _ in range(3):
        flow.wake()
        decide(flow, poll(flow, MINE))
    assert "DecisionTaskTimedOut" not in flow.event_types()
