"""Observers learn how long tasks were queued whose history nobody else reads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from flowy import activity
from flowy.local import LocalSWF
from flowy.observer import Observer, Observers, TaskWaited
from flowy.swf.client import SWFClient
from flowy.swf.scanner import declared_by
from flowy.swf.values import ActivityTask
from flowy.swf.worker import ActivityWorker
from flowy.swf.worker.history_reader import HistoryReader
from flowy.swf.worker.queue_sampler import MOST_WAITING, QueueSampler
from flowy.task import Activity
from tests.patience import PATIENCE_SECONDS
from tests.suspended import an_info
from tests.unit.shop import DOMAIN, scheduled
from tests.unit.swf.calls import throttled
from tests.unit.swf.worker.attempts_case import DECLARED, AttemptsCase, open_case


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


# The sampler by itself


class Sampled:
    """A sampler of the tasks in one execution, and what came of it.

    Args:
        case: the execution.
        rate: how many histories it may read a second.
    """

    def __init__(self, case: AttemptsCase, *, share: float = 1.0, rate: float = 5.0) -> None:
        self.waits = Waits()
        client = SWFClient(case.layer1, case.layer1)
        reader = HistoryReader(client, DOMAIN, rate, case.clock)
        self.asked = threading.Semaphore(0)
        self.troubles: list[Exception] = []
        self.sampler = QueueSampler(share, lambda: self.told(reader), Observers([self.waits]))

    def told(self, reader: HistoryReader) -> HistoryReader:
        """Note that a task is looked up, and raise the next trouble."""
        self.asked.release()
        if self.troubles:
            raise self.troubles.pop()
        return reader

    def take(self, task: ActivityTask) -> None:
        """Tell the sampler of a task that has ended."""
        self.sampler.take(task, an_info())


@pytest.fixture
def sampled(case: AttemptsCase) -> Iterator[Callable[..., Sampled]]:
    """Makes samplers, and ends their threads."""
    made: list[Sampled] = []

    def make(**given: Any) -> Sampled:
        made.append(Sampled(case, **given))
        return made[-1]

    yield make
    for each in made:
        each.sampler.close()


def test_a_share_of_none(case: AttemptsCase, sampled: Callable[..., Sampled]) -> None:
    """The draw never falls on a task, and no thread is started."""
    case.schedule()
    nobody = sampled(share=0.0)
    nobody.take(case.take())
    assert not [each for each in threading.enumerate() if each.name == "flowy-queue-sample"]


def test_a_task_over_the_budget_is_left_out(
    case: AttemptsCase, sampled: Callable[..., Sampled]
) -> None:
    """Of tasks of other executions: those of one that was read are known."""
    case.schedule()
    task = case.take()
    one = sampled(rate=0.1)
    one.take(task)
    one.waits.wait_for(1)
    one.take(replace(task, run_id="another"))
    one.take(task)
    one.waits.wait_for(2)
    assert case.layer1.reads == 1


@pytest.mark.parametrize(
    ("error", "level"),
    [(throttled(), logging.DEBUG), (ZeroDivisionError(), logging.ERROR)],
)
def test_trouble_ends_no_sampler(
    case: AttemptsCase,
    sampled: Callable[..., Sampled],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    level: int,
) -> None:
    """A task that cannot be looked up is left out; the next one is looked up."""
    caplog.set_level(logging.DEBUG, "flowy.swf.worker.queue_sampler")
    case.schedule()
    task = case.take()
    one = sampled()
    one.troubles.append(error)
    one.take(task)
    one.take(task)
    one.waits.wait_for(1)
    (line,) = [each for each in caplog.records if "was not looked up" in each.getMessage()]
    assert line.levelno == level


def test_tasks_do_not_pile_up(case: AttemptsCase, sampled: Callable[..., Sampled]) -> None:
    """More than a hundred that wait are left out, and all that wait at the end."""
    held = threading.Event()
    case.layer1.on_history = lambda number: held.wait(PATIENCE_SECONDS)
    case.schedule()
    task = case.take()
    one = sampled()
    one.take(task)
    assert one.asked.acquire(timeout=PATIENCE_SECONDS)
    for _ in range(MOST_WAITING + 20):
        one.take(task)
    held.set()
    one.waits.wait_for(MOST_WAITING + 1)
    one.sampler.close()
    one.take(task)
    assert len(one.waits.told) == MOST_WAITING + 1
