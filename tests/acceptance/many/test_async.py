"""AsyncActivity: coroutines on one event loop, beside the threads."""

from __future__ import annotations

import asyncio
import queue
import sys
import threading
from typing import Any

import pytest

from flowy import SuspendTask, async_scheduler
from flowy.swf.boilerplate import start_activity_worker
from flowy.swf.scanner import activity
from flowy.task import Activity, AsyncActivity
from tests.acceptance.many.executions import TASK_LIST, Execution
from tests.acceptance.many.workers import Starter, WatchedClient, module_of
from tests.patience import PATIENCE_SECONDS


class Gate:
    """Lets coroutines wait, on their own loop, until a test's thread opens it."""

    def __init__(self) -> None:
        self.waiting = threading.Semaphore(0)
        self._opened = False
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def wait(self) -> None:
        event = asyncio.Event()
        self._waiters.append((asyncio.get_running_loop(), event))
        self.waiting.release()
        if not self._opened:
            await event.wait()

    def open(self) -> None:
        self._opened = True
        for loop, event in self._waiters:
            loop.call_soon_threadsafe(event.set)

    def has(self, count: int) -> None:
        for _ in range(count):
            assert self.waiting.acquire(timeout=PATIENCE_SECONDS)


def gated() -> tuple[type[AsyncActivity], Gate]:
    gate = Gate()

    @activity("gated", 1, TASK_LIST)
    class Gated(AsyncActivity):
        async def run(self, value: Any = None) -> Any:
            await gate.wait()
            return value

    return Gated, gate


def test_many_wait_at_once_without_a_thread_each(start: Starter, execution: Execution) -> None:
    """100 coroutines in flight need the pollers, a loop and a few threads, not 100."""
    gated_, gate = gated()
    before = threading.active_count()
    worker = start(gated_, concurrency=100, pollers=4)
    execution.schedule("gated", "x", times=100)
    gate.has(100)
    served = [t for t in threading.enumerate() if t.name == "flowy-local"]
    assert threading.active_count() - before - len(served) < 50
    gate.open()
    assert len(execution.wait_for(100, "ActivityTaskCompleted")) == 100
    assert execution.most_in_hand() == 100
    assert worker.stop().completed == 100


def test_coroutines_run_beside_threads(start: Starter, execution: Execution) -> None:
    """One worker serves both kinds, within the same slots."""
    gated_, gate = gated()
    barrier = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    @activity("plain", 1, TASK_LIST)
    class Plain(Activity):
        def run(self) -> str:
            barrier.wait()
            return threading.current_thread().name

    worker = start(gated_, Plain, concurrency=4)
    execution.schedule("gated", times=2)
    execution.schedule("plain", times=2)
    gate.has(2)
    ended = execution.wait_for(2, "ActivityTaskCompleted")
    assert all(event["result"].startswith('"flowy-activity') for event in ended)
    gate.open()
    execution.wait_for(4, "ActivityTaskCompleted")
    assert execution.most_in_hand() <= 4
    assert worker.stop().completed == 4


def test_a_coroutine_in_a_serial_worker(
    watched: WatchedClient, domain: str, execution: Execution
) -> None:
    """concurrency=1 serves coroutines, too: one at a time."""

    @activity("serial-async", 1, TASK_LIST)
    class SerialAsync(AsyncActivity):
        async def run(self) -> bool:
            return await self.heartbeat("here") and self.info.domain == domain

    package = module_of(SerialAsync)
    start_activity_worker(domain, TASK_LIST, watched, loop=0, package=package)
    execution.schedule("serial-async", times=3)
    report = start_activity_worker(domain, TASK_LIST, watched, loop=3, package=package)
    assert report.completed == 3
    results = [event["result"] for event in execution.attributes("ActivityTaskCompleted")]
    assert results == ["true"] * 3
    assert watched.calls["record_activity_task_heartbeat"] == 3


def test_a_coroutine_that_blocks_the_loop_starves_neither_beats_nor_answers(
    start: Starter, execution: Execution, watched: WatchedClient
) -> None:
    """Background beats go on, and an answer that was begun is delivered."""
    beats, answered = threading.Semaphore(0), threading.Event()
    blocks = threading.Event()

    def hold_until_blocked(parameters: dict[str, Any]) -> None:
        assert blocks.wait(PATIENCE_SECONDS)

    @activity("blocks", 1, TASK_LIST, auto_heartbeat=0.05)
    class Blocks(AsyncActivity):
        async def run(self) -> None:
            blocks.set()
            for _ in range(5):
                assert beats.acquire(timeout=PATIENCE_SECONDS)
            assert answered.wait(PATIENCE_SECONDS)

    @activity("answers", 1, TASK_LIST)
    class Answers(AsyncActivity):
        async def run(self) -> str:
            return "answer"

    watched.on_call["respond_activity_task_completed"] = hold_until_blocked
    watched.on_call["record_activity_task_heartbeat"] = lambda parameters: beats.release()
    worker = start(Blocks, Answers, concurrency=4)
    execution.schedule("answers")
    watched.wait_for_calls("respond_activity_task_completed", 1)
    execution.schedule("blocks")
    execution.wait_for(1, "ActivityTaskCompleted")
    answered.set()
    execution.wait_for(2, "ActivityTaskCompleted")
    assert worker.stop().completed == 2


def test_a_coroutine_may_suspend(start: Starter, execution: Execution, client: Any) -> None:
    """SuspendTask, and somebody else completes it by the token."""
    tokens: queue.SimpleQueue[str] = queue.SimpleQueue()

    @activity("suspends", 1, TASK_LIST)
    class Suspends(AsyncActivity):
        async def run(self) -> None:
            tokens.put(self.token)
            raise SuspendTask

    worker = start(Suspends, concurrency=2)
    execution.schedule("suspends")
    token = tokens.get(timeout=PATIENCE_SECONDS)
    assert worker.stop().suspended == 1
    assert async_scheduler("domain", client).complete(token, "later")
    (completed,) = execution.wait_for(1, "ActivityTaskCompleted")
    assert completed["result"] == '"later"'


def test_a_coroutine_on_a_plain_activity_is_an_error_at_the_decorator() -> None:
    """It names AsyncActivity."""

    class Plain(Activity):
        async def run(self) -> None:
            pass

    with pytest.raises(TypeError, match=r"is a coroutine\. Derive it from flowy.*AsyncActivity"):
        activity("mixed", 1, TASK_LIST)(Plain)


def test_a_plain_run_on_an_asyncactivity_is_an_error_at_the_decorator() -> None:
    """It names both ways out."""

    class Coroutine(AsyncActivity):
        def run(self) -> None:  # type: ignore[override]
            pass

    with pytest.raises(TypeError, match="needs `async def run`"):
        activity("mixed", 1, TASK_LIST)(Coroutine)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout is younger")
def test_a_timeout_of_its_own_is_its_own(start: Starter, execution: Execution) -> None:
    """asyncio.timeout cancels from within, and the worker takes no part."""

    @activity("timeout", 1, TASK_LIST)
    class Timeout(AsyncActivity):
        async def run(self) -> str:
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.Event().wait()
            except TimeoutError:
                return "timed out"
            return ""

    start(Timeout, concurrency=2)
    execution.schedule("timeout")
    (completed,) = execution.wait_for(1, "ActivityTaskCompleted")
    assert completed["result"] == '"timed out"'
