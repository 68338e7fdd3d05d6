"""A coroutine that blocks the event loop: how long, who it is, and where."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from typing import Any

import pytest

from flowy.concurrency.event_loop import EventLoop
from flowy.concurrency.retry import Deadline
from flowy.context import RunningActivity, entered
from flowy.health.loop_watch import WARN_SECONDS, LoopWatch
from flowy.logs import log_keys
from tests.patience import PATIENCE_SECONDS, until
from tests.suspended import an_info
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
    """Blocks the event loop until the end of the test's block.

    Args:
        loop: the loop.
        subject: what the coroutine is for.
        blocks: gets a function that blocks, and calls it on the loop, at once or later.
    """

    def __init__(
        self,
        loop: EventLoop,
        subject: object = "charge 1 of order-7",
        blocks: Callable[[Callable[[], None]], Coroutine[Any, Any, object]] | None = None,
    ) -> None:
        self._loop, self._subject, self._blocks = loop, subject, blocks
        self._begun, self._go_on = threading.Event(), threading.Event()

    def submit(self) -> None:
        async def run() -> Callable[[], object]:
            if self._blocks is None:
                self._block_the_loop()
            else:
                await self._blocks(self._block_the_loop)
            return lambda: None

        self._loop.submit(run, print, contextvars.Context(), self._subject)

    def wait(self) -> None:
        assert self._begun.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        self._go_on.set()

    def __enter__(self) -> None:
        self.submit()
        self.wait()

    def __exit__(self, *_: object) -> None:
        self.end()
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

    def block() -> None:
        begun.set()
        go_on.wait(PATIENCE_SECONDS)

    loop.post(block)
    assert begun.wait(PATIENCE_SECONDS)
    watch.look()
    clock.turn(WARN_SECONDS)
    watch.look()
    go_on.set()
    assert "blocked for 5.0 s by a callback, and" in caplog.text


def blocks_in_turn(loop: EventLoop, *subjects: str) -> list[Block]:
    """Return coroutines that block one after the other: all are about to run at once."""
    ready, waiting = asyncio.Event(), 0

    async def blocks(block: Callable[[], None]) -> None:
        nonlocal waiting
        waiting += 1
        await ready.wait()
        block()

    made = [Block(loop, subject, blocks) for subject in subjects]
    for each in made:
        each.submit()
    until(lambda: waiting == len(made), "all coroutines")
    loop.post(ready.set)
    return made


def test_two_that_block_in_turn(
    loop: EventLoop, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The one that has blocked for longest is named first, even if another one runs by now."""
    watch = LoopWatch(loop, clock)
    first, second = blocks_in_turn(loop, "charge 1 of order-7", "pack 1 of order-8")
    first.wait()
    watch.look()
    look_for(3, watch, clock)
    first.end()
    second.wait()
    look_for(2, watch, clock)
    clock.turn(4)
    second.__exit__()
    blocked, again = caplog.messages
    assert blocked.startswith(
        "The event loop has been blocked for 5.0 s, about 3.5 s by charge 1 of order-7, 1.5 s by "
        "pack 1 of order-8, and no other coroutine can run."
    )
    assert again == (
        "The event loop runs again after 9.0 s, about 5.5 s by pack 1 of order-8, 3.5 s by charge "
        "1 of order-7."
    )


def test_many_that_block_in_turn(
    loop: EventLoop, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names three, and says how long all others have run together."""
    watch = LoopWatch(loop, clock)
    blocks = blocks_in_turn(loop, *(f"charge 1 of order-{number}" for number in range(6)))
    blocks[0].wait()
    watch.look()
    for each, following in pairwise(blocks):
        each.end()
        following.wait()
        look_for(1, watch, clock)
    blocks[-1].__exit__()
    (others,) = re.findall(r"by charge 1 of order-\d, ([.\d]+ s) by others, and", caplog.text)
    assert others == "2.0 s"  # the first and the last one are seen for half a second each


@pytest.mark.parametrize("how", ["task", "callback"])
def test_what_an_activity_has_started(
    loop: EventLoop, clock: TurnedClock, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """A task or a callback of an activity that blocks has the name of the activity."""
    info = an_info()

    async def blocks(block: Callable[[], None]) -> None:
        async def part() -> None:
            block()

        with entered(RunningActivity(info, Deadline(None), bool)):
            if how == "task":
                await asyncio.gather(part(), asyncio.sleep(0))
            else:
                called = asyncio.Event()
                asyncio.get_running_loop().call_later(0, lambda: called.set() or block())  # type: ignore[func-returns-value]
                await called.wait()

    watch = LoopWatch(loop, clock)
    with Block(loop, blocks=blocks):
        watch.look()
        look_for(5, watch, clock)
    (blocked, again) = caplog.records
    name = "part" if how == "task" else "<lambda>"
    assert re.search(
        rf"blocked for 5\.0 s by {re.escape(str(info))}, in \S*{name}, and", blocked.getMessage()
    )
    for record in (blocked, again):
        keys = log_keys(record.__dict__["flowy_event"], info)
        assert record.__dict__ | keys == record.__dict__


class Starved(EventLoop):
    """A loop that never gets to what is posted, as if other threads had the interpreter."""

    starved = False

    def post(self, call: Callable[[], object]) -> None:
        if not self.starved:
            super().post(call)


def test_a_loop_that_waits_for_the_interpreter(
    clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """If the loop runs nothing although it does not respond, no coroutine gets the blame."""
    loop = Starved(2)
    watch = LoopWatch(loop, clock)
    loop.starved = True
    watch.look()
    look_for(10, watch, clock)
    blocked = watch.blocked_seconds
    loop.starved = False
    loop.close()
    assert (blocked, caplog.messages) == (10.0, [])


def test_a_loop_that_has_ended(clock: TurnedClock, caplog: pytest.LogCaptureFixture) -> None:
    """It is not blocked."""
    loop = EventLoop(2)
    watch = LoopWatch(loop, clock)
    loop.close()
    until(lambda: loop.has_ended, "the end of the loop")
    watch.look()
    look_for(10, watch, clock)
    assert (watch.blocked_seconds, caplog.messages) == (0.0, [])


def look_for(seconds: int, watch: LoopWatch, clock: TurnedClock) -> None:
    """Let a worker look once a second."""
    for _ in range(seconds):
        clock.turn(1)
        watch.look()
