"""Polls are held, are answered at once when a task comes, and give a task to one poller."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Own, Starter

#: Within how many seconds a task that comes is with a poller; Amazon's are a long way off. Besides,
#: a poll may take as long as some other calls: the machine may be busy.
WAKE_SECONDS = {"local": 0.1, "moto": 0.1, "aws": 1.0}
OTHER_CALLS = 5


def said(answer: Any) -> dict[str, Any]:
    """What SWF itself sent: an answer without what boto3 adds."""
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_an_empty_poll_is_held_and_has_no_token(flow: Flow) -> None:
    """If no task comes, the poll is held, and its answer has no taskToken at all."""
    began = time.monotonic()
    answer = flow.client.poll_for_activity_task(domain=flow.domain, taskList=flow.task_list)
    assert time.monotonic() - began > 0.4
    assert said(answer) == {"startedEventId": 0}


def test_an_empty_decision_poll_has_no_token(swf_client: SWFClient, domain: str, own: Own) -> None:
    """An empty decision poll has no taskToken either."""
    answer = swf_client.poll_for_decision_task(domain=domain, taskList={"name": own("empty")})
    assert said(answer) == {"previousStartedEventId": 0, "startedEventId": 0}


@pytest.mark.moto_gap("no long poll")
def test_a_poll_that_is_held_gets_the_task_that_comes(
    patient_start: Starter, swf_kind: str
) -> None:
    """A poll is woken at once when a task comes, for activity and decision tasks alike."""
    flow, rounds = patient_start(), 12
    called: list[float] = []
    scheduled: list[float] = []
    taken: list[float] = []
    completed: list[float] = []
    decided: list[float] = []

    def work() -> None:
        for _ in range(rounds):
            token = flow.poll_activity()["taskToken"]
            taken.append(time.monotonic())
            completed.append(time.monotonic())
            flow.client.respond_activity_task_completed(taskToken=token)

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        for number in range(rounds):
            token = flow.poll_decision()["taskToken"]
            decided.append(time.monotonic())
            decisions: list[Any] = [flow.schedule_decision(str(number))]
            scheduled.append(time.monotonic())
            flow.client.respond_decision_task_completed(taskToken=token, decisions=decisions)
            called.append(time.monotonic() - scheduled[-1])
        flow.poll_decision()
        decided.append(time.monotonic())
        worker.result()
    for before, after in ((scheduled, taken), (completed, decided[1:])):
        wakes = [woken - came for came, woken in zip(before, after, strict=True)]
        # The call that brings the task is in it. The median: a busy machine delays some.
        limit = WAKE_SECONDS[swf_kind] + OTHER_CALLS * statistics.median(called)
        assert statistics.median(wakes) < limit


def test_a_task_goes_to_one_poller(flow: Flow) -> None:
    """However many poll, each task is handed out once, and all of them are."""
    flow.decide(*(flow.schedule_decision(str(number)) for number in range(40)))

    def poll_until_empty(_: int) -> list[str]:
        taken = []
        while (task := flow.poll_activity())["taskToken"]:
            taken.append(task["activityId"])
        return taken

    with ThreadPoolExecutor(16) as pool:
        taken = [each for part in pool.map(poll_until_empty, range(16)) for each in part]
    assert Counter(taken) == Counter(str(number) for number in range(40))
    assert flow.event_types().count("ActivityTaskStarted") == 40


def test_the_oldest_task_goes_first(flow: Flow) -> None:
    """Tasks leave a list in the order in which they were scheduled."""
    flow.decide(*(flow.schedule_decision(str(number)) for number in range(5)))
    assert [flow.poll_activity()["activityId"] for _ in range(5)] == list("01234")


def test_a_task_list_is_a_list_of_its_own(flow: Flow, swf_client: SWFClient, own: Own) -> None:
    """A task is given to pollers of its own task list and its own domain only."""
    elsewhere: Any = {"name": own("other")}
    flow.schedule(taskList=elsewhere)
    assert not flow.poll_activity()["taskToken"]
    other: Any = swf_client.poll_for_activity_task(domain=flow.domain, taskList=elsewhere)
    assert other["activityId"] == "1"


@pytest.mark.moto_gap("hands them out")
def test_tasks_of_a_closed_execution_are_not_handed_out(flow: Flow, swf_client: SWFClient) -> None:
    """When an execution closes, what it scheduled is gone."""
    flow.schedule()
    swf_client.terminate_workflow_execution(
        domain=flow.domain, workflowId=flow.execution["workflowId"]
    )
    assert not flow.poll_activity()["taskToken"]


def test_one_decision_task_of_an_execution_at_a_time(start: Starter) -> None:
    """While a decider has a decision task, others get those of other executions only."""
    first, second = start(start.own("first")), start(start.own("second"))
    deciding = [first.poll_decision(), first.poll_decision()]
    ids = [task["workflowExecution"]["workflowId"] for task in deciding]
    assert ids == [start.own("first"), start.own("second")]
    for flow in (first, second):
        flow.client.signal_workflow_execution(
            domain=flow.domain, workflowId=flow.execution["workflowId"], signalName="s", input=""
        )
    answer = first.client.poll_for_decision_task(
        domain=first.domain,
        taskList=first.task_list,
    )
    assert not answer.get("taskToken")
