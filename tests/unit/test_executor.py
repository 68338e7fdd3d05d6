"""Threads that end with the process, and one event loop beside them."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import logging
import queue
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from flowy.executor import OFF_LOOP_THREADS, EventLoop, Threads, off_loop

PATIENCE_SECONDS = 10.0


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(3, "test-threads")
    yield made
    made.close()


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    made = EventLoop()
    yield made
    made.close()


def run(loop: EventLoop, coroutine: Any) -> BaseException | None:
    """Run a coroutine function to its end on the loop; return what ``done`` was told."""
    ended: Future[BaseException | None] = Future()
    loop.submit(coroutine, ended.set_result)
    return ended.result(PATIENCE_SECONDS)


# Threads


def test_no_more_threads_than_its_size(threads: Threads) -> None:
    """Three at once, whatever is submitted; the others wait their turn."""
    barrier = threading.Barrier(3, timeout=PATIENCE_SECONDS)
    names: list[str] = []

    def call() -> None:
        barrier.wait()
        names.append(threading.current_thread().name)

    futures = [threads.run(call) for _ in range(30)]
    for future in futures:
        future.result(PATIENCE_SECONDS)
    assert len(set(names)) == 3
    assert all(name.startswith("test-threads-") for name in names)


def test_a_thread_is_started_only_when_none_is_idle(threads: Threads) -> None:
    """A hundred calls one after the other need one thread, or two where the first is still busy."""
    idents = set()
    for _ in range(100):
        idents.add(threads.run(threading.get_ident).result(PATIENCE_SECONDS))
    assert len(idents) <= 2


def test_each_of_many_gets_a_thread_at_once() -> None:
    """As many as there is room for start together: no call waits while a thread could be made."""
    threads = Threads(50, "test-many")
    for _ in range(20):
        barrier = threading.Barrier(50, timeout=PATIENCE_SECONDS)
        for future in [threads.run(barrier.wait) for _ in range(50)]:
            future.result(PATIENCE_SECONDS)
    threads.close()


def test_they_are_daemons(threads: Threads) -> None:
    """A thread that hangs must not keep the process."""
    daemon = threads.run(lambda: threading.current_thread().daemon)
    assert daemon.result(PATIENCE_SECONDS) is True


def test_a_call_that_raises_costs_no_thread(
    threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    """SystemExit too: it is logged, and the thread takes the next call."""

    def leave() -> None:
        raise SystemExit(3)

    for _ in range(10):
        threads.submit(leave)
    assert threads.run(lambda: "next").result(PATIENCE_SECONDS) == "next"
    assert "failed" in caplog.text


def test_a_future_gets_the_exception(threads: Threads) -> None:
    """run() keeps what the call raised for who waits for it."""

    def leave() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        threads.run(leave).result(PATIENCE_SECONDS)


def test_an_idle_thread_keeps_nothing_alive(threads: Threads) -> None:
    """What the last call held can be collected while its thread waits for the next."""

    class Input:
        pass

    held = Input()
    kept = weakref.ref(held)
    threads.submit(functools.partial(id, held))
    del held
    for _ in range(3):  # the thread is idle once it has taken another call and ended it
        threads.run(lambda: None).result(PATIENCE_SECONDS)
    gc.collect()
    assert kept() is None


def test_close_ends_all_threads_after_what_was_submitted() -> None:
    """What is queued is done first; then every thread ends."""
    threads = Threads(4, "test-close")
    seen: list[threading.Thread] = []
    barrier = threading.Barrier(4, timeout=PATIENCE_SECONDS)

    def call() -> None:
        barrier.wait()
        seen.append(threading.current_thread())

    futures = [threads.run(call) for _ in range(8)]
    threads.close()
    for future in futures:
        future.result(PATIENCE_SECONDS)
    for thread in set(seen):
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


@pytest.fixture
def no_more_threads() -> Iterator[Callable[[], None]]:
    """Lets the system refuse new threads, from when it is called: for stacks of 16 TiB each."""

    def refuse() -> None:
        threading.stack_size(2**44)

    before = threading.stack_size()
    yield refuse
    threading.stack_size(before)


def test_calls_wait_for_the_threads_there_are_where_the_system_gives_no_more(
    threads: Threads, no_more_threads: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A limit on threads costs time, not tasks."""
    go_on = threading.Event()

    def hold() -> threading.Thread:
        assert go_on.wait(PATIENCE_SECONDS)
        return threading.current_thread()

    first = threads.run(hold)
    no_more_threads()
    others = [threads.run(threading.current_thread) for _ in range(5)]
    go_on.set()
    assert {future.result(PATIENCE_SECONDS) for future in others} == {first.result()}
    assert "Cannot have 3 threads test-threads but 1" in caplog.text


