"""Reads of histories: two pages at most, a budget, and what is kept."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from flowy.exception import HistoryError
from flowy.swf.client import SWFClient
from flowy.swf.values import ActivityTask, ActivityType
from flowy.swf.worker.history_reader import (
    KEPT_CHARS,
    KEPT_EXECUTIONS,
    MAX_EVENTS,
    HistoryReader,
    NotThereYetError,
)
from tests.unit.clocks import SelfTurningClock
from tests.unit.swf.history_events import event

CHARGE = ActivityType("charge", "1")


class Histories:
    """A client that has one long history of tasks, each of which started at once.

    Args:
        events: how many events it has.
        texts: the input and other texts of each task.
    """

    def __init__(self, events: int, **texts: str) -> None:
        self.calls: list[Mapping[str, Any]] = []
        self._events = [{**event("WorkflowExecutionStarted"), "eventId": 1}]
        for number in range(2, events + 1, 2):
            said = {
                "activityId": str(number),
                "activityType": {"name": "charge", "version": "1"},
                "taskList": {"name": "work"},
                "input": "[[], {}]",
                **texts,
            }
            self._events.append({**event("ActivityTaskScheduled", **said), "eventId": number})
            started = event("ActivityTaskStarted", scheduledEventId=number)
            self._events.append({**started, "eventId": number + 1})

    def get_workflow_execution_history(self, **call: Any) -> Mapping[str, Any]:
        self.calls.append(call)
        assert call["reverseOrder"] is True
        start = int(call.get("nextPageToken", 0))
        newest = self._events[::-1]
        more = {"nextPageToken": str(start + 1000)} if start + 1000 < len(newest) else {}
        return {"events": newest[start : start + 1000], **more}


def reader(layer1: Any, rate: float = 5.0, clock: Any = None) -> HistoryReader:
    """A reader of these histories."""
    return HistoryReader(SWFClient(layer1, layer1), "domain", rate, clock or SelfTurningClock())


def a_task(started_event_id: int, run_id: str = "run") -> ActivityTask:
    """A task that a poll brought."""
    return ActivityTask(CHARGE, "token", "1", "flow", run_id, started_event_id, None)


def test_one_page_is_one_call() -> None:
    """Newest first, and all of it."""
    layer1 = Histories(901)
    found = reader(layer1).read(a_task(901))
    assert (found.this.activity_id, found.complete, len(found.all)) == ("900", True, 450)
    assert len(layer1.calls) == 1


def test_of_25000_events_2000_are_read() -> None:
    """Two calls, and the reader says that there is more."""
    layer1 = Histories(25_001)
    found = reader(layer1).read(a_task(25_001))
    assert (found.this.activity_id, found.complete) == ("25000", False)
    assert len(found.all) == MAX_EVENTS // 2
    assert len(layer1.calls) == 2


def test_a_task_from_long_ago() -> None:
    """It was scheduled before what is read: another try would not help."""
    with pytest.raises(HistoryError, match="more than 2,000 events ago") as caught:
        reader(Histories(25_001)).read(a_task(9))
    assert not isinstance(caught.value, NotThereYetError)


def test_a_history_that_is_behind() -> None:
    """Its newest events lack the start of the task."""
    with pytest.raises(NotThereYetError):
        reader(Histories(901)).read(a_task(999))


def test_a_read_is_kept_for_the_tasks_in_it() -> None:
    """Of a few executions, those read last."""
    layer1 = Histories(901)
    reads = reader(layer1)
    assert reads.known(a_task(901)) is None
    reads.read(a_task(901))
    for started in (901, 5):
        known = reads.known(a_task(started))
        assert known is not None
        assert known.this.started_event_id == started
    assert reads.known(a_task(999)) is None
    for number in range(KEPT_EXECUTIONS):
        assert reads.known(a_task(901)) is not None
        reads.read(a_task(901, f"run {number}"))
    assert reads.known(a_task(901)) is not None
    assert reads.known(a_task(901, "run 0")) is None


@pytest.mark.parametrize("name", ["input", "control"])
def test_a_read_with_long_texts_is_not_kept(name: str) -> None:
    """It is used once, and then takes no memory."""
    reads = reader(Histories(901, **{name: "x" * (KEPT_CHARS // 449)}))
    assert reads.read(a_task(901)).complete
    assert reads.known(a_task(901)) is None


def test_a_budget() -> None:
    """As many as the rate at once, then one by one; a rate below 1 allows one at once."""
    clock = SelfTurningClock()
    reads = reader(Histories(1), 2.0, clock)
    assert [reads.turn_seconds() for _ in range(3)] == [0.0, 0.0, pytest.approx(0.5)]
    clock.time += 0.5
    assert [reads.turn_seconds() for _ in range(2)] == [0.0, pytest.approx(0.5)]
    slow = reader(Histories(1), 0.1, clock)
    assert [slow.turn_seconds() for _ in range(2)] == [0.0, pytest.approx(10)]


def test_threads_share_the_budget() -> None:
    """Of twenty that ask at once, five may read."""
    reads = reader(Histories(1))
    turns: list[float] = []

    def ask() -> None:
        turns.append(reads.turn_seconds())

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert turns.count(0.0) == 5
