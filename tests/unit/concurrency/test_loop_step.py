"""What an event loop runs at a moment, as another thread sees it."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from flowy.concurrency.event_loop import EventLoop
from flowy.concurrency.loop_step import LoopStep
from tests.patience import PATIENCE_SECONDS, until

WHOSE: contextvars.ContextVar[str] = contextvars.ContextVar("whose")


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = EventLoop(2)
    yield made
    made.close()


class Held:
    """Holds the loop, so that the test can look at it."""

    def __init__(self) -> None:
        self._begun, self._end = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self._begun.set()
        assert self._end.wait(PATIENCE_SECONDS)

    def step(self, loop: EventLoop) -> LoopStep:
        assert self._begun.wait(PATIENCE_SECONDS)
        try:
            step = loop.step()
        finally:
            self._end.set()
        assert step is not None
        return step


def submit(loop: EventLoop, run: Callable[[], object]) -> None:
    """Run a function in a coroutine whose context says "first"."""

    async def coroutine() -> Callable[[], object]:
        run()
        await asyncio.sleep(0)
        return lambda: None

    context = contextvars.Context()
    context.run(WHOSE.set, "first")
    loop.submit(coroutine, print, context)


def test_a_loop_that_waits(loop: EventLoop) -> None:
    """It runs nothing, nor does one that has ended."""
    until(lambda: loop.step() is None, "a loop that waits")
    loop.close()
    until(lambda: loop.has_ended, "its end")
    assert loop.step() is None


def test_a_task(loop: EventLoop) -> None:
    """Its context, and its frames without those of the loop."""
    held = Held()
    submit(loop, held)
    step = held.step(loop)
    assert step.task is not None
    assert step.context is not None
    assert step.context[WHOSE] == "first"
    assert (step.stack[0].name, step.stack[-1].name) == ("_run", "wait")


@pytest.mark.parametrize("partial", [False, True])
def test_a_callback(loop: EventLoop, partial: bool) -> None:
    """It has the context of the code that asked for it, and no task."""
    held = Held()

    def callback() -> None:
        held()

    called = functools.partial(callback) if partial else callback
    submit(loop, lambda: asyncio.get_running_loop().call_soon(called))
    step = held.step(loop)
    assert step.task is None
    assert step.context is not None
    assert step.context[WHOSE] == "first"
    assert step.name == "a callback" if partial else step.name.endswith(".callback")


def test_what_flowy_posts_has_no_context(loop: EventLoop) -> None:
    """Several threads share it, so the context may be that of any of them."""
    held = Held()

    def post() -> None:
        WHOSE.set("another")
        loop.post(held)

    contextvars.copy_context().run(post)
    step = held.step(loop)
    assert (step.task, step.context, step.name) == (None, None, "a callback")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_an_eager_task(loop: EventLoop) -> None:
    """It runs in the handle of the code that makes it, and has a context of its own."""
    held = Held()

    async def eager() -> None:
        held()

    def start() -> None:
        its = contextvars.copy_context()
        its.run(WHOSE.set, "second")
        running = asyncio.get_running_loop()
        asyncio.Task(eager(), loop=running, context=its, eager_start=True)

    submit(loop, start)
    step = held.step(loop)
    assert step.name.endswith(".eager")
    assert step.context is not None
    assert step.context[WHOSE] == "second"
