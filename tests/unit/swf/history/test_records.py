"""The activities of an execution, read from its history."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from flowy.invocation.outcome import TaskOutcome
from flowy.swf.history import ActivityRecord, activity_records, events_in
from tests.unit.shop import DOMAIN, Shop, scheduled
from tests.unit.swf.history_events import event


def records(shop: Shop, run_id: str) -> dict[str, ActivityRecord]:
    events = shop.client.get_workflow_execution_history(DOMAIN, "order-1", run_id)
    return {each.activity_id: each for each in activity_records(events)}


def test_each_outcome(shop: Shop) -> None:
    """Outcome, reason and texts stand where SWF has put them, for each kind of end."""
    run_id = shop.start("order-1")
    names = ("completed", "failed", "canceled", "late", "running", "waiting")
    shop.decide("order-1", *map(scheduled, names), scheduled("unknown", "nothing"))
    tokens = {name: shop.take() for name in names[:-1]}
    shop.swf.clock.turn(10)
    shop.boto3.respond_activity_task_completed(taskToken=tokens["completed"], result="a result")
    shop.boto3.respond_activity_task_failed(
        taskToken=tokens["failed"], reason="No stock.", details="a traceback"
    )
    request = {
        "decisionType": "RequestCancelActivityTask",
        "requestCancelActivityTaskDecisionAttributes": {"activityId": "canceled"},
    }
    stop = {
        "decisionType": "RequestCancelActivityTask",
        "requestCancelActivityTaskDecisionAttributes": {"activityId": "running"},
    }
    shop.decide("order-1", request, stop)
    shop.boto3.respond_activity_task_canceled(taskToken=tokens["canceled"], details="half")
    for name in ("late", "running"):
        shop.boto3.record_activity_task_heartbeat(taskToken=tokens[name], details=f"{name} beats")
    shop.swf.clock.turn(29)
    shop.boto3.record_activity_task_heartbeat(taskToken=tokens["running"], details="beats")
    shop.swf.clock.turn(2)

    found = records(shop, run_id)
    assert {name: (each.outcome, each.reason) for name, each in found.items()} == {
        "completed": (TaskOutcome.COMPLETED, ""),
        "failed": (TaskOutcome.FAILED, "No stock."),
        "canceled": (TaskOutcome.CANCELED, ""),
        "late": (TaskOutcome.TIMED_OUT, "HEARTBEAT"),
        "running": (None, ""),
        "waiting": (None, ""),
        "unknown": (TaskOutcome.NOT_SCHEDULED, "ACTIVITY_TYPE_DOES_NOT_EXIST"),
    }
    assert {name: each.text for name, each in found.items() if each.text} == {
        "completed": "a result",
        "failed": "a traceback",
        "canceled": "half",
    }
    # SWF tells the latest heartbeat only of a task that timed out.
    assert {name: each.heartbeat for name, each in found.items() if each.heartbeat} == {
        "late": "late beats"
    }
    assert {name for name, each in found.items() if each.cancel_requested} == {
        "canceled",
        "running",
    }
    assert {each.identity for name, each in found.items() if name in tokens} == {"worker-1"}
    assert found["waiting"].identity == ""
    assert found["completed"].input == "input of completed"
    assert (str(found["completed"].type), found["completed"].task_list) == ("charge 1", "work")


def test_times(shop: Shop) -> None:
    """When it was scheduled, taken and ended; a text is kept out of the representation."""
    run_id = shop.start("order-1")
    shop.decide("order-1", scheduled("1"))
    began = shop.swf.clock.now()
    shop.swf.clock.turn(5)
    token = shop.take()
    shop.swf.clock.turn(20)
    shop.boto3.respond_activity_task_completed(taskToken=token, result="secret")
    one = records(shop, run_id)["1"]
    assert one.scheduled_at == pytest.approx(began, abs=0.01)
    assert one.started_at == pytest.approx(began + 5, abs=0.01)
    assert one.closed_at == pytest.approx(began + 25, abs=0.01)
    assert "secret" not in repr(one)
    assert "input of" not in repr(one)


def test_a_closed_execution_has_no_open_activities(shop: Shop) -> None:
    """SWF writes no event for each of them; an id that was used again is two activities."""
    run_id = shop.start("order-1")
    shop.decide("order-1", scheduled("1"))
    shop.boto3.respond_activity_task_completed(taskToken=shop.take(), result="7")
    shop.decide("order-1", scheduled("1", "ship"), scheduled("2"))
    shop.boto3.terminate_workflow_execution(domain=DOMAIN, workflowId="order-1")
    events = shop.client.get_workflow_execution_history(DOMAIN, "order-1", run_id)
    first, second, third = activity_records(events)
    assert (first.activity_id, first.outcome) == ("1", TaskOutcome.COMPLETED)
    assert (second.activity_id, second.type.name) == ("1", "ship")
    cut = TaskOutcome.EXECUTION_CLOSED
    assert (second.outcome, third.outcome) == (cut, cut)
    assert second.closed_at == third.closed_at is not None


def test_the_timeouts_in_force_and_what_the_decider_left(shop: Shop) -> None:
    """They are those of the task: a decider may override each of the type's."""
    run_id = shop.start("order-1")
    overridden = {
        "heartbeatTimeout": "11",
        "scheduleToCloseTimeout": "44",
        "scheduleToStartTimeout": "22",
        "startToCloseTimeout": "33",
        "control": "secret control",
        "taskPriority": "5",
    }
    shop.decide("order-1", scheduled("1", **overridden), scheduled("2"))
    shop.take()
    one, two = records(shop, run_id).values()
    assert (one.heartbeat_timeout, one.schedule_to_close) == (11, 44)
    assert (one.schedule_to_start, one.start_to_close) == (22, 33)
    assert (one.control, one.task_priority) == ("secret control", 5)
    assert "secret" not in repr(one)
    assert (two.heartbeat_timeout, two.schedule_to_close) == (30, None)
    assert (two.control, two.task_priority) == (None, None)
    assert 0 < one.scheduled_event_id < two.scheduled_event_id < one.started_event_id
    assert two.started_event_id == 0


