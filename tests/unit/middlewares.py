"""Activities of both kinds, middleware for both, and what becomes of a run within it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from flowy import Activity, AsyncActivity
from flowy.invocation import (
    Answer,
    Failed,
    StatusRecord,
    invoke,
    invoke_async,
)
from flowy.middleware import Middleware, Run

#: Keeps mypy from looking at what only the worker calls.
NO_SCHEDULER = cast(Any, None)


class Echo(Activity):
    def run(self, value: Any = None) -> Any:
        if isinstance(value, str) and value.startswith("raise"):
            raise ValueError(value)
        return value


class AsyncEcho(AsyncActivity):
    async def run(self, value: Any = None) -> Any:
        await asyncio.sleep(0)
        if isinstance(value, str) and value.startswith("raise"):
            raise ValueError(value)
        return value


KINDS = pytest.mark.parametrize("kind", [Echo, AsyncEcho])


class Both(Middleware):
    """Does the same around both kinds of activities."""

    def before(self, run: Run) -> Run:
        return run

    def after(self, value: Any) -> Any:
        return value

    def failed(self, error: BaseException) -> None:
        """Look at what the run raised."""

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        run = self.before(run)
        try:
            value = call_next(run)
        except BaseException as error:
            self.failed(error)
            raise
        return self.after(value)

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        run = self.before(run)
        try:
            value = await call_next(run)
        except BaseException as error:
            self.failed(error)
            raise
        return self.after(value)


class Noting(Both):
    """Notes when it comes by."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    def before(self, run: Run) -> Run:
        self.notes.append(f"{self.name} before")
        return run

    def after(self, value: Any) -> Any:
        self.notes.append(f"{self.name} after")
        return value


def answer_of(
    kind: type[Activity],
    *middleware: Middleware,
    input: str = "[[], {}]",
    status: StatusRecord | None = None,
) -> Answer:
    """Invoke an activity of either kind and return its answer."""
    made = kind(input, NO_SCHEDULER, "token")
    status = status or StatusRecord()
    if issubclass(kind, AsyncActivity):
        return asyncio.run(invoke_async(made, input, status, middleware))
    return invoke(made, input, status, middleware)


def failure_of(kind: type[Activity], *middleware: Middleware, input: str) -> Failed:
    """Invoke an activity that fails."""
    answer = answer_of(kind, *middleware, input=input)
    assert isinstance(answer, Failed)
    return answer


def frames(failure: Failed) -> list[str]:
    """Return the functions of all frames in the details, those of the causes included."""
    lines = (failure.details or "").splitlines()
    return [line.rpartition(" in ")[2] for line in lines if line.startswith("  File")]
