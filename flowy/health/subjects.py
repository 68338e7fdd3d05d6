"""Names what runs on an event loop: by its activity, if it belongs to one."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from typing import Any

from ..concurrency.event_loop import EventLoop
from ..concurrency.loop_step import LoopStep, context_of, name_of
from ..context import ActivityInfo, current_or_none


@dataclass(frozen=True)
class Subject:
    """What a task or callback on an event loop is for.

    Attributes:
        owner: the activity; the function, if there is none.
        name: the owner, and the function if it is not the activity's own.
        info: the activity's task; None for something without an activity.
    """

    owner: str
    name: str
    info: ActivityInfo | None


def subject_of_step(loop: EventLoop, step: LoopStep) -> Subject:
    """Return what a step is for."""
    return _subject(loop, step.task, step.context, step.name)


def subject_of_task(loop: EventLoop, task: asyncio.Task[Any]) -> Subject:
    """Return what a task is for; before Python 3.12, only an activity's own task names it."""
    return _subject(loop, task, context_of(task), name_of(task))


def _subject(
    loop: EventLoop,
    task: asyncio.Task[Any] | None,
    context: contextvars.Context | None,
    function: str,
) -> Subject:
    own = None if task is None else loop.running.get(task)
    if own is not None:
        return Subject(str(own), str(own), getattr(own, "info", None))
    # Perhaps an activity has started it.
    info = None if context is None else current_or_none(context)
    if info is None:
        return Subject(function, function, None)
    return Subject(str(info), f"{info}, in {function}", info)
