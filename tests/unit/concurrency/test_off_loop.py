"""Blocking calls of coroutines: in threads, and never left behind."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flowy.concurrency.event_loop import CALL_THREADS, EventLoop, off_loop
from tests.patience import PATIENCE_SECONDS
from tests.unit.concurrency.on_loop import start


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = EventLoop(CALL_THREADS + 1)
    yield made
    made.close()


class Hanging:
    """Coroutines whose calls hang in all threads for calls, until ``go_on`` is set.

    Args:
        loop: runs them.
        count: how many there are; those without a thread wait for one.
    """

    def __init__(self, loop: EventLoop, count: int) -> None:
        self.go_on = threading.Event()
        self._waiting = threading.Semaphore(0)
        self._started = [start(loop, self._call) for _ in range(count)]
        for _ in range(CALL_THREADS):
            assert self._waiting.acquire(timeout=PATIENCE_SECONDS)

    def results(self) -> set[Any]:
        """Wait for their ends; return what they raised: None if they returned."""
        return {each.result() for each in self._started}

    async def _call(self) -> None:
        await off_loop(self._hang)

    def _hang(self) -> None:
        self._waiting.release()
        assert self.go_on.wait(PATIENCE_SECONDS)


def test_a_thread_with_the_context(loop: EventLoop) -> None:
    """The call sees the context variables of the coroutine, and does not block the loop."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[Any] = []

    async def call() -> None:
        variable.set("here")
        on_loop = threading.get_ident()
        seen.append(await off_loop(lambda: (variable.get(), threading.get_ident() != on_loop)))

    assert start(loop, call).result() is None
    assert seen == [("here", True)]


def test_it_raises_what_the_call_raised(loop: EventLoop) -> None:
    """The exception comes out at the ``await``."""

    async def call() -> None:
        await off_loop(lambda: 1 // 0)

    assert isinstance(start(loop, call).result(), ZeroDivisionError)


def test_any_event_loop_will_do() -> None:
    """Under ``asyncio.run``, in a test of an activity, it takes asyncio's own threads."""

    async def call() -> int:
        return await off_loop(lambda: 7)

    assert asyncio.run(call()) == 7


def test_a_call_once_begun_is_seen_to_its_end(loop: EventLoop) -> None:
    """No cancellation overtakes an answer under way: the error is raised after it."""
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def answer() -> None:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)
        order.append("answered")

    async def call() -> None:
        try:
            await off_loop(answer)
        except asyncio.CancelledError:
            order.append("canceled")
            raise

    started = start(loop, call)
    assert begun.wait(PATIENCE_SECONDS)
    for _ in range(3):
        started.cancel()
    go_on.set()
    assert isinstance(started.result(), asyncio.CancelledError)
    assert order == ["answered", "canceled"]


def test_as_many_at_once_as_there_are_threads(loop: EventLoop) -> None:
    """Heartbeats of many coroutines go out side by side."""
    barrier = threading.Barrier(CALL_THREADS, timeout=PATIENCE_SECONDS)

    async def call() -> None:
        await asyncio.gather(*(off_loop(barrier.wait) for _ in range(CALL_THREADS)))

    assert start(loop, call).result() is None


def test_a_coroutine_that_blocks_the_loop_does_not_keep_the_calls_of_others(
    loop: EventLoop,
) -> None:
    """What others have begun off the loop goes on while one of them blocks it."""
    begun, answered, blocked = threading.Event(), threading.Event(), threading.Event()

    def answer() -> None:
        begun.set()
        assert blocked.wait(PATIENCE_SECONDS)
        answered.set()

    async def call() -> None:
        await off_loop(answer)

    async def block() -> None:
        blocked.set()
        assert answered.wait(PATIENCE_SECONDS)

    started = start(loop, call)
    assert begun.wait(PATIENCE_SECONDS)
    assert start(loop, block).result() is None
    assert started.result() is None


def test_calls_and_ends_never_wait_for_each_other(loop: EventLoop) -> None:
    """Throttled answers and heartbeats that hang have threads of their own."""

    async def end() -> None:
        pass

    hanging = Hanging(loop, CALL_THREADS)
    assert start(loop, end).result() is None
    hanging.go_on.set()
    assert hanging.results() == {None}


def test_heartbeats_wait_for_no_other_call(loop: EventLoop) -> None:
    """A store, a key service or a history may hang in as many threads as there are."""
    hanging = Hanging(loop, CALL_THREADS + 1)

    async def beat() -> None:
        await off_loop(hanging.go_on.set, beats=True)

    assert start(loop, beat).result() is None
    assert hanging.results() == {None}
