"""One event loop for coroutines, and the threads beside it."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from flowy.concurrency.event_loop import ANSWER_THREADS, CALL_THREADS, EventLoop
from tests.patience import PATIENCE_SECONDS
from tests.unit.concurrency.conftest import Script
from tests.unit.concurrency.on_loop import start


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = EventLoop(1_000)
    yield made
    made.close()


def thread_of(loop: EventLoop) -> threading.Thread:
    """Return the thread in which the loop runs."""
    found: Future[threading.Thread] = Future()

    async def look() -> None:
        found.set_result(threading.current_thread())

    start(loop, look)
    return found.result(PATIENCE_SECONDS)


async def nothing() -> None:
    pass


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


# The ends of coroutines


def test_the_end_is_told_in_a_thread(loop: EventLoop) -> None:
    """What the coroutine returned is called, or ``failed`` with its exception: off the loop."""
    told: queue.SimpleQueue[tuple[object, threading.Thread]] = queue.SimpleQueue()

    def tell(what: object) -> None:
        told.put((what, threading.current_thread()))

    async def good() -> Callable[[], object]:
        await asyncio.sleep(0)
        return lambda: tell("good")

    error = ValueError("so")

    async def bad() -> Callable[[], object]:
        raise error

    for coroutine, end in ((good, "good"), (bad, error)):
        loop.submit(coroutine, tell, contextvars.Context())
        what, thread = told.get(timeout=PATIENCE_SECONDS)
        assert what is end
        assert thread is not thread_of(loop)


class NoTask:
    """What a task factory returns by mistake; Python 3.13 names it."""

    def set_name(self, name: object) -> None: ...


@pytest.mark.parametrize(
    ("made", "kind"), [(MemoryError(), MemoryError), (NoTask(), AttributeError)]
)
def test_a_coroutine_that_cannot_be_started(
    loop: EventLoop, made: object, kind: type[Exception]
) -> None:
    """A task factory of the author's may raise, or return anything: ``failed`` is told of it."""

    def refuse_once(loop: asyncio.AbstractEventLoop, *_: Any, **__: Any) -> Any:
        loop.set_task_factory(None)
        if isinstance(made, Exception):
            raise made
        return made

    async def set_factory() -> None:
        asyncio.get_running_loop().set_task_factory(refuse_once)

    start(loop, set_factory).result()
    assert isinstance(start(loop, nothing).result(), kind)
    assert start(loop, nothing).result() is None


def test_a_thousand_wait_without_a_thousand_threads(loop: EventLoop) -> None:
    """Coroutines that wait cost no threads."""
    release = asyncio.Event()
    waiting = threading.Semaphore(0)

    async def wait() -> None:
        waiting.release()
        await release.wait()

    async def let_go() -> None:
        release.set()

    before = threading.active_count()
    started = [start(loop, wait) for _ in range(1_000)]
    for _ in range(1_000):
        assert waiting.acquire(timeout=PATIENCE_SECONDS)
    assert threading.active_count() <= before + 1
    start(loop, let_go)
    assert {each.result() for each in started} == {None}


def test_many_ends_at_once(loop: EventLoop) -> None:
    """An end may sleep for minutes in a throttled answer: a hundred do so side by side."""
    barrier = threading.Barrier(ANSWER_THREADS, timeout=PATIENCE_SECONDS)
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()

    async def run() -> Callable[[], object]:
        return lambda: ended.put(barrier.wait())

    def failed(error: BaseException) -> None:
        raise error

    for _ in range(ANSWER_THREADS):
        loop.submit(run, failed, contextvars.Context())
    numbers = {ended.get(timeout=PATIENCE_SECONDS) for _ in range(ANSWER_THREADS)}
    assert numbers == set(range(ANSWER_THREADS))


# Cancellation


def test_cancel_may_come_from_any_thread_at_any_time(loop: EventLoop) -> None:
    """Before the coroutine has begun, while it runs, and after its end."""
    for _ in range(100):
        started = start(loop, wait_for_ever)
        started.cancel()
        assert isinstance(started.result(), asyncio.CancelledError)
        started.cancel()


def test_cancel_after_the_loop_was_closed_is_nothing() -> None:
    """A background heartbeat may learn something as the worker ends."""
    loop = EventLoop(1)
    thread = thread_of(loop)
    started = start(loop, nothing)
    started.result()
    loop.close()
    thread.join(PATIENCE_SECONDS)
    started.cancel()


# The loop's own end


