"""How many at once: threads that end with the process, and one event loop beside them.

It knows callables and coroutines, not tasks. The threads are daemons: a worker that was told to
stop, and has waited as long as it was allowed to, must be able to end although an activity
hangs, and Python waits at its exit for every thread that is no daemon, those of
``concurrent.futures`` included.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Threads for what coroutines must not do on the loop: beats and answers, 20 ms each.
OFF_LOOP_THREADS = 32


class Threads:
    """Runs callables in up to *size* daemon threads, started as they are needed.

    Args:
        size: threads at once, at most.
        name: begins the threads' names.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    def submit(self, call: Callable[[], object]) -> None:
        """Let a thread run *call*, which answers for its own exceptions."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                start = False
            else:
                start = self._threads < self._size
                self._threads += start
        self._calls.put(call)
        if start:
            self._start_thread()

    def run(self, call: Callable[[], T]) -> Future[T]:
        """Let a thread run *call*; the future gets its value or its exception."""
        future: Future[T] = Future()

        def settle() -> None:
            try:
                value = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(value)

        self.submit(settle)
        return future

    def close(self) -> None:
        """Let idle threads end, and busy ones when they are done."""
        self._calls.put(None)

    def _start_thread(self) -> None:
        """Start one more; where the system gives none, let those that there are do its work."""
        try:
            threading.Thread(
                target=self._work, name=f"{self._name}-{self._threads}", daemon=True
            ).start()
        except RuntimeError as error:  # a limit on threads, as containers have, or on memory
            with self._lock:
                self._threads -= 1
                alone = self._threads == 0
                if not alone:
                    self._idle -= 1  # the next one that is free is taken
            logger.warning(
                "Cannot have %d threads %s but %d (%s); what they do takes longer.",
                self._size,
                self._name,
                self._threads,
                error,
            )
            if alone:
                self._work_once()

    def _work_once(self) -> None:
        """Do in this thread what no other can."""
        with contextlib.suppress(queue.Empty):
            call = self._calls.get_nowait()
            if call is not None:
                _run_logged(call)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            _run_logged(call)
            del call  # an idle thread must not keep the last task's values alive
            with self._lock:
                self._idle += 1
        self._calls.put(None)  # for the next one


#: The loop on which this context's coroutines run, where it is one of ours.
_our_loop: contextvars.ContextVar[EventLoop] = contextvars.ContextVar("flowy_event_loop")


async def off_loop(call: Callable[[], T]) -> T:
    """Run a blocking *call* in a thread and return its value.

    Once begun it is seen to its end: where the awaiting coroutine is canceled meanwhile, the
    CancelledError is raised after it. An answer must not be overtaken by the end of its worker.
    """
    ours = _our_loop.get(None)
    over: asyncio.Future[Callable[[], T]]
    if ours is None:
        over = asyncio.ensure_future(asyncio.to_thread(_outcome_of, call))
    else:
        over = ours.off_loop(functools.partial(contextvars.copy_context().run, call))
    canceled: asyncio.CancelledError | None = None
    while not over.done():
        try:
            await asyncio.shield(over)
        except asyncio.CancelledError as error:
            canceled = error
    if canceled is not None:
        raise canceled
    return over.result()()


def _outcome_of(call: Callable[[], T]) -> Callable[[], T]:
    """Run *call* and return what does again what it did: returns its value, or raises."""
    try:
        value = call()
    except BaseException as error:
        return functools.partial(_raise, error)
    return lambda: value


def _run_logged(call: Callable[[], object]) -> None:
    """Run what answers for its own exceptions; one that comes out all the same ends nothing."""
    try:
        call()
    except BaseException:
        logger.exception("A call in thread %s failed.", threading.current_thread().name)


def _raise(error: BaseException) -> NoReturn:
    raise error


class _DaemonExecutor(ThreadPoolExecutor):
    """The loop's own, for ``asyncio.to_thread``: in daemon threads, which keep no process.

    asyncio takes no other class, and Python waits at its exit for the threads of this one; so
    it never starts any.
    """

    def __init__(self, threads: Threads) -> None:
        super().__init__(1)
        self._daemons = threads

    def submit(self, call: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return self._daemons.run(functools.partial(call, *args, **kwargs))


class EventLoop:
    """Runs coroutines on one event loop, in a daemon thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._threads = Threads(OFF_LOOP_THREADS, "flowy-off-loop")
        self._to_thread = Threads(OFF_LOOP_THREADS, "flowy-to-thread")
        self._loop.set_default_executor(_DaemonExecutor(self._to_thread))
        self._running: set[asyncio.Task[None]] = set()
        self._posted: deque[Callable[[], object]] = deque()
        self._waking = False
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="flowy-event-loop", daemon=True)
        self._thread.start()

    def submit(
        self,
        coroutine: Callable[[], Coroutine[Any, Any, None]],
        done: Callable[[BaseException | None], None],
    ) -> Callable[[], None]:
        """Start a coroutine on the loop; *done* is called on it at its end, and must not block.

        Args:
            coroutine: makes it, on the loop.
            done: gets the exception it ended with; None where there is none, or where it was
                canceled.

        Returns:
            A function that cancels it, callable from any thread.
        """
        task: asyncio.Task[None] | None = None
        canceled = False

        def start() -> None:
            nonlocal task
            _our_loop.set(self)
            task = self._loop.create_task(coroutine())
            self._running.add(task)
            task.add_done_callback(finish)
            if canceled:
                task.cancel()

        def finish(ended: asyncio.Task[None]) -> None:
            self._running.discard(ended)
            error = None if ended.cancelled() else ended.exception()
            try:
                done(error)
            finally:
                self._stop_if_closed()

        def cancel() -> None:
            nonlocal canceled
            canceled = True
            self._post(lambda: task and task.cancel())

        # What has woken the loop may belong to another coroutine, and so may its context.
        self._post(functools.partial(contextvars.copy_context().run, start))
        return cancel

    def off_loop(self, call: Callable[[], T]) -> asyncio.Future[Callable[[], T]]:
        """Run a blocking *call* in one of the threads for that; ask for it on the loop.

        Returns:
            A future of what returns the call's value, or raises what it raised.
        """
        over: asyncio.Future[Callable[[], T]] = self._loop.create_future()

        def settle() -> None:
            outcome = _outcome_of(call)
            self._post(lambda: over.set_result(outcome))

        self._threads.submit(settle)
        return over

    def _post(self, call: Callable[[], object]) -> None:
        """Run a short *call* on the loop, soon, from any thread; nothing where it is closed."""
        self._posted.append(call)
        # To wake a loop costs system calls: what comes before it has woken goes along.
        if not self._waking:
            self._waking = True
            with contextlib.suppress(RuntimeError):  # closed: what waited on it has ended
                self._loop.call_soon_threadsafe(self._run_posted)

    def _run_posted(self) -> None:
        self._waking = False  # first: what is posted from here on wakes the loop again
        while self._posted:
            _run_logged(self._posted.popleft())

    def close(self) -> None:
        """Stop the loop when nothing runs on it any more; like a thread, it waits for that alone.

        What an abandoned coroutine does then is its own business, and the end of it no matter.
        """
        self._closed = True
        self._post(self._stop_if_closed)

    def _stop_if_closed(self) -> None:
        if self._closed and not self._running:
            self._loop.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        while self._running or not self._closed:
            self._run_loop(self._loop.run_forever)
        for stray in asyncio.all_tasks(self._loop):  # started by an activity, and left behind
            stray.cancel()
        self._run_loop(lambda: self._loop.run_until_complete(self._loop.shutdown_asyncgens()))
        self._loop.close()
        self._threads.close()
        self._to_thread.close()

    @staticmethod
    def _run_loop(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException:  # SystemExit in a task of the author's own comes out here
            logger.exception("A task on the event loop tried to end it; it goes on.")
