"""ActivityEnvironment: coroutines, beside the test and canceled with it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

import pytest

from flowy.exception import (
    ActivityFailedError,
    CancelTask,
)
from flowy.swf.scanner import activity
from flowy.task import AsyncActivity
from flowy.testing import (
    ActivityEnvironment,
    Canceled,
    Unanswered,
)


@activity("waiter", 1, "tasks", heartbeat=30, auto_heartbeat=True)
class Waiter(AsyncActivity):
    """Waits until it is told to give up, and then does as *then* says."""

    cleaned: bool = False

    async def run(self, then: str = "raise") -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            Waiter.cleaned = True
            if then == "CancelTask":
                raise CancelTask("half") from None
            if then != "raise":
                return None if then == "None" else then
            raise


def test_coroutine_runs() -> None:
    """An AsyncActivity runs like any other, its heartbeats are recorded and scripted too."""

    class Steps(AsyncActivity):
        async def run(self, steps: int) -> int | None:
            for step in range(steps):
                await asyncio.sleep(0)
                if not await self.heartbeat(step):
                    await asyncio.sleep(0)  # a clean-up that nothing disturbs
                    return None
            return steps

    env = ActivityEnvironment(cancel_at=3)
    assert env.run(Steps, 2) == 2
    assert env.run(Steps, 5) == Canceled()
    assert env.heartbeats == ["0", "1", "2"]
    assert ActivityEnvironment(stop_at=1).run(Steps, 2) == Unanswered("the worker must stop")


@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        ("raise", Canceled()),
        ("CancelTask", Canceled("half")),
        ("None", Canceled()),
        ("a value", "a value"),
    ],
)
def test_coroutine_is_canceled_and_cleans_up(then: str, outcome: object) -> None:
    """With auto_heartbeat a request arrives as CancelledError; what follows is the author's."""
    env = ActivityEnvironment()
    Waiter.cleaned = False
    env.cancel()
    assert env.run(Waiter, then) == outcome
    assert Waiter.cleaned


def test_coroutine_beside_the_test() -> None:
    """In a test that is a coroutine itself, run_async lets things happen while it waits."""

    async def story() -> Any:
        running = asyncio.create_task(env.run_async(Waiter))
        await asyncio.sleep(0)
        threading.Thread(target=env.stop, kwargs={"hurry": True}).start()
        with pytest.raises(RuntimeError, match="run_async"):
            env.run(Waiter)
        return await running

    env = ActivityEnvironment()
    assert asyncio.run(story()) == Unanswered("the worker must stop")


def test_test_that_is_canceled_takes_the_activity_along() -> None:
    """A run_async that is canceled leaves nothing behind on the loop."""

    async def story() -> None:
        running = asyncio.create_task(ActivityEnvironment().run_async(Waiter))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)

    asyncio.run(story())


def test_foreign_cancellation_is_a_failure() -> None:
    """A CancelledError that nobody asked for fails the task."""

    class Breaks(AsyncActivity):
        async def run(self) -> None:
            raise asyncio.CancelledError

    with pytest.raises(ActivityFailedError, match="CancelledError"):
        ActivityEnvironment().run(Breaks)
