"""Daemon threads, started when they are needed.

A worker whose stop has waited as long as it may must be able to end although an activity hangs.
Python waits at its exit for every thread that is not a daemon, those of ``concurrent.futures``
included.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ..exception import ThreadError
from ..nouns import counted
from ..safe_logging import get_logger
from .clock import SYSTEM_CLOCK, Clock
from .forks import ProcessGuard

logger = get_logger(__name__)

T = TypeVar("T")


class Threads:
    """Runs callables in up to *size* daemon threads.

    Args:
        size: the most threads at once.
        name: the prefix of the threads' names.
        clock: limits the wait for a free thread.
    """

    def __init__(self, size: int, name: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._size = size
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._clock = clock
        self._lock = threading.Lock()
        self._freed = threading.Condition(self._lock)
        self._threads = 0
        self._load = 0  # calls that wait or run
        self._reserved = 0
        self._closed = False
        self._warned = False

    def reserve(self) -> bool:
        """Reserve a thread for a later call; return False if none is free and none can start.

        Each reservation ends in ``submit_reserved`` or in ``release``. ``submit`` ignores
        reservations, so use it only on other ``Threads``.
        """
        with self._lock:
            if not self._has_free() and not self._start_thread():
                return False
            self._reserved += 1
            return True

    def wait_for_free(self, seconds: float) -> None:
        """Wait until a thread is free, for at most *seconds*.

        A task frees its slot a moment before its thread is free.
        """
        with self._freed:
            if not self._has_free():
                self._clock.wait(self._freed, seconds)

    def release(self) -> None:
        """Give a reservation back."""
        with self._freed:
            self._reserved -= 1
            self._freed.notify()

    def submit_reserved(self, call: Callable[[], object]) -> None:
        """Run *call* in the thread that was reserved for it.

        Raises:
            RuntimeError: the threads are closed.
        """
        with self._lock:
            self._check_open()
            self._reserved -= 1
            self._load += 1
            self._calls.put(call)  # under the lock: after the mark of the end, nobody takes it

    def submit(self, call: Callable[[], object]) -> None:
        """Run *call* in a thread; it must handle its own exceptions.

        If the system cannot start even one thread, *call* runs in the caller's.

        Raises:
            RuntimeError: the threads are closed.
        """
        with self._lock:
            self._check_open()
            self._load += 1
            if self._load + self._reserved > self._threads:
                self._start_thread()
            if self._threads > 0:
                self._calls.put(call)
                return
        self._run(call)

    def run(self, call: Callable[[], T]) -> Future[T]:
        """Run *call* in a thread; the future gets its value or its exception."""
        future: Future[T] = Future()

        def settle() -> None:
            """Make the call, and give the future its outcome."""
            guard = ProcessGuard()
            try:
                value = call()
            except BaseException as error:
                guard.end_child(error)
                future.set_exception(error)
            else:
                guard.end_child()
                future.set_result(value)

        self.submit(settle)
        return future

    def close(self) -> None:
        """Let idle threads end now, and busy ones when their calls have ended."""
        with self._lock:
            self._closed = True
            self._calls.put(None)

    def _has_free(self) -> bool:
        return self._threads - self._load - self._reserved > 0

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(f"Cannot run a call in threads {self._name}: they are closed.")

    def _start_thread(self) -> bool:
        """Start one more thread, if there may be one and the system gives one."""
        if self._threads >= self._size:
            return False
        name = f"{self._name}-{self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:  # a limit on threads, common in containers, or on memory
            if not self._warned:
                self._warned = True
                logger.warning(
                    "Cannot start more than %d of %s %s (%s); their work takes longer.",
                    self._threads,
                    counted(self._size, "thread"),
                    self._name,
                    error,
                )
            return False
        self._threads += 1
        return True

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            self._run(call)
            del call  # an idle thread must not keep the last task's values alive
        self._calls.put(None)  # for the next thread

    def _run(self, call: Callable[[], object]) -> None:
        guard = ProcessGuard()
        try:
            run_logged(call)
        finally:
            guard.end_child()  # it would wait here for the calls of its parent
            with self._freed:
                self._load -= 1
                self._freed.notify()


class DaemonExecutor(ThreadPoolExecutor):
    """The executor of an event loop, for ``asyncio.to_thread``; its calls run in *threads*.

    asyncio accepts only a ThreadPoolExecutor, but Python waits at its exit for the threads of one.
    So this class never starts a thread of its own.
    """

    def __init__(self, threads: Threads) -> None:
        super().__init__(1)
        self._daemons = threads

    def submit(self, call: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a call in a daemon thread."""
        return self._daemons.run(functools.partial(call, *args, **kwargs))


def start_thread(name: str, work: Callable[[], object]) -> None:
    """Run *work* in a daemon thread of its own.

    Raises:
        ThreadError: the system cannot start it.
    """
    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError as error:  # a limit on threads, common in containers, or on memory
        raise ThreadError(
            f"Cannot start thread {name}: the system has no threads ({error}). Raise its limits on "
            "threads and memory."
        ) from error


def run_logged(call: Callable[[], object]) -> None:
    """Run *call*, which should handle its own exceptions, and log one that it does not."""
    try:
        call()
    except BaseException:
        logger.exception("A call in thread %s failed.", threading.current_thread().name)
