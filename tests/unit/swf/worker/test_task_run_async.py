"""Coroutines in a worker: what cancels them, and what SWF gets then."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.concurrency.stop import StopLevel
from flowy.exception import CancelTask
from flowy.invocation import TaskOutcome, TaskStatus
from flowy.task import AsyncActivity
from tests.patience import PATIENCE_SECONDS
from tests.unit.swf.calls import unknown
from tests.unit.swf.worker.runs import Case


def closed() -> bool:
    raise unknown()


async def beat(case: Case, count: int = 1) -> None:
    """Let background heartbeats go out while a coroutine waits for them."""
    for _ in range(count):
        await asyncio.to_thread(case.beat)


class Waits(AsyncActivity):
    """Waits for ever."""

    async def run(self) -> None:
        await asyncio.Event().wait()


def test_a_coroutine_completes(case: Case) -> None:
    """Its value is the result, as of any activity."""

    class Work(AsyncActivity):
        async def run(self) -> str:
            await asyncio.sleep(0)
            return "done"

    run = case.task_run(Work)
    assert run.is_coroutine
    case.await_(run)
    assert case.answer == ("complete", '"done"')
    assert case.settled == ["COMPLETED"]


# What cancels it


@pytest.mark.parametrize(
    ("answer", "outcome", "made"),
    [
        (lambda: True, TaskOutcome.CANCELED, [("cancel", "")]),
        (closed, TaskOutcome.CLOSED, []),
    ],
)
def test_a_coroutine_is_canceled_by_what_a_background_heartbeat_learns(
    case: Case,
    answer: Callable[[], bool],
    outcome: TaskOutcome,
    made: list[tuple[str, ...]],
) -> None:
    """Cancellation requested: answered canceled; task closed: no answer."""
    case.calls.beat = answer
    run = case.task_run(Waits, auto_heartbeat=True)
    case.begin(run)
    case.beat()
    case.wait()
    assert case.calls.made == made
    assert run.outcome is outcome
    assert case.settled == [outcome.name]


@pytest.mark.parametrize(("on_stop", "verbs"), [("abandon", []), ("fail", ["fail"])])
def test_a_coroutine_is_canceled_by_the_stop(case: Case, on_stop: str, verbs: list[str]) -> None:
    """Once the grace is over; what becomes of its task is the policy's."""
    run = case.task_run(Waits, on_stop=on_stop)
    case.begin(run)
    case.flag.raise_to(StopLevel.CANCEL)
    run.interrupt()
    case.wait()
    assert case.calls.tried == verbs
    assert case.calls.made == [] or case.answer[1].startswith(reasons.WORKER_STOPPED)


def test_a_coroutine_canceled_before_it_began_is_settled(case: Case) -> None:
    """Its run never began; its task is the policy's all the same."""
    began: list[bool] = []
    blocked = threading.Event()

    class Work(AsyncActivity):
        async def run(self) -> None:
            began.append(True)

    async def block() -> Callable[[], object]:
        assert blocked.wait(PATIENCE_SECONDS)
        return lambda: None

    unused: list[BaseException] = []
    case.loop.submit(block, unused.append, contextvars.copy_context())
    run = case.task_run(Work)
    case.begin(run)
    case.flag.raise_to(StopLevel.CANCEL)
    run.interrupt()
    blocked.set()
    case.wait()
    assert (began, unused) == ([], [])
    assert case.settled == ["ABANDONED"]


def test_a_coroutine_that_is_being_started_is_canceled_by_the_next_heartbeat(case: Case) -> None:
    """There is nothing to cancel until whoever starts it has learned how."""
    case.calls.beat = lambda: True
    run = case.task_run(Waits, auto_heartbeat=True)
    cancel = case.loop.submit(run.run_async, run.failed, contextvars.copy_context())
    case.beat()
    case.beat()  # the one before is done
    run.cancel = cancel
    case.beat()
    case.wait()
    assert case.settled == ["CANCELED"]


