"""Threads of a replayed activity know of the replay; all others do not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import Any

import pytest

from flowy import Activity, AsyncActivity, activity, async_scheduler
from flowy.context import replaying
from flowy.exception import RefusedError
from flowy.testing import replay
from flowy.testing.replay_threads import known_to_threads
from tests.patience import PATIENCE_SECONDS
from tests.unit.swf.replay.recorded import one

POOL = ThreadPoolExecutor(1)


def in_thread(call: Callable[[], Any]) -> Any:
    """Call in a thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return found[0]


def in_timer(call: Callable[[], Any]) -> Any:
    """Call in a thread that waits first."""
    found: list[Any] = []
    timer = threading.Timer(0, lambda: found.append(call()))
    timer.start()
    timer.join(PATIENCE_SECONDS)
    return found[0]


def in_new_pool(call: Callable[[], Any]) -> Any:
    """Call in an executor."""
    with ThreadPoolExecutor(2) as pool:
        return next(pool.map(lambda _: call(), "x"))


def in_other_pool(call: Callable[[], Any]) -> Any:
    """Call in a pool of another library."""
    with ThreadPool(1) as pool:
        return pool.apply(call)


WAYS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "thread": in_thread,
    "timer": in_timer,
    "thread of a thread": lambda call: in_thread(lambda: in_thread(call)),
    "new pool": in_new_pool,
    "old pool": lambda call: POOL.submit(call).result(PATIENCE_SECONDS),
    "other pool": in_other_pool,
}


@activity("thread", 1, "work")
class Threading(Activity):
    def run(self, way: str) -> Any:
        """Look, and try to change something at SWF, in another thread."""
        return [WAYS[way](replaying), WAYS[way](self.complete)]

    def complete(self) -> str:
        """Try to complete the task."""
        try:
            async_scheduler("shop", layer1=object()).complete(self.token, 7)
        except RefusedError as error:
            return error.fault
        return "done"


@activity("loop", 1, "work")
class Looping(AsyncActivity):
    async def run(self, way: str) -> Any:
        """Look in threads of the event loop."""
        loop = asyncio.get_running_loop()
        return [
            await loop.run_in_executor(None, replaying),
            await loop.run_in_executor(POOL, replaying),
            await asyncio.to_thread(replaying),
            await asyncio.to_thread(lambda: WAYS[way](replaying)),
        ]


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """What a replay changes in Python's own classes is put back."""
    before = (threading.Thread.start, ThreadPoolExecutor.submit)
    yield
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before
    assert not in_thread(replaying)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("served", [Threading, Looping])
def test_threads_of_the_run(way: str, served: type[Activity]) -> None:
    """However it starts them, they know, and can change nothing at SWF."""
    name = "thread" if served is Threading else "loop"
    value = replay(one(name, way).events, served).now.value
    assert value == ([True, "Replaying"] if served is Threading else [True] * 4)
    assert not WAYS[way](replaying)


def test_others_do_not(unchanged: None) -> None:
    """A worker of the test's own goes on beside a replay; its pool may start a thread in one."""
    go_on, seen = threading.Event(), []

    def others() -> None:
        go_on.wait(PATIENCE_SECONDS)
        seen.extend([replaying(), in_thread(replaying), pool.submit(replaying).result()])

    @activity("meet", 1, "work")
    class Meet(Activity):
        def run(self, order: Any) -> Any:
            """Let the other thread look."""
            found = pool.submit(replaying).result()
            go_on.set()
            thread.join(PATIENCE_SECONDS)
            return found

    with ThreadPoolExecutor(1) as pool:
        thread = threading.Thread(target=others)
        thread.start()
        assert replay(one("meet", 7).events, Meet).now.value is True
    assert seen == [False, False, False]


def test_a_thread_that_goes_on_after_the_replay() -> None:
    """It belongs to the replay for as long as it runs."""
    go_on, seen, threads = threading.Event(), [], []

    def late() -> None:
        go_on.wait(PATIENCE_SECONDS)
        seen.append(replaying())

    @activity("leave", 1, "work")
    class Leave(Activity):
        def run(self, order: Any) -> None:
            """Leave a thread behind."""
            threads.append(threading.Thread(target=late))
            threads[0].start()

    replay(one("leave", 7).events, Leave)
    go_on.set()
    threads[0].join(PATIENCE_SECONDS)
    assert seen == [True]


def test_replays_at_once() -> None:
    """The last one that ends puts Python's methods back; what others have put there stays."""
    before = threading.Thread.start
    with known_to_threads():
        with known_to_threads():
            ours = threading.Thread.start
        assert threading.Thread.start is ours is not before
    assert threading.Thread.start is before
    with known_to_threads():
        theirs = lambda thread: before(thread)  # noqa: E731
        threading.Thread.start = theirs  # type: ignore[method-assign]
    assert threading.Thread.start is theirs
    threading.Thread.start = before  # type: ignore[method-assign]