@pytest.mark.parametrize(
    ("timeout", "timeout_type"),
    [
        ("heartbeatTimeout", "HEARTBEAT"),
        ("scheduleToCloseTimeout", "SCHEDULE_TO_CLOSE"),
        ("scheduleToStartTimeout", "SCHEDULE_TO_START"),
        ("startToCloseTimeout", "START_TO_CLOSE"),
    ],
)
def test_each_timeout(shop: Shop, timeout: str, timeout_type: str) -> None:
    """The type of the timeout has a field of its own, because a reason may be any text."""
    run_id = shop.start("order-1")
    shop.decide("order-1", scheduled("1", **{timeout: "5"}))
    if timeout_type != "SCHEDULE_TO_START":
        token = shop.take()
        shop.boto3.record_activity_task_heartbeat(taskToken=token, details="half")
    shop.swf.clock.turn(6)
    one = records(shop, run_id)["1"]
    assert (one.outcome, one.timeout_type) == (TaskOutcome.TIMED_OUT, timeout_type)
    assert one.heartbeat == (None if timeout_type == "SCHEDULE_TO_START" else "half")
    assert (one.result, one.details, one.text) == (None, None, None)


def test_the_end_of_a_long_history(shop: Shop) -> None:
    """A task whose scheduling is not among the events is left out; the others are whole."""
    run_id = shop.start("order-1")
    shop.decide("order-1", scheduled("1"), scheduled("2"))
    events = shop.client.get_workflow_execution_history(DOMAIN, "order-1", run_id)
    kinds = [each["eventType"] for each in events]
    first = kinds.index("ActivityTaskScheduled")
    second = kinds.index("ActivityTaskScheduled", first + 1)
    shop.boto3.respond_activity_task_completed(taskToken=shop.take(), result="7")
    shop.boto3.respond_activity_task_completed(taskToken=shop.take(), result="8")
    events = shop.client.get_workflow_execution_history(DOMAIN, "order-1", run_id)
    (one,) = activity_records(events[second:])
    assert (one.activity_id, one.result) == ("2", "8")
    assert [each.result for each in activity_records(events[first:])] == ["7", "8"]


def test_25000_events_are_read_at_once() -> None:
    """The longest history that SWF keeps costs a fraction of a second."""
    kinds = ("ActivityTaskScheduled", "ActivityTaskStarted", "ActivityTaskCompleted")
    events = [{**event("WorkflowExecutionStarted"), "eventId": 1, "eventTimestamp": 1.0}]
    for number in range(2, 25_000, 3):
        ids = {"scheduledEventId": number, "startedEventId": number + 1}
        said: Mapping[str, Any] = {
            "activityId": str(number),
            "activityType": {"name": "charge", "version": "1"},
            "taskList": {"name": "work"},
            **ids,
        }
        for step, kind in enumerate(kinds):
            events.append({**event(kind, **said), "eventId": number + step, "eventTimestamp": 1.5})
    began = time.process_time()
    assert len(activity_records(events_in(events))) == 8_333
    assert time.process_time() - began < 2
