"""Histories: all of what happened, page by page, with its true times."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.flows import SHARED_DOMAIN, have_activity_type, have_domain

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from tests.contract.flows import Flow, Starter


def history(flow: Flow, **parameters: Any) -> dict[str, Any]:
    answer = flow.client.get_workflow_execution_history(
        domain=flow.domain, execution=flow.execution, **parameters
    )
    return dict(answer)


def ids(events: list[dict[str, Any]]) -> list[int]:
    return [event["eventId"] for event in events]


@pytest.mark.moto_gap("no pages")
@pytest.mark.parametrize("reverse", [False, True])
def test_a_history_comes_in_pages(flow: Flow, reverse: bool) -> None:
    """maximumPageSize events at most, then a nextPageToken, in either order."""
    for _ in range(5):
        flow.wake()
    first = history(flow, maximumPageSize=3, reverseOrder=reverse)
    second = history(
        flow, maximumPageSize=3, reverseOrder=reverse, nextPageToken=first["nextPageToken"]
    )
    third = history(
        flow, maximumPageSize=3, reverseOrder=reverse, nextPageToken=second["nextPageToken"]
    )
    assert "nextPageToken" not in third
    found = ids(first["events"] + second["events"] + third["events"])
    assert found == sorted(range(1, 8), reverse=reverse)


@pytest.mark.moto_gap("no pages")
def test_a_decision_task_comes_in_pages(flow: Flow) -> None:
    """The later pages come by PollForDecisionTask, and what happened since is on none."""
    for _ in range(3):
        flow.wake()
    first = flow.poll_decision(maximumPageSize=4)
    flow.wake()
    second = flow.poll_decision(maximumPageSize=4, nextPageToken=first["nextPageToken"])
    assert second["taskToken"] == first["taskToken"]
    assert "nextPageToken" not in second
    assert ids(first["events"] + second["events"]) == [1, 2, 3, 4, 5, 6]
    assert first["startedEventId"] == 6


@pytest.mark.moto_gap("no pages")
def test_no_event_comes_twice(flow: Flow) -> None:
    """Events that are added between two pages, newest first, shift none onto the second page."""
    for _ in range(3):
        flow.wake()
    first = history(flow, maximumPageSize=3, reverseOrder=True)
    flow.wake()
    token = first["nextPageToken"]
    second = history(flow, maximumPageSize=3, reverseOrder=True, nextPageToken=token)
    assert ids(first["events"] + second["events"]) == [5, 4, 3, 2, 1]


@pytest.mark.moto_gap("no pages")
def test_a_page_of_nothing_is_refused(flow: Flow) -> None:
    """A nextPageToken that SWF never gave is ValidationException."""
    for token in ("rubbish", "\u0661", "1-rubbish", "WyJ0ZXh0Il0=", "e30=", "WzEgXQ=="):
        with pytest.raises(ClientError) as caught:
            history(flow, nextPageToken=token)
        assert caught.value.response["Error"]["Code"] == "ValidationException"
        with pytest.raises(ClientError) as caught:
            flow.poll_decision(nextPageToken=token)
        assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.moto_gap("brings all of it always")
def test_a_decision_task_may_bring_the_news_only(flow: Flow) -> None:
    """startAtPreviousStartedEvent leaves out what came before the last decision task."""
    flow.decide()
    flow.wake()
    news = flow.poll_decision(startAtPreviousStartedEvent=True)
    assert ids(news["events"]) == [3, 4, 5, 6, 7]
    assert news["previousStartedEventId"] == 3


@pytest.mark.moto_gap("the first of January 2015, always")
def test_dates_are_true(start: Starter, swf_client: SWFClient) -> None:
    """Types and executions tell when they were made, and types when they were deprecated."""
    flow = start()
    wanted = have_activity_type(swf_client, start.domain, start.own("activity"))
    swf_client.deprecate_activity_type(domain=flow.domain, activityType=wanted)
    info = swf_client.describe_activity_type(domain=flow.domain, activityType=wanted)["typeInfo"]
    described: Any = swf_client.describe_workflow_execution(
        domain=flow.domain, execution=flow.execution
    )
    began = described["executionInfo"]["startTimestamp"]
    assert began == flow.events()[0]["eventTimestamp"]
    assert began <= info["creationDate"] <= info["deprecationDate"]
    # SWF's clock may have been turned by other tests, always forward.
    assert began > datetime.now(timezone.utc) - timedelta(minutes=5)


@pytest.mark.moto_gap("only those of the decision")
def test_all_timeouts_in_force_are_shown(flow: Flow) -> None:
    """ActivityTaskScheduled has all four, whether the decision or the type set them."""
    flow.schedule(startToCloseTimeout="7", control="c", taskPriority="3")
    scheduled = flow.last("ActivityTaskScheduled")
    assert scheduled["startToCloseTimeout"] == "7"
    assert scheduled["scheduleToStartTimeout"] == "300"
    assert scheduled["scheduleToCloseTimeout"] == "300"
    assert scheduled["heartbeatTimeout"] == "NONE"
    assert scheduled["taskList"] == flow.task_list
    assert (scheduled["control"], scheduled["taskPriority"]) == ("c", "3")


@pytest.mark.moto_gap("no pages")
@pytest.mark.parametrize("reverse", [False, True])
def test_types_come_in_pages(swf_client: SWFClient, domain: str, reverse: bool) -> None:
    """Types are listed by name, in pages; a name picks the versions of one."""
    # A domain that has these types and no others; the same in each run.
    domain = f"{SHARED_DOMAIN}-types"
    have_domain(swf_client, domain)
    for name, version in (("c", "1"), ("a", "1"), ("b", "1"), ("a", "2")):
        with contextlib.suppress(swf_client.exceptions.TypeAlreadyExistsFault):
            swf_client.register_activity_type(domain=domain, name=name, version=version)
    paginator: Any = swf_client.get_paginator("list_activity_types")
    pages = paginator.paginate(
        domain=domain,
        registrationStatus="REGISTERED",
        reverseOrder=reverse,
        maximumPageSize=3,
    )
    found = [[info["activityType"]["name"] for info in page["typeInfos"]] for page in pages]
    assert found == ([["c", "b", "a"], ["a"]] if reverse else [["a", "a", "b"], ["c"]])
    one = swf_client.list_activity_types(domain=domain, registrationStatus="REGISTERED", name="a")
    assert len(one["typeInfos"]) == 2


@pytest.mark.moto_gap("counts no timers")
def test_counts_of_what_is_open(flow: Flow, task: dict[str, Any], swf_client: SWFClient) -> None:
    """DescribeWorkflowExecution counts the open tasks and timers, and when the last one came."""
    flow.wake()
    timer = {"timerId": "t", "startToFireTimeout": "100"}
    flow.decide({"decisionType": "StartTimer", "startTimerDecisionAttributes": timer})
    described: Any = swf_client.describe_workflow_execution(
        domain=flow.domain, execution=flow.execution
    )
    counts = described["openCounts"]
    assert (counts["openActivityTasks"], counts["openTimers"]) == (1, 1)
    assert counts["openDecisionTasks"] == 0
    flow.wake()
    flow.poll_decision()
    flow.wake()
    described = swf_client.describe_workflow_execution(domain=flow.domain, execution=flow.execution)
    assert described["openCounts"]["openDecisionTasks"] == 1
    assert described["latestActivityTaskTimestamp"]
