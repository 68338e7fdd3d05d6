"""Middleware: code around the ``run`` of every activity, or of those of one class.

Middleware runs in the activity's own thread or on its event loop, right around ``run``, so
context variables, database connections and error reporters see the activity's surroundings. It
sees the exception itself, and may change the arguments, the value or the exception.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from .context import ActivityInfo


@dataclass(frozen=True)
class Run:
    """One run of one activity, as middleware sees it.

    Attributes:
        activity: the instance whose ``run`` is about to be called.
        info: what is known about its task; None outside a worker.
        args: the positional arguments.
        kwargs: the keyword arguments.
    """

    activity: Any
    info: ActivityInfo | None
    args: tuple[Any, ...] = field(repr=False)
    kwargs: dict[str, Any] = field(repr=False)


class Middleware:
    """The base class of middleware: override ``run``, ``run_async``, or both.

    One object serves all runs of a worker, in several threads at once.
    """

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        """Run an ``Activity``, and return the value of the run.

        Args:
            run: the run, with its arguments.
            call_next: runs the next middleware, and at the end the activity. It takes *run*, or a
                copy that ``dataclasses.replace`` has changed.

        Raises:
            Exception: any exception fails the task, as one from the activity does. Let
                ``SuspendTask``, ``HandOverTask`` and ``CancelTask`` pass.
        """
        return call_next(run)

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        """Run an ``AsyncActivity``; like ``run``, but ``await call_next(run)``."""
        return await call_next(run)


class around(Middleware):  # noqa: N801 - used like a function
    """Middleware that enters a context manager around each run.

    Args:
        context_manager_factory: called with the ``Run``; returns a context manager, an
            asynchronous one for coroutines if it has ``__aenter__``.
    """

    def __init__(self, context_manager_factory: Callable[[Run], Any]) -> None:
        self._factory = context_manager_factory

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        """Run within the context manager."""
        with self._factory(run):
            return call_next(run)

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        """Run within the context manager, which may be an asynchronous one."""
        manager = self._factory(run)
        async with contextlib.AsyncExitStack() as stack:
            if hasattr(manager, "__aenter__"):
                await stack.enter_async_context(manager)
            else:
                stack.enter_context(manager)
            return await call_next(run)


def check_middleware(middleware: object) -> tuple[Middleware, ...]:
    """Return *middleware* as a tuple.

    Raises:
        ValueError: it is not a list or tuple of ``Middleware`` objects.
    """
    several = isinstance(middleware, list | tuple)
    for each in middleware if several else [middleware]:  # type: ignore[attr-defined]
        if not (several and isinstance(each, Middleware)):
            raise ValueError(
                f"Cannot use {each!r} as middleware: give a list of objects whose class derives "
                "from flowy.middleware.Middleware, such as middleware=[MyMiddleware()]."
            )
    return tuple(middleware)  # type: ignore[arg-type]
