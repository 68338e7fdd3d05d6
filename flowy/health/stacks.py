"""Prints the stack of each thread and each coroutine of this process, after a SIGUSR1.

A signal handler may interrupt code that has a lock, so the printing runs on a thread of its own.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from itertools import dropwhile
from types import FrameType
from typing import Any

from ..concurrency.event_loop import EventLoop
from ..concurrency.threads import run_logged
from ..safe_logging import get_logger
from .subjects import subject_of_step, subject_of_task

logger = get_logger(__name__)


def print_state(
    status: Callable[[], Mapping[str, Any]],
    loop: EventLoop | None,
    activities: Callable[[], Mapping[int, str]] = dict,
) -> None:
    """Print the status of a worker and all stacks to standard error, on a thread of its own.

    Args:
        status: returns the status, as JSON.
        loop: the worker's event loop, if it has one.
        activities: returns the activity of each thread that has one, by the thread's ident.
    """

    def work() -> None:
        """Print both in one call, so that other output cannot get between."""
        said = stacks(loop, activities())
        sys.stderr.write("\n".join([json.dumps(status(), indent=1), *said, ""]))
        sys.stderr.flush()

    try:
        call = functools.partial(run_logged, work)
        threading.Thread(target=call, name="flowy-report", daemon=True).start()
    except RuntimeError as error:
        logger.warning("Cannot print what the worker does: a thread cannot be started (%s).", error)


def stacks(loop: EventLoop | None, activities: Mapping[int, str]) -> Iterator[str]:
    """Yield the stacks of all other threads, then those of the tasks on the event loop.

    Args:
        loop: the worker's event loop, if it has one.
        activities: the activity of each thread that has one, by the thread's ident.
    """
    step = None if loop is None else loop.step()
    if loop is not None and step is not None:
        activities = {**activities, loop.thread_id or 0: subject_of_step(loop, step).name}
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    for ident, frame in sys._current_frames().items():
        if ident != threading.get_ident():
            runs = f", {activities[ident]}" if ident in activities else ""
            yield f"Thread {names.get(ident, 'of another library')} ({ident}){runs}:"
            yield _text(traceback.extract_stack(frame))
    if loop is not None:
        for task in loop.tasks():
            yield f"Coroutine of {subject_of_task(loop, task).name}:"
            yield _text(traceback.StackSummary.extract(_awaiting(task)))


def _text(stack: traceback.StackSummary) -> str:
    # Each thread begins with the same three calls of Python's own.
    own = dropwhile(lambda each: each.filename == threading.__file__, stack)
    return "".join(traceback.format_list(list(own) or stack)).rstrip("\n") or "  (no Python code)"


def _awaiting(task: asyncio.Task[Any]) -> Iterator[tuple[FrameType, int]]:
    """Yield the frames of a waiting task: its coroutine, the coroutine this awaits, and so on."""
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame, inner = _frame_of(awaited)
        if frame is None:
            return
        yield frame, frame.f_lineno
        awaited = inner


def _frame_of(awaited: Any) -> tuple[FrameType | None, Any]:
    """Return the frame of a coroutine or generator, and the object that it awaits."""
    for kind, awaits in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
        frame = getattr(awaited, f"{kind}_frame", None)
        if frame is not None:
            # A generator that runs a coroutine step by step does not show it as awaited.
            driven = filter(inspect.iscoroutine, frame.f_locals.values()) if kind == "gi" else ()
            return frame, getattr(awaited, awaits) or next(iter(driven), None)
    return None, None
