"""Listing and counting executions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.flows import have_workflow_type

if TYPE_CHECKING:
    from tests.contract.flows import Starter

EVER: Any = {"oldestDate": 0}


@dataclass(frozen=True)
class Listing:
    """Executions of a type that no other test knows, in lists that show others' too."""

    starter: Starter
    type: Any
    settle: Callable[[], None]

    def start(self, *words: str, **parameters: Any) -> None:
        """Start an execution for each word."""
        for word in words:
            self.starter(self.starter.own(word), workflowType=self.type, **parameters)
        self.settle()

    def end(self, word: str) -> None:
        """Terminate one."""
        self.starter.client.terminate_workflow_execution(
            domain=self.starter.domain, workflowId=self.starter.own(word)
        )
        self.settle()

    def open(self, **filters: Any) -> list[str]:
        """The words of those that are open, as they are listed."""
        return self._listed("list_open_workflow_executions", {"startTimeFilter": EVER, **filters})

    def closed(self, **filters: Any) -> list[str]:
        """The words of those that have closed."""
        return self._listed("list_closed_workflow_executions", filters)

    def of_type(self, version: str = "1") -> Any:
        """A filter by the type."""
        return {"name": self.type["name"], "version": version}

    def _listed(self, action: str, filters: dict[str, Any]) -> list[str]:
        paginator: Any = self.starter.client.get_paginator(action)  # type: ignore[call-overload]
        pages = paginator.paginate(domain=self.starter.domain, **filters)
        listed = [info for page in pages for info in page["executionInfos"]]
        ids = [
            info["execution"]["workflowId"] for info in listed if info["workflowType"] == self.type
        ]
        return [each.split("-")[0] for each in ids]


@pytest.fixture
def listing(start: Starter, lists_settle: Callable[[], None]) -> Listing:
    type_ = have_workflow_type(start.client, start.domain, start.own("workflow"))
    return Listing(start, type_, lists_settle)


@pytest.mark.moto_gap("the oldest stands first")
def test_the_newest_stands_first(listing: Listing) -> None:
    """Executions come newest first, and in reverse when asked."""
    listing.start("1", "2", "3")
    assert listing.open() == ["3", "2", "1"]
    assert listing.open(reverseOrder=True) == ["1", "2", "3"]


@pytest.mark.moto_gap("one filter of five")
def test_filters(listing: Listing) -> None:
    """By id, by tag, by type, by time."""
    red, blue, plain = (listing.starter.own(word) for word in ("red", "blue", "plain"))
    listing.start("tagged", tagList=[red, blue])
    listing.start("plain")
    assert listing.open(executionFilter={"workflowId": plain}) == ["plain"]
    assert listing.open(tagFilter={"tag": red}) == ["tagged"]
    assert len(listing.open(typeFilter={"name": listing.type["name"]})) == 2
    assert listing.open(typeFilter=listing.of_type(version="2")) == []
    assert listing.open(startTimeFilter={"oldestDate": 0, "latestDate": 1}) == []
    count = listing.starter.client.count_open_workflow_executions(
        domain=listing.starter.domain,
        startTimeFilter=EVER,
        typeFilter=listing.of_type(),
    )
    assert count["count"] == 2


@pytest.mark.moto_gap("one filter of five")
def test_closed_executions(listing: Listing) -> None:
    """Those that have closed are listed apart, by their close status when asked."""
    listing.start("stays", "ends")
    listing.end("ends")
    assert listing.open() == ["stays"]
    assert listing.closed(closeTimeFilter=EVER) == ["ends"]
    assert listing.closed(startTimeFilter=EVER) == ["ends"]
    wanted = {"closeTimeFilter": EVER, "closeStatusFilter": {"status": "TERMINATED"}}
    assert listing.closed(**wanted) == ["ends"]
    wanted["closeStatusFilter"] = {"status": "COMPLETED"}
    assert listing.closed(**wanted) == []


@pytest.mark.moto_gap("no pages")
def test_pages(listing: Listing) -> None:
    """A page holds what was asked for at most, and leads to the next."""
    listing.start(*"12345")
    paginator: Any = listing.starter.client.get_paginator("list_open_workflow_executions")
    pages = paginator.paginate(
        domain=listing.starter.domain,
        startTimeFilter=EVER,
        typeFilter=listing.of_type(),
        maximumPageSize=2,
    )
    sizes = [len(page["executionInfos"]) for page in pages]
    assert sizes == [2, 2, 1]


@pytest.mark.moto_gap("no pages")
def test_a_page_goes_on_after_the_last_item(listing: Listing) -> None:
    """A program that terminates what a page shows, then asks for the next page, misses none."""
    listing.start(*"12345")
    client, domain = listing.starter.client, listing.starter.domain
    wanted: Any = {
        "domain": domain,
        "startTimeFilter": EVER,
        "typeFilter": listing.of_type(),
        "maximumPageSize": 2,
    }
    page: Any = client.list_open_workflow_executions(**wanted)
    reached = 0
    while True:
        for info in page["executionInfos"]:
            client.terminate_workflow_execution(
                domain=domain, workflowId=info["execution"]["workflowId"]
            )
            reached += 1
        if "nextPageToken" not in page:
            break
        token = page["nextPageToken"]
        page = client.list_open_workflow_executions(**wanted, nextPageToken=token)
    assert reached == 5
    assert listing.open() == []


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
def test_filters_that_do_not_go_together(listing: Listing, filters: dict[str, Any]) -> None:
    """One time filter and at most one other, or ValidationException."""
    with pytest.raises(ClientError) as caught:
        listing.closed(**filters)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
