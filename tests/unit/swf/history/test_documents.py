"""Histories as boto3 and the AWS CLI have them."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from flowy.exception import HistoryError
from flowy.swf.history import activity_records, events_in
from tests.unit.shop import DOMAIN, Shop, scheduled


def history(shop: Shop, **parameters: Any) -> list[dict[str, Any]]:
    """The pages of a history with one task that has failed, as boto3 returns them."""
    run_id = shop.start("order-1")
    shop.decide("order-1", scheduled("1"))
    token = shop.take()
    shop.swf.clock.turn(1.5)
    shop.boto3.respond_activity_task_failed(taskToken=token, reason="No stock.")
    paginator = shop.boto3.get_paginator("get_workflow_execution_history")
    run: Any = {"workflowId": "order-1", "runId": run_id}
    pages = paginator.paginate(domain=DOMAIN, execution=run, **parameters)
    return [{"events": page["events"]} for page in pages]


def test_each_form_of_a_history_is_read(shop: Shop) -> None:
    """Pages, in either order, events, and the AWS CLI's JSON of both versions are the same."""
    pages = history(shop, maximumPageSize=3)
    assert len(pages) > 2
    events = [event for page in pages for event in page["events"]]
    (record,) = activity_records(events)
    assert record.reason == "No stock."
    texts = [{**event, "eventTimestamp": event["eventTimestamp"].isoformat()} for event in events]
    utc = [
        {**event, "eventTimestamp": zulu(event["eventTimestamp"])}
        for event in json.loads(json.dumps(texts))
    ]
    numbers = [{**event, "eventTimestamp": event["eventTimestamp"].timestamp()} for event in events]
    for form in (
        pages,
        pages[::-1],
        iter(pages),
        events,
        events[::-1],
        {"events": events},
        json.loads(json.dumps({"events": texts})),
        {"events": utc},
        json.loads(json.dumps([{"events": numbers}])),
    ):
        assert activity_records(events_in(form)) == [record]


def zulu(moment: str) -> str:
    """The same moment with a Z and three digits, as Python 3.10 cannot read it."""
    at = datetime.datetime.fromisoformat(moment).astimezone(datetime.timezone.utc)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_events_of_overlapping_pages_count_once(shop: Shop) -> None:
    """A page that is there twice, as after a repeated call, changes nothing."""
    pages = history(shop)
    assert events_in(pages * 2) == pages[0]["events"]


def test_pages_of_two_executions_are_refused(shop: Shop) -> None:
    """The second one would replace events of the first."""
    pages = history(shop)
    events = pages[0]["events"]
    (first,) = [each for each in events if each["eventType"] == "ActivityTaskScheduled"]
    key = "activityTaskScheduledEventAttributes"
    for changed in ({"eventType": "TimerFired"}, {key: {**first[key], "input": "x"}}):
        with pytest.raises(HistoryError, match=r"event 5 is there twice.*of one execution\.$"):
            events_in([*pages, {"events": [{**first, **changed}]}])
    saved = {each: events[0][each] for each in ("eventId", "eventType", "eventTimestamp")}
    assert len(events_in([*pages, {"events": [saved]}])) == len(events)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("text", "type str"),
        (7, "type int"),
        ([["event"]], "an event is of type list"),
        ({"executions": []}, "no eventType"),
        ({"events": "none"}, "an event is of type str"),
        ([{"eventType": "ActivityTaskStarted"}], "no eventType or eventId"),
    ],
)
def test_other_documents_are_refused(document: Any, why: str) -> None:
    """Anything but a history is an error that says what was expected."""
    with pytest.raises(HistoryError, match=f"{why}.*get-workflow-execution-history"):
        events_in(document)
