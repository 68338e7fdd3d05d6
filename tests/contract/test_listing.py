"""Listing and counting executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.contract.conftest import Starter

EVER: Any = {"oldestDate": 0}


def open_ids(start: Starter, **filters: Any) -> list[str]:
    answer = start.client.list_open_workflow_executions(
        domain=start.domain,
        **{"startTimeFilter": EVER, **filters},
    )
    return [info["execution"]["workflowId"] for info in answer["executionInfos"]]


def closed_ids(start: Starter, **filters: Any) -> list[str]:
    answer = start.client.list_closed_workflow_executions(domain=start.domain, **filters)
    return [info["execution"]["workflowId"] for info in answer["executionInfos"]]


@pytest.mark.moto_gap("the oldest stands first")
def test_the_newest_stands_first(start: Starter) -> None:
    """Executions come newest first, and in reverse when asked."""
    for number in "123":
        start(number)
    assert open_ids(start) == ["3", "2", "1"]
    assert open_ids(start, reverseOrder=True) == ["1", "2", "3"]


@pytest.mark.moto_gap("one filter of five")
def test_filters(start: Starter) -> None:
    """By id, by tag, by type, by time."""
    start("tagged", tagList=["red", "blue"])
    start("plain")
    assert open_ids(start, executionFilter={"workflowId": "plain"}) == ["plain"]
    assert open_ids(start, tagFilter={"tag": "red"}) == ["tagged"]
    assert len(open_ids(start, typeFilter={"name": "workflow"})) == 2
    assert open_ids(start, typeFilter={"name": "workflow", "version": "2"}) == []
    assert open_ids(start, startTimeFilter={"oldestDate": 0, "latestDate": 1}) == []
    count = start.client.count_open_workflow_executions(
        domain=start.domain,
        startTimeFilter=EVER,
    )
    assert count["count"] == 2


@pytest.mark.moto_gap("one filter of five")
def test_closed_executions(start: Starter) -> None:
    """Those that have closed are listed apart, by their close status when asked."""
    start("stays")
    start("ends")
    start.client.terminate_workflow_execution(domain=start.domain, workflowId="ends")
    assert open_ids(start) == ["stays"]
    assert closed_ids(start, closeTimeFilter=EVER) == ["ends"]
    assert closed_ids(start, startTimeFilter=EVER) == ["ends"]
    wanted = {"closeTimeFilter": EVER, "closeStatusFilter": {"status": "TERMINATED"}}
    assert closed_ids(start, **wanted) == ["ends"]
    wanted["closeStatusFilter"] = {"status": "COMPLETED"}
    assert closed_ids(start, **wanted) == []


@pytest.mark.moto_gap("no pages")
def test_pages(start: Starter) -> None:
    """A page holds what was asked for at most, and leads to the next."""
    for number in "12345":
        start(number)
    paginator: Any = start.client.get_paginator("list_open_workflow_executions")
    pages = paginator.paginate(
        domain=start.domain,
        startTimeFilter=EVER,
        maximumPageSize=2,
    )
    sizes = [len(page["executionInfos"]) for page in pages]
    assert sizes == [2, 2, 1]


@pytest.mark.moto_gap("HTTP 500, or takes them", only=r"\[.*(filters[13])")
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"startTimeFilter": EVER, "closeTimeFilter": EVER},
        {"startTimeFilter": EVER, "tagFilter": {"tag": "t"}, "typeFilter": {"name": "n"}},
        {"startTimeFilter": EVER, "nextPageToken": "second"},
    ],
)
def test_filters_that_do_not_go_together(start: Starter, filters: dict[str, Any]) -> None:
    """One time filter and at most one other, or ValidationException."""
    with pytest.raises(ClientError) as caught:
        closed_ids(start, **filters)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