def test_systemexit_in_a_task_of_the_authors_does_not_end_the_loop(
    loop: EventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine may start tasks that nobody guards; the loop belongs to all coroutines."""

    async def leave() -> None:
        raise SystemExit(3)

    async def start_task() -> None:
        tasks.append(asyncio.ensure_future(leave()))

    tasks: list[asyncio.Future[None]] = []
    start(loop, start_task).result()
    assert start(loop, nothing).result() is None
    assert "which goes on" in caplog.text
    assert isinstance(tasks[0].exception(), SystemExit)


def test_close_waits_for_what_runs_in_the_background() -> None:
    """An abandoned coroutine does not keep ``close`` waiting, and runs on to its end."""
    loop = EventLoop(1)
    thread = thread_of(loop)
    begun: Future[asyncio.AbstractEventLoop] = Future()
    go_on = asyncio.Event()

    async def clean_up() -> None:
        begun.set_result(asyncio.get_running_loop())
        await go_on.wait()

    started = start(loop, clean_up)
    asyncios = begun.result(PATIENCE_SECONDS)
    loop.close()
    asyncios.call_soon_threadsafe(go_on.set)
    assert started.result() is None
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert asyncios.is_closed()


def test_tasks_left_behind_are_canceled_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """What an activity started and forgot ends with the loop, without asyncio's complaints."""
    loop = EventLoop(1)
    thread = thread_of(loop)
    canceled = threading.Event()

    async def forgotten() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            canceled.set()

    tasks: list[asyncio.Future[None]] = []

    async def start_task() -> None:
        tasks.append(asyncio.ensure_future(forgotten()))
        await asyncio.sleep(0)

    start(loop, start_task).result()
    loop.close()
    thread.join(PATIENCE_SECONDS)
    assert canceled.is_set()
    tasks.clear()
    del loop
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_no_loop_without_a_thread(no_more_threads: Callable[[], None]) -> None:
    """Whoever makes it learns that the system gives none, and nothing is left behind."""
    before = set(threading.enumerate())
    no_more_threads()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        EventLoop(1)
    gc.collect()  # a loop that was left open would warn
    assert set(threading.enumerate()) <= before


# Contexts


def test_each_coroutine_runs_in_the_context_it_was_given(loop: EventLoop) -> None:
    """It sees no other run's variables, and what it sets is seen by no other run."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    seen: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()

    async def look(number: int) -> None:
        seen.put((number, variable.get()))
        variable.set("a coroutine's own")
        await asyncio.sleep(0)

    for number in range(30):
        context = contextvars.Context()
        context.run(variable.set, str(number))
        start(loop, functools.partial(look, number), context)
    found = [seen.get(timeout=PATIENCE_SECONDS) for _ in range(30)]
    assert found == [(number, str(number)) for number in range(30)]
    start(loop, functools.partial(look, 30)).result()
    assert seen.get() == (30, "none")


# asyncio's threads


def test_to_thread_does_not_take_the_threads_of_heartbeats(loop: EventLoop) -> None:
    """``asyncio.to_thread`` has as many of its own."""
    barrier = threading.Barrier(CALL_THREADS, timeout=PATIENCE_SECONDS)
    names: set[str] = set()

    def call() -> None:
        barrier.wait()
        names.add(threading.current_thread().name.rpartition("-")[0])

    async def run() -> None:
        await asyncio.gather(*(asyncio.to_thread(call) for _ in range(CALL_THREADS)))

    assert start(loop, run).result() is None
    assert names == {"flowy-to-thread"}


def test_asyncios_threads_keep_no_process(script: Script) -> None:
    """A process ends though an activity's ``asyncio.to_thread`` hangs."""
    printed = script("""
        import asyncio, contextvars, threading
        from flowy.concurrency.event_loop import EventLoop
        hangs = threading.Event()
        def hang(): hangs.set(); threading.Event().wait()
        async def run(): await asyncio.to_thread(hang)
        EventLoop(1).submit(run, print, contextvars.Context())
        hangs.wait()
        print("ends")
    """)
    assert printed == "ends\n"


def test_a_loop_without_its_descriptors_does_not_fill_the_log(script: Script) -> None:
    """An activity may close them: the loop fails as often as it runs, after ever longer pauses."""
    printed = script("""
        import asyncio, contextvars, logging, os
        from flowy.concurrency.event_loop import FIRST_PAUSE_SECONDS, EventLoop
        from tests.patience import until
        from tests.unit.clocks import TurnedClock

        lines = []
        log = logging.getLogger("flowy.concurrency.event_loop")
        log.addFilter(lambda record: lines.append(record))

        async def close_all():
            os.close(asyncio.get_running_loop()._selector.fileno())
            return lambda: None

        clock = TurnedClock()
        EventLoop(1, clock).submit(close_all, print, contextvars.copy_context())
        for number in range(4):
            until(lambda: len(lines) == number + 1)
            clock.turn_when_awaited(FIRST_PAUSE_SECONDS * 2**number)
        until(lambda: len(lines) == 5)
        print("one line each time", flush=True)
        os._exit(0)
    """)
    assert printed == "one line each time\n"
