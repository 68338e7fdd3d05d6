"""Observers learn how long tasks were queued whose history nobody else reads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flowy import activity
from flowy.local import LocalSWF
from flowy.observer import Observer, TaskWaited
from flowy.swf.client import SWFClient
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker
from flowy.task import Activity
from tests.patience import PATIENCE_SECONDS
from tests.unit.shop import DOMAIN, scheduled
from tests.unit.swf.worker.attempts_case import AttemptsCase, open_case

DECLARED: dict[str, Any] = {
    "name": "charge", "version": 1, "task_list": "work", "heartbeat": 30,
    "schedule_to_close": None, "schedule_to_start": None, "start_to_close": None,
}  # fmt: skip


@activity(**DECLARED)
class Plain(Activity):
    """Does not ask for its history."""

    def run(self) -> None:
        """Do nothing."""


@activity(**DECLARED, history="wanted")
class Asks(Plain):
    """Asks for it."""


class Waits(Observer):
    """Keeps the waits that it is told of, and lets a test wait for them."""

    def __init__(self) -> None:
        self.told: list[TaskWaited] = []
        self.changed = threading.Condition()

    def task_waited(self, event: TaskWaited) -> None:
        with self.changed:
            self.told.append(event)
            self.changed.notify_all()

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, PATIENCE_SECONDS)


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    with open_case() as case:
        yield case


def serve(case: AttemptsCase, served: type[Activity], count: int, **options: Any) -> None:
    """Schedule and serve some tasks, each of which was queued for five seconds."""
    each = (scheduled(str(number), input="[[], {}]") for number in range(count))
    case.shop.decide("order-1", *each)
    case.swf.clock.turn(5)
    client = SWFClient(case.layer1, case.layer1)
    found = declared_by([served])
    ActivityWorker(client, DOMAIN, "work", found, loop=count, signals=False, **options).run()


def test_a_sample(case: AttemptsCase) -> None:
    """After the tasks have ended; the read of one execution is shared."""
    waits = Waits()
    serve(case, Plain, 3, observers=[waits], queue_sample=1.0)
    waits.wait_for(1)
    assert all(each.seconds == pytest.approx(5, abs=1) for each in waits.told)
    assert waits.told[0].info.scheduled_at is not None
    assert 1 <= case.layer1.reads <= 3


def test_a_task_that_knows_is_not_looked_up_again(case: AttemptsCase) -> None:
    """It was told before its run, once."""
    waits = Waits()
    serve(case, Asks, 1, observers=[waits], queue_sample=1.0)
    assert [each.seconds for each in waits.told] == [pytest.approx(5, abs=1)]
    assert case.layer1.reads == 1


@pytest.mark.parametrize(
    "options", [{"queue_sample": 1.0}, {"observers": [Waits()]}, {"observers": [Observer()]}]
)
def test_nobody_asks(case: AttemptsCase, options: dict[str, Any]) -> None:
    """Without observers, or without a sample, no history is read and no thread is started."""
    serve(case, Plain, 2, **options)
    assert case.layer1.reads == 0
    assert not [each for each in threading.enumerate() if each.name == "flowy-queue-sample"]
