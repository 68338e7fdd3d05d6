"""Who gets the task: of several pollers that are held, and of those that have gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.flows import NewClient, Starter


@pytest.mark.undocumented
@pytest.mark.moto_gap("no long poll")
def test_who_came_first_is_served_first(
    patient_start: Starter, wait_for_pollers: Callable[[int], None]
) -> None:
    """Of the pollers that are held, each task goes to the one that has waited longest."""
    flow = patient_start()
    token = flow.poll_decision()["taskToken"]
    with ThreadPoolExecutor(3) as pool:
        polls = []
        for identity in "abc":
            polls.append(pool.submit(flow.poll_activity, identity=identity))
            wait_for_pollers(len(polls))
        decisions: list[Any] = [flow.schedule_decision(number) for number in "123"]
        flow.client.respond_decision_task_completed(taskToken=token, decisions=decisions)
        assert [poll.result().get("activityId") for poll in polls] == ["1", "2", "3"]
    started = [event for event in flow.events() if event["eventType"] == "ActivityTaskStarted"]
    identities = [
        event["activityTaskStartedEventAttributes"]["identity"]
        for event in sorted(started, key=lambda event: int(event["eventId"]))
    ]
    assert identities == ["a", "b", "c"]


@pytest.mark.undocumented
def test_a_poller_that_has_gone_gets_no_task(
    patient_start: Starter, new_patient_client: NewClient
) -> None:
    """A task that comes after a poller hung up goes to the next one."""
    flow = patient_start()
    token = flow.poll_decision()["taskToken"]
    impatient = new_patient_client(read_timeout=0.3, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        impatient.poll_for_activity_task(domain=flow.domain, taskList=flow.task_list)
    decisions: list[Any] = [flow.schedule_decision("1")]
    flow.client.respond_decision_task_completed(taskToken=token, decisions=decisions)
    assert flow.poll_activity()["activityId"] == "1"
