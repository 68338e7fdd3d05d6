"""One event loop for coroutines, in a thread of its own, and threads for what would block it.

Blocking calls go to two pools of threads that never wait for each other: one for calls while an
activity runs, such as heartbeats, one for the ends of runs. Throttled answers sleep in their
threads for minutes, and the heartbeats of the other activities must go out meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar

from ..safe_logging import get_logger
from .threads import Threads, run_logged

logger = get_logger(__name__)

T = TypeVar("T")

#: Threads for blocking calls of coroutines, and as many for ``asyncio.to_thread``.
CALL_THREADS = 32

#: Threads for the answers of coroutines that have ended, at most.
ANSWER_THREADS = 100

#: The loop on which the coroutines of this context run, if it is one of ours.
_our_loop: contextvars.ContextVar[EventLoop] = contextvars.ContextVar("flowy_event_loop")


async def off_loop(call: Callable[[], T]) -> T:
    """Run a blocking *call* in a thread and return its value.

    The call is never left behind: if the awaiting coroutine is canceled meanwhile, the
    CancelledError is raised after the call has ended.
    """
    loop = _our_loop.get(None)
    ended: asyncio.Future[Callable[[], T]]
    if loop is None:
        ended = asyncio.ensure_future(asyncio.to_thread(_outcome_of, call))
    else:
        ended = loop.start_call(functools.partial(contextvars.copy_context().run, call))
    canceled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError as error:
            canceled = error
    if canceled is not None:
        raise canceled
    return ended.result()()


class EventLoop:
    """Runs coroutines on one event loop, in a daemon thread of its own.

    Args:
        coroutines: how many may run at once; each may end at the same time as all others.

    Raises:
        RuntimeError: the system gives no thread for it.
        OSError: the system gives no file descriptors for it.
    """

    def __init__(self, coroutines: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._calls = Threads(CALL_THREADS, "flowy-call")
        #: Threads for what comes after a coroutine has ended.
        self.ends = Threads(min(coroutines, ANSWER_THREADS), "flowy-answer")
        self._to_thread = Threads(CALL_THREADS, "flowy-to-thread")
        self._loop.set_default_executor(_DaemonExecutor(self._to_thread))
        #: The coroutines that run; the loop's own.
        self.running: set[asyncio.Task[None]] = set()
        self._posted: deque[Callable[[], object]] = deque()
        self._waking = False
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="flowy-event-loop", daemon=True)
        try:
            self._thread.start()
            if not self.ends.reserve():  # one thread at least, so that each end is told
                raise RuntimeError("can't start new thread")
            self.ends.release()
        except RuntimeError:
            if self._thread.ident is None:
                self._loop.close()
            self.close()
            raise

    def submit(
        self,
        coroutine: Callable[[], Coroutine[Any, Any, Callable[[], object]]],
        failed: Callable[[BaseException], object],
        context: contextvars.Context,
    ) -> Callable[[], None]:
        """Start a coroutine on the loop.

        Args:
            coroutine: makes the coroutine, on the loop. It returns what is to be called in a
                thread when it has ended.
            failed: called, in a thread, with the exception that the coroutine ended with or could
                not be started with.
            context: what the coroutine runs in.

        Returns:
            A function that cancels the coroutine, callable from any thread.
        """
        started = _Coroutine(self, coroutine, failed)
        # What wakes the loop may belong to another coroutine, and so may its context.
        self.post(functools.partial(context.run, started.start))
        return started.cancel

    def start_call(self, call: Callable[[], T]) -> asyncio.Future[Callable[[], T]]:
        """Run a blocking *call* in a thread; callable on the loop only.

        Returns:
            A future of a function that returns the call's value, or raises what it raised.
        """
        ended: asyncio.Future[Callable[[], T]] = self._loop.create_future()

        def settle() -> None:
            outcome = _outcome_of(call)
            self.post(lambda: ended.set_result(outcome))

        self._calls.submit(settle)
        return ended

    def close(self) -> None:
        """Stop the loop when nothing runs on it any more.

        Coroutines that are left run on until they finish; their results are ignored.
        """
        self._closed = True
        self.post(self.stop_if_closed)

    def post(self, call: Callable[[], object]) -> None:
        """Run a short *call* on the loop soon, from any thread; nothing if the loop is closed."""
        self._posted.append(call)
        # To wake a loop costs system calls, so calls that come before it is awake go along.
        if not self._waking:
            self._waking = True
            with contextlib.suppress(RuntimeError):  # closed: what waited on it has ended
                self._loop.call_soon_threadsafe(self._run_posted)

    def _run_posted(self) -> None:
        self._waking = False  # first: a call that is posted from here on wakes the loop again
        while self._posted:
            run_logged(self._posted.popleft())

    def stop_if_closed(self) -> None:
        """Stop the loop if it is closed and nothing runs on it; callable on the loop only."""
        if self._closed and not self.running:
            self._loop.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        while self.running or not self._closed:
            self._run_loop(self._loop.run_forever)
        for stray in asyncio.all_tasks(self._loop):  # started by an activity, and left behind
            stray.cancel()
        self._run_loop(lambda: self._loop.run_until_complete(self._loop.shutdown_asyncgens()))
        self._loop.close()
        self._calls.close()
        self.ends.close()
        self._to_thread.close()

    @staticmethod
    def _run_loop(run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException:  # SystemExit in a task or callback of the author's comes out here
            logger.exception("A task on the event loop tried to end it; it goes on.")


class _Coroutine:
    """One coroutine on the loop: all but ``cancel`` runs there."""

    def __init__(
        self,
        loop: EventLoop,
        coroutine: Callable[[], Coroutine[Any, Any, Callable[[], object]]],
        failed: Callable[[BaseException], object],
    ) -> None:
        self._loop = loop
        self._coroutine = coroutine
        self._failed = failed
        self._task: asyncio.Task[None] | None = None
        self._canceled = False

    def start(self) -> None:
        """Start it; what cannot be started has failed."""
        _our_loop.set(self._loop)
        made = self._run()
        try:
            self._task = asyncio.get_running_loop().create_task(made)
        except BaseException as error:  # a task factory of the author's, or no memory
            made.close()
            self._end(functools.partial(self._failed, error))
            return
        self._loop.running.add(self._task)
        self._task.add_done_callback(self._finish)
        if self._canceled:
            self._task.cancel()

    def cancel(self) -> None:
        """Cancel it; any thread may call this."""
        self._canceled = True
        self._loop.post(lambda: self._task and self._task.cancel())

    async def _run(self) -> None:
        self._end(await self._coroutine())

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._loop.running.discard(task)
        try:
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is not None:
                self._end(functools.partial(self._failed, error))
        finally:
            self._loop.stop_if_closed()

    def _end(self, call: Callable[[], object]) -> None:
        self._loop.ends.submit(call)


class _DaemonExecutor(ThreadPoolExecutor):
    """The loop's own, for ``asyncio.to_thread``: in daemon threads, which keep no process.

    asyncio takes no other class, and Python waits at its exit for the threads of this one, so
    this one never starts any.
    """

    def __init__(self, threads: Threads) -> None:
        super().__init__(1)
        self._daemons = threads

    def submit(self, call: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        return self._daemons.run(functools.partial(call, *args, **kwargs))


def _outcome_of(call: Callable[[], T]) -> Callable[[], T]:
    """Run *call* and return a function that returns its value, or raises what it raised."""
    try:
        value = call()
    except BaseException as error:
        return functools.partial(_raise, error)
    return lambda: value


def _raise(error: BaseException) -> NoReturn:
    raise error