@pytest.mark.parametrize("requested", [False, True])
def test_a_coroutine_is_canceled_once_for_one_cause(
    case: Case, requested: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Its cleaning up is not canceled by each further heartbeat that brings the same."""
    case.calls.beat = (lambda: True) if requested else closed
    cleaned: list[bool] = []

    class Work(AsyncActivity):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if requested:  # a closed task gets no more heartbeats
                    await beat(case, 5)
                cleaned.append(True)
                raise

    run = case.task_run(Work, auto_heartbeat=True)
    with caplog.at_level(logging.INFO):
        case.begin(run)
        case.beat()
        case.wait()
    assert cleaned == [True]
    assert case.settled == ["CANCELED" if requested else "CLOSED"]
    assert caplog.text.count("A background heartbeat of") == 1


def test_a_coroutine_told_by_its_own_heartbeat_is_not_canceled_besides(case: Case) -> None:
    """It knows, and is cleaning up."""
    case.calls.beat = lambda: True

    class Work(AsyncActivity):
        async def run(self) -> None:
            assert not await self.heartbeat()
            await beat(case, 5)
            raise CancelTask("cleaned up")

    case.await_(case.task_run(Work, auto_heartbeat=True))
    assert case.answer == ("cancel", "cleaned up")


def test_a_coroutine_is_canceled_again_for_another_cause(case: Case) -> None:
    """A coroutine that goes on after a request to cancel is canceled when its task is closed."""
    case.calls.beat = lambda: True
    causes: list[TaskStatus] = []
    canceled = threading.Semaphore(0)

    class Work(AsyncActivity):
        async def run(self) -> None:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    causes.append(self._scheduler.status.current)
                    canceled.release()
                    if len(causes) == 2:
                        raise

    case.begin(case.task_run(Work, auto_heartbeat=True))
    case.beat()
    assert canceled.acquire(timeout=PATIENCE_SECONDS)
    case.calls.beat = closed
    case.beat()
    case.wait()
    assert causes == [TaskStatus.CANCEL_REQUESTED, TaskStatus.CLOSED]
    assert case.calls.made == []


# What it makes of it


def test_a_cancellederror_of_its_own_is_a_failure(case: Case) -> None:
    """Nobody asked the worker to cancel it: the decider hears of a failure."""

    class Work(AsyncActivity):
        async def run(self) -> None:
            inner = asyncio.ensure_future(asyncio.Event().wait())
            inner.cancel()
            await inner

    case.await_(case.task_run(Work))
    assert case.answer[:2] == ("fail", "CancelledError")


@pytest.mark.parametrize(
    ("value", "answer"),
    [("what I have", ("complete", '"what I have"')), (None, ("cancel", ""))],
)
def test_a_coroutine_that_catches_it_and_returns(
    case: Case, value: str | None, answer: tuple[str, ...]
) -> None:
    """A value completes the task all the same; None after a cancellation does not."""
    case.calls.beat = lambda: True

    class Work(AsyncActivity):
        async def run(self) -> str | None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return value

    case.begin(case.task_run(Work, auto_heartbeat=True))
    case.beat()
    case.wait()
    assert case.answer == answer


def test_a_coroutine_may_turn_it_into_canceltask(case: Case) -> None:
    """A CancelledError by the worker is as good as a heartbeat that answered False."""
    case.calls.beat = lambda: True

    class Work(AsyncActivity):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise CancelTask("half done") from None

    case.begin(case.task_run(Work, auto_heartbeat=True))
    case.beat()
    case.wait()
    assert case.answer == ("cancel", "half done")


def test_a_timeout_of_its_own_is_no_cancellation(case: Case) -> None:
    """asyncio.wait_for cancels from within; the worker has nothing to do with it."""

    class Work(AsyncActivity):
        async def run(self) -> None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)

    case.await_(case.task_run(Work))
    assert case.answer == ("complete", "null")


# What goes wrong


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])
def test_what_a_coroutine_raises_does_not_end_the_loop_of_the_others(
    case: Case, error: type[BaseException]
) -> None:
    """Its task fails; the loop goes on."""

    class Work(AsyncActivity):
        async def run(self) -> None:
            raise error("so")

    for number in range(2):
        case.await_(case.task_run(Work, token=f"token-{number}"))
    assert [made[:2] for made in case.calls.made] == [("fail", "so")] * 2


def test_a_constructor_of_a_coroutine_that_raises_fails_its_task(case: Case) -> None:
    """As in a thread."""

    class Work(AsyncActivity):
        def __init__(self, *args: Any) -> None:
            raise RuntimeError("no such table")

    case.await_(case.task_run(Work))
    assert case.answer[:2] == ("fail", "no such table")


def test_a_call_of_a_coroutine_that_answers_nothing_fails_its_task(case: Case) -> None:
    """As in a thread."""

    class Work(AsyncActivity):
        async def __call__(self) -> None:
            await asyncio.sleep(0)

    case.await_(case.task_run(Work))
    assert case.answer[1].startswith(reasons.NO_ANSWER)
