"""The stacks of all that runs in a process."""

from __future__ import annotations

import asyncio
import contextvars
import json
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from flowy.concurrency.event_loop import EventLoop
from flowy.concurrency.forks import ProcessGuard
from flowy.concurrency.retry import Deadline
from flowy.context import RunningActivity, entered
from flowy.health.stacks import print_state, stacks
from flowy.invocation.invoke import _steps
from flowy.invocation.status import StatusRecord
from tests.patience import PATIENCE_SECONDS, until
from tests.suspended import an_info


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = EventLoop(2)
    yield made
    made.close()


def test_threads_and_coroutines(loop: EventLoop) -> None:
    """Each by its name, with the calls of the author's down to where it waits."""
    begun, end = threading.Event(), threading.Event()
    left = asyncio.Event()

    def wait_in_a_thread() -> None:
        assert end.wait(PATIENCE_SECONDS)

    async def inner() -> None:
        begun.set()
        await left.wait()

    async def started_by_the_author() -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        other = asyncio.ensure_future(started_by_the_author())
        try:
            await inner()
        finally:
            other.cancel()

    async def as_an_activity() -> Callable[[], object]:
        await _steps(run(), StatusRecord(), ProcessGuard())
        return lambda: None

    thread = threading.Thread(target=wait_in_a_thread, name="the author's")
    thread.start()
    loop.submit(as_an_activity, print, contextvars.Context(), "charge 1 of order-7")
    assert begun.wait(PATIENCE_SECONDS)
    try:
        said = list(stacks(loop, {}))
    finally:
        end.set()
        loop.post(left.set)
        thread.join()
    text = "\n".join(said)
    (own,) = [stack for name, stack in pairs(said) if name.startswith("Thread the author's (")]
    assert own.split("\n")[0].endswith("in wait_in_a_thread")
    (awaiting,) = [s for name, s in pairs(said) if name == "Coroutine of charge 1 of order-7:"]
    places = [line.rpartition(" in ")[2] for line in awaiting.split("\n") if ", in " in line]
    assert places[-4:] == ["_steps", "run", "inner", "wait"]
    assert "started_by_the_author:" in text
    assert f"({threading.get_ident()}):" not in text


def test_threads_and_tasks_of_an_activity(loop: EventLoop) -> None:
    """The thread that runs an activity, the loop's, and the tasks that it started name it."""
    info = an_info()
    begun, end = threading.Event(), threading.Event()

    async def part() -> None:
        await asyncio.Event().wait()

    async def run() -> Callable[[], object]:
        with entered(RunningActivity(info, Deadline(None), bool)):
            other = asyncio.ensure_future(part())
            await asyncio.sleep(0)
            begun.set()
            assert end.wait(PATIENCE_SECONDS)  # blocks the loop
            other.cancel()
        return lambda: None

    loop.submit(run, print, contextvars.Context(), "charge 1 of order-7")
    thread = threading.Thread(target=end.wait, args=[PATIENCE_SECONDS], name="flowy-activity-1")
    thread.start()
    assert begun.wait(PATIENCE_SECONDS)
    try:
        said = list(stacks(loop, {thread.ident or 0: "pack 1 of order-8"}))
    finally:
        end.set()
        thread.join()
    names = [name for name, _ in pairs(said)]
    assert f"Thread flowy-activity-1 ({thread.ident}), pack 1 of order-8:" in names
    assert f"Thread flowy-event-loop ({loop.thread_id}), charge 1 of order-7:" in names
    if sys.version_info >= (3, 12):
        (name,) = [name for name in names if name.endswith(".part:")]
        assert name.startswith(f"Coroutine of {info}, in ")


def pairs(said: list[str]) -> list[tuple[str, str]]:
    return list(zip(said[::2], said[1::2], strict=True))


def test_a_task_that_has_not_started(loop: EventLoop) -> None:
    """It has no stack yet, or one line of it."""
    assert [name for name in stacks(loop, {}) if name.startswith("Coroutine")] == []
    assert list(stacks(None, {}))


def test_the_state_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """What a worker does, as JSON, and the stacks after it."""
    print_state(lambda: {"pid": 4711}, None)
    said: list[str] = []

    def seen() -> bool:
        said.append(capfd.readouterr().err)
        return "Thread MainThread" in "".join(said)

    until(seen)
    status, _, rest = "".join(said).partition("\n}\n")
    assert json.loads(status + "}") == {"pid": 4711}
    assert rest.startswith("Thread ")
