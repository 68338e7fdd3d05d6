"""Coroutines and their history: nothing of it blocks the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from flowy import activity
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.swf.worker.task_run import TaskRun
from flowy.task import AsyncActivity
from tests.patience import PATIENCE_SECONDS
from tests.unit.shop import scheduled
from tests.unit.swf.worker.attempts_case import DECLARED, AttemptsCase, open_case


@activity(**DECLARED, history="needed")
class Knows(AsyncActivity):
    """Keeps what it knows when it runs."""

    seen: ClassVar[list[Any]] = []

    async def run(self) -> None:
        """Keep it."""
        self.seen.append((self.attempt, self.previous_details, self.info.heartbeat))


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    Knows.seen.clear()
    with open_case() as case:
        yield case


def await_(*runs: TaskRun) -> None:
    """Run coroutines to their ends, on one event loop."""

    async def all_of_them() -> Any:
        return await asyncio.gather(*(run.run_async() for run in runs))

    for conclude in asyncio.run(all_of_them()):
        conclude()


def test_it_is_known_before_the_run(case: AttemptsCase) -> None:
    """As for a plain activity, also if the history is behind at first."""
    case.lose(details='{"copied": 3}')
    case.schedule(heartbeatTimeout="12")
    case.layer1.behind = 1
    run = case.task_run(Knows)
    await_(run)
    assert Knows.seen == [(2, {"copied": 3}, 12)]
    assert case.layer1.reads == 2


def test_the_loop_goes_on_meanwhile(case: AttemptsCase) -> None:
    """The coroutine that asks by `await self.history()` waits; another one runs."""
    other_ran = threading.Event()

    @activity(**DECLARED)
    class Asks(AsyncActivity):
        async def run(self, asks: bool = False) -> None:
            if not asks:
                other_ran.set()
                return
            known = await self.history()
            Knows.seen.append((known.attempt, self.attempt))

    def hold(number: int) -> None:
        assert other_ran.wait(PATIENCE_SECONDS)

    case.layer1.on_history = hold
    inputs = {"a": "[[true], {}]", "b": "[[], {}]"}
    case.shop.decide("order-1", *(scheduled(name, input=text) for name, text in inputs.items()))
    worker = case.worker(Asks)
    await_(*(TaskRun(worker, case.take()) for _ in inputs))
    assert Knows.seen == [(1, 1)]


def test_needed_and_refused(case: AttemptsCase) -> None:
    """The coroutine does not run; the task fails."""

    @activity(**DECLARED, history="needed", same_as=lambda this, earlier: 1 / 0 > 1)
    class Breaks(AsyncActivity):
        async def run(self) -> None:
            raise AssertionError

    case.lose()
    case.schedule()
    run = case.task_run(Breaks)
    await_(run)
    assert run.outcome is TaskOutcome.FAILED
    assert run.responder.reason == (
        "History unavailable: same_as raised ZeroDivisionError, for activity 1."
    )


def test_a_task_that_is_closed_meanwhile(case: AttemptsCase) -> None:
    """The waiting ends, and nothing is answered."""
    case.schedule()
    run = case.task_run(Knows)
    case.layer1.on_history = lambda number: run.status.closed()
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=1000)
    await_(run)
    assert run.outcome is TaskOutcome.CLOSED
    assert Knows.seen == []


def test_a_task_that_somebody_else_cancels(case: AttemptsCase) -> None:
    """Without a cause that is known, it fails, as a coroutine does that runs."""
    case.schedule()
    run = case.task_run(Knows)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=1000)

    async def canceled() -> Any:
        task = asyncio.ensure_future(run.run_async())
        while not case.layer1.reads:
            await asyncio.sleep(0)
        task.cancel()
        return await task

    asyncio.run(canceled())()
    assert (run.outcome, run.responder.reason) == (TaskOutcome.FAILED, "CancelledError")
    assert Knows.seen == []
