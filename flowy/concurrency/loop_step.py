"""What an event loop runs at this moment, seen from another thread.

A loop that is blocked cannot tell what blocks it. Its thread's frames show the ``Handle`` that it
runs, and with it the context: also in tasks and callbacks that an activity has started.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

#: How often a step is read again if the loop has gone on to another one meanwhile.
TRIES = 3


@dataclass(frozen=True)
class LoopStep:
    """One step of a task, or one callback, that a loop runs.

    Attributes:
        task: the task; None for a callback.
        context: its context variables; None if they are not known.
        name: the name of its function.
        stack: its frames, without those of the loop.
    """

    task: asyncio.Task[Any] | None
    context: contextvars.Context | None
    name: str
    stack: traceback.StackSummary


def current_step(
    loop: asyncio.AbstractEventLoop, thread_id: int, without_context: Callable[..., object]
) -> LoopStep | None:
    """Return what a loop runs at this moment; None if it waits.

    Args:
        loop: the loop.
        thread_id: the ident of its thread.
        without_context: a callback whose context says nothing about what it calls.
    """
    handle: Any = None
    step: LoopStep | None = None
    for _ in range(TRIES):
        frames, handle = _frames(thread_id)
        step = _step(asyncio.current_task(loop), handle, frames, without_context)
        if _frames(thread_id)[1] is handle:
            break
    runs_handles = isinstance(loop, asyncio.BaseEventLoop)  # other loops are not Python code
    idle = handle is None and runs_handles
    return None if step is None or (idle and step.task is None) else step


def _frames(thread_id: int) -> tuple[list[FrameType], Any]:
    """Return the frames of a thread, below that of the handle that it runs, and the handle."""
    frames: list[FrameType] = []
    frame = sys._current_frames().get(thread_id)
    handle, own = None, 0
    while frame is not None:
        if frame.f_code is asyncio.Handle._run.__code__:
            handle, own = frame.f_locals.get("self"), len(frames)
        frames.append(frame)
        frame = frame.f_back
    return (frames if handle is None else frames[:own])[::-1], handle


def _step(
    task: asyncio.Task[Any] | None,
    handle: Any,
    frames: list[FrameType],
    without_context: Callable[..., object],
) -> LoopStep:
    # Frames move on while they are read; a finished one may have no line any more.
    lines = [(frame, frame.f_lineno or frame.f_code.co_firstlineno) for frame in frames]
    stack = traceback.StackSummary.extract(iter(lines), lookup_lines=False)
    callback, context = getattr(handle, "_callback", None), getattr(handle, "_context", None)
    if callback == without_context:
        callback = context = None
    if task is None:
        return LoopStep(None, context, getattr(callback, "__qualname__", "a callback"), stack)
    # An eager task, of Python 3.12 and newer, runs in the handle of the code that makes it.
    return LoopStep(task, context_of(task) or context, name_of(task), stack)


def name_of(task: asyncio.Task[Any]) -> str:
    """Return the name of a task's function."""
    name: str = getattr(task.get_coro(), "__qualname__", task.get_name())
    return name


def context_of(task: asyncio.Task[Any]) -> contextvars.Context | None:
    """Return the context of a task; None if it cannot be known, as before Python 3.12."""
    return task.get_context() if hasattr(task, "get_context") else None