def test_the_caller_does_what_no_thread_can(
    threads: Threads, no_more_threads: Callable[[], None]
) -> None:
    """Where the system gives no thread at all, submit returns when the call has ended."""
    no_more_threads()
    futures = [threads.run(threading.current_thread) for _ in range(3)]
    assert {future.result(0) for future in futures} == {threading.current_thread()}


# Coroutines


def test_done_is_told_of_the_end(loop: EventLoop) -> None:
    """None for a normal end, else the exception."""
    error = ValueError("so")

    async def good() -> None:
        await asyncio.sleep(0)

    async def bad() -> None:
        raise error

    assert run(loop, good) is None
    assert run(loop, bad) is error


def test_a_thousand_wait_without_a_thousand_threads(loop: EventLoop) -> None:
    """Coroutines that wait cost no threads."""
    release = asyncio.Event()
    ended, waiting = threading.Semaphore(0), threading.Semaphore(0)

    async def wait() -> None:
        waiting.release()
        await release.wait()

    async def let_go() -> None:
        release.set()

    before = threading.active_count()
    for _ in range(1_000):
        loop.submit(wait, lambda error: ended.release())
    for _ in range(1_000):
        assert waiting.acquire(timeout=PATIENCE_SECONDS)
    assert threading.active_count() <= before + 1
    run(loop, let_go)
    for _ in range(1_000):
        assert ended.acquire(timeout=PATIENCE_SECONDS)


def test_cancel_may_come_from_any_thread_at_any_time(loop: EventLoop) -> None:
    """Before the coroutine has begun, while it runs, and after its end."""

    async def wait() -> None:
        await asyncio.Event().wait()

    for _ in range(100):
        ended: Future[BaseException | None] = Future()
        cancel = loop.submit(wait, ended.set_result)
        cancel()
        assert ended.result(PATIENCE_SECONDS) is None
        cancel()


def test_cancel_after_the_loop_was_closed_is_nothing() -> None:
    """A background beat may learn something as the worker ends."""
    loop = EventLoop()

    async def end() -> None:
        pass

    ended: Future[BaseException | None] = Future()
    cancel = loop.submit(end, ended.set_result)
    ended.result(PATIENCE_SECONDS)
    loop.close()
    loop._thread.join(PATIENCE_SECONDS)
    cancel()


