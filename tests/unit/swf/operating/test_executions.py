"""Finding executions: any filters together, open and closed ones in one list."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.exception import UnknownResourceError
from flowy.swf.operating import ExecutionFilter, find_executions, find_run
from tests.unit.shop import DOMAIN, Shop
from tests.unit.stand_ins import ScriptedLayer1


@pytest.fixture
def ages(shop: Shop) -> dict[str, float]:
    """Seven executions, started 100 s apart; returns when each was started."""
    started: dict[str, float] = {}

    def start(workflow_id: str, *tags: str, name: str = "order") -> None:
        shop.swf.clock.turn(100)
        started[workflow_id] = shop.swf.clock.now()
        shop.start(workflow_id, *tags, name=name)

    start("done", "paid")
    shop.close("done", "Complete", result="secret result")
    start("failed", "paid", name="refund")
    shop.close("failed", "Fail", reason="No stock.", details="secret details")
    start("canceled", "late")
    shop.close("canceled", "Cancel")
    start("again")
    shop.close("again", "ContinueAsNew", executionStartToCloseTimeout="3600",
               taskStartToCloseTimeout="NONE", childPolicy="TERMINATE",
               taskList={"name": "again"})  # fmt: skip
    start("open", "late")
    start("killed", "paid", "late")
    shop.boto3.terminate_workflow_execution(domain=DOMAIN, workflowId="killed")
    start("slow", name="refund")
    shop.boto3.request_cancel_workflow_execution(domain=DOMAIN, workflowId="slow")
    return started


def found(shop: Shop, **wanted: Any) -> list[str]:
    executions = find_executions(shop.client, DOMAIN, ExecutionFilter(**wanted))
    return [each.workflow_id for each in executions]


#: Filters -> the workflow ids of the executions that fit.
FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["slow", "killed", "open", "again", "again", "canceled", "failed", "done"]),
    ({"status": "open"}, ["slow", "open", "again"]),
    ({"status": "closed"}, ["killed", "again", "canceled", "failed", "done"]),
    ({"status": "completed"}, ["done"]),
    ({"status": "failed"}, ["failed"]),
    ({"status": "canceled"}, ["canceled"]),
    ({"status": "terminated"}, ["killed"]),
    ({"status": "continued as new"}, ["again"]),
    ({"status": "timed out"}, []),
    ({"workflow_id": "again"}, ["again", "again"]),
    ({"workflow_id": "again", "status": "closed"}, ["again"]),
    ({"tag": "paid"}, ["killed", "failed", "done"]),
    ({"tag": "paid", "name": "order"}, ["killed", "done"]),
    ({"tag": "paid", "name": "order", "status": "completed"}, ["done"]),
    ({"name": "refund"}, ["slow", "failed"]),
    ({"name": "refund", "version": "1"}, ["slow", "failed"]),
    ({"name": "refund", "version": "2"}, []),
    ({"version": "2"}, []),
    ({"workflow_id": "done", "tag": "late"}, []),
]


def test_filters(shop: Shop, ages: dict[str, float]) -> None:
    """SWF takes one filter at a time; any of them can be combined here. The latest stands first."""
    assert [(wanted, found(shop, **wanted)) for wanted, _ in FILTERS] == FILTERS


def test_times(shop: Shop, ages: dict[str, float]) -> None:
    """By the time of the start, of the close, and of both."""
    assert found(shop, since=ages["open"]) == ["slow", "killed", "open"]
    assert found(shop, since=ages["open"], until=ages["killed"]) == ["killed", "open"]
    assert found(shop, until=ages["failed"] - 0.001) == ["done"]
    assert found(shop, until=ages["failed"], tag="paid") == ["failed", "done"]
    # The one that started second closed last.
    shop.swf.clock.turn(10)
    shop.close("open", "Complete")
    assert found(shop, closed_since=ages["canceled"]) == ["open", "killed", "again", "canceled"]
    assert found(shop, closed_since=ages["canceled"], until=ages["again"]) == ["again", "canceled"]
    assert found(shop, closed_until=ages["done"]) == ["done"]
    assert found(shop, closed_since=0, status="open") == []


def test_what_lists_show(shop: Shop, ages: dict[str, float]) -> None:
    """Type, tags, status and times; a request to cancel; the parent of a child."""
    slow, killed, *_ = find_executions(shop.client, DOMAIN, ExecutionFilter())
    assert (slow.name, slow.version, slow.tags) == ("refund", "1", ())
    assert (slow.status, slow.is_open, slow.cancel_requested) == ("open", True, True)
    assert slow.started_at == pytest.approx(ages["slow"], abs=0.001)
    assert (slow.closed_at, slow.parent) == (None, None)
    assert (killed.tags, killed.cancel_requested) == (("paid", "late"), False)
    assert killed.closed_at == killed.started_at
    assert str(killed) == f"killed (run {killed.run_id})"
    child = {
        "decisionType": "StartChildWorkflowExecution",
        "startChildWorkflowExecutionDecisionAttributes": {
            "workflowId": "child",
            "workflowType": {"name": "order", "version": "1"},
            "taskList": {"name": "child"},
            "executionStartToCloseTimeout": "60",
            "taskStartToCloseTimeout": "NONE",
            "childPolicy": "ABANDON",
        },
    }
    shop.decide("open", child)
    run = find_run(shop.client, DOMAIN, "child")
    parent = find_run(shop.client, DOMAIN, "open")
    assert run is not None
    assert parent is not None
    assert run.parent == ("open", parent.run_id)
    described = shop.client.describe_workflow_execution(DOMAIN, "open", parent.run_id)
    assert described.info == parent
    assert (described.task_list, described.child_policy) == ("open", "TERMINATE")
    assert (described.timeout, described.decision_timeout) == (3600, None)
    assert described.open_counts["children"] == 1


def test_find_run(shop: Shop) -> None:
    """The run that is open, or else the one that started last; None if there is none."""
    assert find_run(shop.client, DOMAIN, "order-1") is None
    first = shop.start("order-1")
    shop.close("order-1", "Complete")
    shop.swf.clock.turn(1)
    second = shop.start("order-1")
    for expected, status in ((second, "open"), (second, "completed")):
        run = find_run(shop.client, DOMAIN, "order-1")
        assert run is not None
        assert (run.run_id, run.status) == (expected, status)
        if status == "open":
            shop.close("order-1", "Complete")
    assert first != second


def test_pages_are_called_for_as_they_are_needed(shop: Shop) -> None:
    """A list of a hundred thousand costs one call if only its beginning is wanted."""

    def page(**parameters: Any) -> dict[str, Any]:
        at = 1000.0 - len(layer1.calls)
        number = len(layer1.calls)
        execution = {"workflowId": f"w{number}", "runId": f"r{number}"}
        type_ = {"name": "order", "version": "1"}
        info = {"execution": execution, "workflowType": type_, "startTimestamp": at,
                "executionStatus": "OPEN", "cancelRequested": False}  # fmt: skip
        return {"executionInfos": [info], "nextPageToken": "more"}

    layer1 = ScriptedLayer1(page)
    listed = find_executions(layer1.client(), DOMAIN, ExecutionFilter(status="open", tag="x"))
    assert layer1.calls == []
    wanted = ExecutionFilter(status="open")
    listed = find_executions(layer1.client(), DOMAIN, wanted)
    assert [next(listed).workflow_id for _ in range(3)] == ["w1", "w2", "w3"]
    assert len(layer1.calls) == 3
    assert "nextPageToken" not in layer1.calls[0][1]
    assert layer1.calls[1][1]["nextPageToken"] == "more"


def test_an_execution_that_closes_meanwhile_is_listed_once() -> None:
    """Between the two calls it may stand in both lists."""

    def page(**parameters: Any) -> dict[str, Any]:
        closed = layer1.methods[-1] == "list_closed_workflow_executions"
        info = {
            "execution": {"workflowId": "w", "runId": "r"},
            "workflowType": {"name": "order", "version": "1"},
            "startTimestamp": 7.0,
            "executionStatus": "CLOSED" if closed else "OPEN",
            **({"closeStatus": "COMPLETED", "closeTimestamp": 8.0} if closed else {}),
        }
        return {"executionInfos": [info]}

    layer1 = ScriptedLayer1(page)
    (one,) = find_executions(layer1.client(), DOMAIN, ExecutionFilter())
    assert one.run_id == "r"


def test_an_unknown_domain_is_an_error(shop: Shop) -> None:
    """At the first execution that is asked for."""
    with pytest.raises(UnknownResourceError):
        list(find_executions(shop.client, "shoop", ExecutionFilter()))
