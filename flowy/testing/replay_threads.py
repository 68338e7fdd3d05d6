"""Lets the threads that a replayed activity starts know of the replay.

A new thread has no context variables, so ``flowy.context.replaying()`` would be False there. The
whole process must not count as a replay: a test may have a worker in another thread.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

from ..context import entered_replay, replaying

T = TypeVar("T")

_lock = threading.Lock()
_blocks = 0
_undo = ExitStack()

#: Whether an executor starts a thread here, which runs calls of others later.
_in_executor = threading.local()


@contextmanager
def known_to_threads() -> Iterator[None]:
    """Mark what a replay starts while the block runs: threads, and calls in executors.

    Any number of threads may run such blocks at once.
    """
    global _blocks
    with _lock:
        _blocks += 1
        if _blocks == 1:
            _undo.callback(_replaced(threading.Thread, "start", _marking_threads))
            _undo.callback(_replaced(ThreadPoolExecutor, "submit", _marking_calls))
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if not _blocks:
                _undo.close()


def _replaced(owner: type, name: str, wrapping: Callable[[Any], Any]) -> Callable[[], None]:
    """Wrap a method of a class; return a function that undoes it."""
    original = getattr(owner, name)
    wrapped = functools.wraps(original)(wrapping(original))
    setattr(owner, name, wrapped)

    def undo() -> None:
        """Put the method back, unless somebody else has wrapped it meanwhile."""
        if getattr(owner, name) is wrapped:
            setattr(owner, name, original)

    return undo


def _marking_threads(start: Callable[[threading.Thread], None]) -> Callable[..., None]:
    def marking(thread: threading.Thread) -> None:
        if replaying() and not getattr(_in_executor, "here", False):
            thread.run = functools.partial(_in_replay, thread.run)  # type: ignore[method-assign]
        start(thread)

    return marking


def _marking_calls(submit: Callable[..., T]) -> Callable[..., T]:
    def marking(executor: Any, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> T:
        if not replaying():
            return submit(executor, call, *args, **kwargs)
        before = getattr(_in_executor, "here", False)
        _in_executor.here = True
        try:
            return submit(executor, functools.partial(_in_replay, call), *args, **kwargs)
        finally:
            _in_executor.here = before

    return marking


def _in_replay(call: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    with entered_replay():
        return call(*args, **kwargs)
