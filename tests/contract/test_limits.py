"""How much is too much: open activity tasks of an execution, pollers of a task list."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.contract.flows import Flow, Starter

#: As many activity tasks of one execution may be open.
OPEN_TASKS = 1_000

REFUSED = "ScheduleActivityTaskFailed"
CAUSE = "OPEN_ACTIVITIES_LIMIT_EXCEEDED"


def last_decided(flow: Flow) -> tuple[str, str, str]:
    """What came of the last task that was decided: the event, its activityId, its cause or none."""
    # From the end: the whole history is more than a page.
    history: Any = flow.client.get_workflow_execution_history(
        domain=flow.domain, execution=flow.execution, reverseOrder=True, maximumPageSize=9
    )
    kinds = {
        "ActivityTaskScheduled": "activityTaskScheduledEventAttributes",
        REFUSED: "scheduleActivityTaskFailedEventAttributes",
    }
    event = next(event for event in history["events"] if event["eventType"] in kinds)
    attributes = event[kinds[event["eventType"]]]
    return event["eventType"], attributes["activityId"], attributes.get("cause", "")


@pytest.mark.moto_gap("no limits")
def test_an_execution_has_so_many_open_tasks(flow: Flow) -> None:
    """Of 1,001 tasks in one answer the last is not scheduled; one that ends makes room."""
    flow.decide(*(flow.schedule_decision(str(number)) for number in range(OPEN_TASKS + 1)))
    assert last_decided(flow) == (REFUSED, str(OPEN_TASKS), CAUSE)
    task = flow.poll_activity()
    flow.schedule("while it runs")
    assert last_decided(flow) == (REFUSED, "while it runs", CAUSE)
    flow.client.respond_activity_task_completed(taskToken=task["taskToken"])
    flow.schedule("in its place")
    assert last_decided(flow) == ("ActivityTaskScheduled", "in its place", "")


@pytest.mark.moto_gap("no limits")
def test_a_task_list_has_so_many_pollers(patient_start: Starter, most_pollers: int) -> None:
    """One poller more than may wait is refused; those that are held get their tasks."""
    flow = patient_start()
    token = flow.poll_decision()["taskToken"]
    with ThreadPoolExecutor(most_pollers + 1) as pool:
        polls = [pool.submit(flow.poll_activity) for _ in range(most_pollers + 1)]
        done, _ = wait(polls, return_when=FIRST_COMPLETED)
        decisions: list[Any] = [flow.schedule_decision(str(each)) for each in range(most_pollers)]
        flow.client.respond_decision_task_completed(taskToken=token, decisions=decisions)
        refused = [poll for poll in polls if poll.exception() is not None]
        tokens = {poll.result()["taskToken"] for poll in polls if poll not in refused}
    assert [poll in done for poll in refused] == [True]
    error = refused[0].exception()
    assert isinstance(error, ClientError)
    # The name in the reference of the API, and the one on the page of quotas.
    assert error.response["Error"]["Code"] in ("LimitExceededFault", "LimitExceededException")
    assert len(tokens - {""}) == most_pollers
