"""One event loop for coroutines, in a thread of its own, and threads for what would block it.

Blocking calls go to separate pools of threads: one for heartbeats, one for other calls before and
during a run, such as reads of histories, and one for what follows a run, such as answers. A
throttled answer sleeps in its thread for minutes, and a store or a history may hang; the heartbeats
of other activities must go out meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

from ..safe_logging import get_logger
from .clock import SYSTEM_CLOCK, Clock
from .loop_step import LoopStep, current_step
from .retry import Backoff
from .stop import StopFlag
from .threads import DaemonExecutor, Threads, run_logged

logger = get_logger(__name__)

T = TypeVar("T")

#: How many threads there are each for the heartbeats of coroutines, for their other blocking calls,
#: and for ``asyncio.to_thread``.
CALL_THREADS = 32

#: How many threads there are at most for the answers of coroutines that have ended.
ANSWER_THREADS = 100

#: Pauses of a loop that fails at once, because an activity closed its descriptors, in seconds.
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 10.0

#: The loop on which the coroutines of this context run, if it is an ``EventLoop``.
_our_loop: contextvars.ContextVar[EventLoop] = contextvars.ContextVar("flowy_event_loop")


async def off_loop(call: Callable[[], T], *, beats: bool = False) -> T:
    """Run a blocking *call* in a thread and return its value.

    If the awaiting coroutine is canceled meanwhile, the CancelledError is raised after the call has
    ended, so no call is left behind.

    Args:
        call: what blocks.
        beats: whether it is a heartbeat, which must not wait for a thread until other calls end.
    """
    loop = _our_loop.get(None)
    ended: asyncio.Future[Callable[[], T]]
    if loop is None:
        ended = asyncio.ensure_future(asyncio.to_thread(_outcome_of, call))
    else:
        here = functools.partial(contextvars.copy_context().run, call)
        ended = loop.start_call(here, beats=beats)
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
        coroutines: how many may run at once. All of them may end at the same time.
        clock: times the pauses of a loop that fails again and again.

    Raises:
        RuntimeError: the system cannot start its thread.
        OSError: the system has no file descriptors for it.
    """

    def __init__(self, coroutines: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._calls = Threads(CALL_THREADS, "flowy-call")
        self._beats = Threads(CALL_THREADS, "flowy-beat")
        #: Threads for what comes after a coroutine has ended.
        self.ends = Threads(min(coroutines, ANSWER_THREADS), "flowy-answer")
        self._to_thread = Threads(CALL_THREADS, "flowy-to-thread")
        self._loop.set_default_executor(DaemonExecutor(self._to_thread))
        #: The coroutines that run, with what each runs for; only for code on the loop.
        self.running: dict[asyncio.Task[None], object] = {}
        self._posted: deque[Callable[[], object]] = deque()
        self._waking = False
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="flowy-event-loop", daemon=True)
        try:
            self._thread.start()
            if not self.ends.reserve():  # at least one thread, so that each end is handled
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
        subject: object = None,
    ) -> Callable[[], None]:
        """Start a coroutine on the loop.

        Args:
            coroutine: makes the coroutine, on the loop. The coroutine returns a function, which is
                called in a thread afterwards.
            failed: called, in a thread, with the exception that the coroutine ended with or could
                not be started with.
            context: the context variables of the coroutine.
            subject: what the coroutine is for, as text or an object with one; None names its
                function.

        Returns:
            A function that cancels the coroutine, callable from any thread.
        """
        started = _Coroutine(self, coroutine, failed, subject)
        # The loop may be awake already, in the context of another coroutine.
        self.post(functools.partial(context.run, started.start))
        return started.cancel

    def start_call(
        self, call: Callable[[], T], *, beats: bool = False
    ) -> asyncio.Future[Callable[[], T]]:
        """Run a blocking *call* in a thread; callable on the loop only.

        Args:
            call: what blocks.
            beats: whether it is a heartbeat.

        Returns:
            A future of a function that returns the call's value, or raises what it raised.
        """
        ended: asyncio.Future[Callable[[], T]] = self._loop.create_future()

        def settle() -> None:
            """Make the call, and hand its outcome to the loop."""
            outcome = _outcome_of(call)
            self.post(lambda: ended.set_result(outcome))

        (self._beats if beats else self._calls).submit(settle)
        return ended

    @property
    def thread_id(self) -> int | None:
        """The ident of the thread that the loop runs in."""
        return self._thread.ident

    def tasks(self) -> set[asyncio.Task[Any]]:
        """Return all tasks on the loop, what activities started included.

        Any thread may call this, even if the loop is blocked.
        """
        return asyncio.all_tasks(self._loop)

    def step(self) -> LoopStep | None:
        """Return what the loop runs at this moment; None if it waits, or has ended.

        Any thread may call this, even if the loop is blocked.
        """
        return current_step(self._loop, self.thread_id or 0, self._run_posted)

    @property
    def has_ended(self) -> bool:
        """Whether the loop is closed and its thread has ended."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """Stop the loop as soon as its last coroutine has ended.

        Abandoned coroutines run on until they finish; their results are ignored.
        """
        self._closed = True
        self.post(self.stop_if_closed)

    def post(self, call: Callable[[], object]) -> None:
        """Run a short *call* on the loop soon; any thread may post. A closed loop ignores it."""
        self._posted.append(call)
        # Waking the loop costs system calls, so all calls posted before it is awake share one.
        if not self._waking:
            self._waking = True
            with contextlib.suppress(RuntimeError):  # closed: all coroutines have ended
                self._loop.call_soon_threadsafe(self._run_posted)

    def _run_posted(self) -> None:
        self._waking = False  # first, so that a call posted from here on wakes the loop again
        while self._posted:
            run_logged(self._posted.popleft())

    def stop_if_closed(self) -> None:
        """Stop the loop if it is closed and nothing runs on it; callable on the loop only."""
        if self._closed and not self.running:
            self._loop.stop()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        pauses = Backoff(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while self.running or not self._closed:
            began_at = self._clock.now()
            if self._run_loop(self._loop.run_forever):
                continue
            if self._clock.now() - began_at > LONGEST_PAUSE_SECONDS:
                pauses.reset()
            StopFlag(self._clock).wait(pauses.next_seconds())  # or it would fill the log
        for stray in asyncio.all_tasks(self._loop):  # started by an activity, and left behind
            stray.cancel()
        self._run_loop(lambda: self._loop.run_until_complete(self._loop.shutdown_asyncgens()))
        self._loop.close()
        for threads in (self._calls, self._beats, self.ends, self._to_thread):
            threads.close()

    @staticmethod
    def _run_loop(run: Callable[[], None]) -> bool:
        try:
            run()
        except BaseException:  # such as a SystemExit in a task or callback of the author's
            logger.exception("A task tried to end the event loop, which goes on.")
            return False
        return True


class _Coroutine:
    """One coroutine; all methods but ``cancel`` run on the loop."""

    def __init__(
        self,
        loop: EventLoop,
        coroutine: Callable[[], Coroutine[Any, Any, Callable[[], object]]],
        failed: Callable[[BaseException], object],
        subject: object,
    ) -> None:
        self._loop = loop
        self._coroutine = coroutine
        self._failed = failed
        self._subject = subject
        self._task: asyncio.Task[None] | None = None
        self._canceled = False

    def start(self) -> None:
        """Start it; if that fails, the coroutine has failed."""
        _our_loop.set(self._loop)
        made = self._run()
        try:
            task = asyncio.get_running_loop().create_task(made)
            task.add_done_callback(self._finish)
        except BaseException as error:  # from the author's task factory, or a MemoryError
            made.close()
            self._loop.ends.submit(functools.partial(self._failed, error))
            return
        self._task = task
        self._loop.running[task] = self._subject
        if self._canceled:
            self._task.cancel()

    def cancel(self) -> None:
        """Cancel it; any thread may call this."""
        self._canceled = True
        self._loop.post(lambda: self._task and self._task.cancel())

    async def _run(self) -> None:
        self._loop.ends.submit(await self._coroutine())

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._loop.running.pop(task, None)
        try:
            error = asyncio.CancelledError() if task.cancelled() else task.exception()
            if error is not None:
                self._loop.ends.submit(functools.partial(self._failed, error))
        finally:
            self._loop.stop_if_closed()


def _outcome_of(call: Callable[[], T]) -> Callable[[], T]:
    """Run *call* and return a function that returns its value, or raises what it raised."""
    try:
        value = call()
    except BaseException as error:
        return functools.partial(_raise, error)
    return lambda: value


def _raise(error: BaseException) -> NoReturn:
    raise error
