"""Coroutines that a worker cancels: by what heartbeats learn, and when the grace is over."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from flowy import context, reasons
from flowy.exception import CancelTask
from flowy.swf.scanner import activity
from flowy.task import AsyncActivity
from tests.acceptance.many.executions import TASK_LIST, Execution
from tests.acceptance.many.workers import Starter, WatchedClient
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.swf.worker.stop_clock import StopClock


@pytest.mark.parametrize("via", ["request", "close"])
def test_a_coroutine_is_canceled_by_what_its_background_beats_learn(
    start: Starter, execution: Execution, watched: WatchedClient, via: str
) -> None:
    """Requested: answered canceled. Closed: it ends, and nothing is answered."""
    waiting, ended = threading.Event(), threading.Event()

    @activity("canceled", 1, TASK_LIST, auto_heartbeat=0.05)
    class Canceled(AsyncActivity):
        async def run(self) -> None:
            waiting.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    worker = start(Canceled, concurrency=2)
    execution.schedule("canceled")
    assert waiting.wait(PATIENCE_SECONDS)
    if via == "request":
        watched.cancel_requested = True
        execution.wait_for(1, "ActivityTaskFailed")
    else:
        execution.close()
    assert ended.wait(PATIENCE_SECONDS)
    report = worker.stop()
    assert (report.canceled, report.closed) == ((1, 0) if via == "request" else (0, 1))
    assert watched.calls["respond_activity_task_canceled"] == report.canceled


def test_a_coroutine_is_canceled_when_the_grace_is_over(
    start: Starter, execution: Execution
) -> None:
    """During the grace it is told that the worker stops; then it is canceled, and may clean up."""
    seen: list[Any] = []
    waiting, saved = threading.Event(), threading.Event()
    clock = StopClock()

    @activity("stopped", 1, TASK_LIST)
    class Stopped(AsyncActivity):
        async def run(self) -> None:
            waiting.set()
            await asyncio.to_thread(until, context.worker_stopping)
            seen.append(await self.heartbeat("saving"))
            saved.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append(await self.heartbeat())
                raise

    worker = start(Stopped, concurrency=2, grace=600, on_stop="fail", clock=clock)
    execution.schedule("stopped")
    assert waiting.wait(PATIENCE_SECONDS)
    worker.worker.stop()
    assert saved.wait(PATIENCE_SECONDS)
    clock.turn_by(600)
    report = worker.join()
    assert seen == [True, False]
    assert len(report.failed_by_stop) == 1
    (failed,) = execution.wait_for(1, "ActivityTaskFailed")
    assert failed["reason"].startswith(reasons.WORKER_STOPPED)
    assert failed["details"] == "Last heartbeat: saving"


def test_a_cancellederror_of_its_own_is_a_failure(start: Starter, execution: Execution) -> None:
    """The worker did not cause it."""

    @activity("own", 1, TASK_LIST)
    class Own(AsyncActivity):
        async def run(self) -> None:
            raise asyncio.CancelledError("my own")

    start(Own, concurrency=2)
    execution.schedule("own")
    (failed,) = execution.wait_for(1, "ActivityTaskFailed")
    assert failed["reason"] == "my own"


def test_a_value_after_a_cancellation_completes(
    start: Starter, execution: Execution, watched: WatchedClient
) -> None:
    """CancelledError caught and a value returned: completing all the same is allowed."""
    waiting = threading.Event()

    @activity("salvages", 1, TASK_LIST, auto_heartbeat=0.05)
    class Salvages(AsyncActivity):
        async def run(self) -> list[int]:
            waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return [1, 2]
            return []

    start(Salvages, concurrency=2)
    execution.schedule("salvages")
    assert waiting.wait(PATIENCE_SECONDS)
    watched.cancel_requested = True
    (completed,) = execution.wait_for(1, "ActivityTaskCompleted")
    assert completed["result"] == "[1, 2]"


def test_canceltask_after_a_cancellation_says_the_details(
    start: Starter, execution: Execution, watched: WatchedClient
) -> None:
    """The CancelledError told it, so CancelTask is answered canceled, with its details."""
    waiting = threading.Event()

    @activity("tells", 1, TASK_LIST, auto_heartbeat=0.05)
    class Tells(AsyncActivity):
        async def run(self) -> None:
            waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise CancelTask("row 7 of 9") from None

    start(Tells, concurrency=2)
    execution.schedule("tells")
    assert waiting.wait(PATIENCE_SECONDS)
    watched.cancel_requested = True
    (canceled,) = execution.wait_for(1, "ActivityTaskFailed")
    assert (canceled["reason"], canceled["details"]) == ("CANCELED", "row 7 of 9")