def test_systemexit_in_a_task_of_the_authors_does_not_end_the_loop(
    loop: EventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine may start tasks that nobody guards; the loop is everybody's."""

    async def leave() -> None:
        raise SystemExit(3)

    async def start() -> None:
        tasks.append(asyncio.ensure_future(leave()))

    async def good() -> None:
        pass

    tasks: list[asyncio.Future[None]] = []
    run(loop, start)
    assert run(loop, good) is None
    assert "it goes on" in caplog.text
    assert isinstance(tasks[0].exception(), SystemExit)


def test_close_waits_for_what_runs_in_the_background(caplog: pytest.LogCaptureFixture) -> None:
    """An abandoned coroutine does not keep close(), and is not torn down in its midst."""
    loop = EventLoop()
    begun, go_on = threading.Event(), asyncio.Event()
    ended: Future[BaseException | None] = Future()

    async def clean_up() -> None:
        begun.set()
        await go_on.wait()

    loop.submit(clean_up, ended.set_result)
    assert begun.wait(PATIENCE_SECONDS)
    loop.close()
    loop._loop.call_soon_threadsafe(go_on.set)
    assert ended.result(PATIENCE_SECONDS) is None
    loop._thread.join(PATIENCE_SECONDS)
    assert not loop._thread.is_alive()
    assert loop._loop.is_closed()


def test_tasks_left_behind_are_canceled_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """What an activity started and forgot ends with the loop, without asyncio's complaints."""
    loop = EventLoop()
    canceled = threading.Event()

    async def forgotten() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            canceled.set()

    tasks: list[asyncio.Future[None]] = []

    async def start() -> None:
        tasks.append(asyncio.ensure_future(forgotten()))
        await asyncio.sleep(0)

    run(loop, start)
    loop.close()
    loop._thread.join(PATIENCE_SECONDS)
    assert canceled.is_set()
    tasks.clear()
    del loop
    gc.collect()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# Off the loop


def test_off_loop_runs_in_a_thread_with_the_context(loop: EventLoop) -> None:
    """The call sees the context variables of the coroutine, and does not block the loop."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[Any] = []

    async def call() -> None:
        variable.set("here")
        on_loop = threading.get_ident()
        seen.append(await off_loop(lambda: (variable.get(), threading.get_ident() != on_loop)))

    assert run(loop, call) is None
    assert seen == [("here", True)]


def test_off_loop_raises_what_the_call_raised(loop: EventLoop) -> None:
    """The exception comes out at the await."""

    async def call() -> None:
        await off_loop(lambda: 1 // 0)

    assert isinstance(run(loop, call), ZeroDivisionError)


def test_off_loop_needs_no_event_loop_of_ours() -> None:
    """Under asyncio.run, in a test of an activity, it takes asyncio's own threads."""

    async def call() -> int:
        return await off_loop(lambda: 7)

    assert asyncio.run(call()) == 7


def test_a_call_once_begun_is_seen_to_its_end(loop: EventLoop) -> None:
    """An answer under way is not overtaken by a cancellation: the error is raised after it."""
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

    ended: Future[BaseException | None] = Future()
    cancel = loop.submit(call, ended.set_result)
    assert begun.wait(PATIENCE_SECONDS)
    cancel()
    cancel()
    cancel()
    go_on.set()
    assert ended.result(PATIENCE_SECONDS) is None
    assert order == ["answered", "canceled"]


def test_as_many_calls_off_the_loop_as_there_are_threads(loop: EventLoop) -> None:
    """Answers of many coroutines go out side by side."""
    barrier = threading.Barrier(OFF_LOOP_THREADS, timeout=PATIENCE_SECONDS)

    async def call() -> None:
        await asyncio.gather(*(off_loop(barrier.wait) for _ in range(OFF_LOOP_THREADS)))

    assert run(loop, call) is None


def test_a_coroutine_that_blocks_the_loop_does_not_keep_others_calls(loop: EventLoop) -> None:
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

    ended: Future[BaseException | None] = Future()
    loop.submit(call, ended.set_result)
    assert begun.wait(PATIENCE_SECONDS)
    assert run(loop, block) is None
    assert ended.result(PATIENCE_SECONDS) is None


def test_a_coroutine_starts_in_the_context_of_who_submits_it(loop: EventLoop) -> None:
    """And in no other's, whatever else was posted to the loop before."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    seen: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()

    async def look(number: int) -> None:
        seen.put((number, variable.get()))
        variable.set("a coroutine's own")

    for number in range(30):
        variable.set(str(number))
        loop.submit(functools.partial(look, number), lambda error: None)
    found = [seen.get(timeout=PATIENCE_SECONDS) for _ in range(30)]
    assert found == [(number, str(number)) for number in range(30)]


def test_asyncios_threads_keep_no_process() -> None:
    """A process ends though an activity's ``asyncio.to_thread`` hangs."""
    code = (
        "import asyncio, threading\n"
        "from flowy.executor import EventLoop\n"
        "hangs = threading.Event()\n"
        "def hang(): hangs.set(); threading.Event().wait()\n"
        "async def run(): await asyncio.to_thread(hang)\n"
        "EventLoop().submit(run, print)\n"
        "hangs.wait()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_SECONDS)
