"""``around()``: a context manager as middleware."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from flowy import Activity
from flowy.invocation import (
    Completed,
)
from flowy.middleware import Run, around
from tests.unit.middlewares import (
    KINDS,
    AsyncEcho,
    Echo,
    answer_of,
    failure_of,
)


@contextlib.contextmanager
def noted(notes: list[str]) -> Iterator[None]:
    notes.append("enter")
    try:
        yield
    except ValueError as error:
        notes.append(str(error))
        raise
    finally:
        notes.append("exit")


@contextlib.asynccontextmanager
async def noted_async(notes: list[str]) -> AsyncIterator[None]:
    await asyncio.sleep(0)
    with noted(notes):
        yield


@KINDS
def test_around_enters_a_context_manager(kind: type[Activity]) -> None:
    """It is made for each run, from the run, and sees what the run raises."""
    notes: list[str] = []
    runs: list[Run] = []

    def make(run: Run) -> contextlib.AbstractContextManager[None]:
        runs.append(run)
        return noted(notes)

    assert answer_of(kind, around(make), input="[[1], {}]") == Completed("1")
    failure_of(kind, around(make), input='[["raise"], {}]')
    assert notes == ["enter", "exit", "enter", "raise", "exit"]
    assert [run.args for run in runs] == [(1,), ("raise",)]


def test_around_enters_an_asynchronous_one_for_coroutines() -> None:
    """A context manager that has ``__aenter__`` is entered the asynchronous way."""
    notes: list[str] = []
    middleware = around(lambda run: noted_async(notes))
    assert answer_of(AsyncEcho, middleware, input="[[1], {}]") == Completed("1")
    failure_of(AsyncEcho, middleware, input='[["raise"], {}]')
    assert notes == ["enter", "exit", "enter", "raise", "exit"]


def test_around_fails_a_task_whose_manager_is_only_asynchronous() -> None:
    """An activity in a thread cannot enter an asynchronous context manager: its task fails."""
    failure = failure_of(Echo, around(lambda run: noted_async([])), input="[[1], {}]")
    # Python 3.10 only names the method that it lacks.
    assert "context manager" in failure.reason or "__enter__" in failure.reason
