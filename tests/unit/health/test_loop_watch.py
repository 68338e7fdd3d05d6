"""A coroutine that blocks the event loop: how long, who it is, and where."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Iterator

import pytest

from flowy.concurrency.event_loop import EventLoop
from flowy.health.loop_watch import WARN_SECONDS, LoopWatch
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = EventLoop(2)
    yield made
    made.close()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


class Block:
    """Blocks the event loop until the end of the test's block."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._begun, self._go_on = threading.Event(), threading.Event()

    def __enter__(self) -> None:
        async def run() -> Callable[[], object]:
            self._block_the_loop()
            return lambda: None

        self._loop.submit(run, print, contextvars.Context(), "charge 1 of order-7")
        assert self._begun.wait(PATIENCE_SECONDS)

    def __exit__(self, *_: object) -> None:
        self._go_on.set()
        answered = threading.Event()
        self._loop.post(answered.set)
        assert answered.wait(PATIENCE_SECONDS)

    def _block_the_loop(self) -> None:
        self._begun.set()
        assert self._go_on.wait(PATIENCE_SECONDS)


def test_a_loop_that_goes_on(loop: EventLoop, clock: TurnedClock) -> None:
    """It answers at once, whatever it waits for."""
    watch = LoopWatch(loop, clock)
    answered = threading.Event()
    watch.look()
    loop.post(answered.set)
    assert answered.wait(PATIENCE_SECONDS)
    clock.turn(1_000)
    assert watch.blocked_seconds == 0


def test_a_loop_that_is_blocked(
    loop: EventLoop, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning names the activity and its stack; another one tells how long it took."""
    caplog.set_level(logging.INFO)
    watch = LoopWatch(loop, clock)
    with Block(loop):
        watch.look()
        clock.turn(WARN_SECONDS - 0.1)
        watch.look()
        assert caplog.records == []
        clock.turn(0.1)
        for _ in range(3):
            watch.look()
        (record,) = caplog.records
        assert watch.blocked_seconds == WARN_SECONDS
        clock.turn(2.5)
    lines = record.getMessage().split("\n")
    assert (record.levelno, lines[0]) == (
        logging.WARNING,
        "The event loop has been blocked for 5.0 s by charge 1 of order-7, and no other coroutine "
        "can run. Move the blocking call to a thread: await asyncio.to_thread(...).",
    )
    assert "event_loop.py" in lines[1]  # none of Python's own calls before the coroutine
    assert any(line.endswith("in _block_the_loop") for line in lines)
    assert watch.blocked_seconds == 0
    assert caplog.messages[1:] == ["The event loop runs again after 7.5 s."]


def test_a_callback_that_blocks_has_no_name(
    loop: EventLoop, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It belongs to no task."""
    watch = LoopWatch(loop, clock)
    begun, go_on = threading.Event(), threading.Event()
    loop.post(begun.set)
    loop.post(lambda: go_on.wait(PATIENCE_SECONDS))
    assert begun.wait(PATIENCE_SECONDS)
    watch.look()
    clock.turn(WARN_SECONDS)
    watch.look()
    go_on.set()
    assert "blocked for 5.0 s by a callback, and" in caplog.text
