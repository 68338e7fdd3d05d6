"""Middleware around a run: in order, with the exception itself, able to change what happens."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from flowy.exception import SuspendTask
from flowy.invocation import (
    Answer,
    Completed,
    StatusRecord,
    Suspended,
    invoke,
    invoke_async,
)
from flowy.middleware import Middleware, Run
from tests.unit.invocation.activities import Plain, failed, running

Way = Callable[..., Answer]


class Noting(Middleware):
    """Notes what passes, and adds its name to the arguments and to the value."""

    def __init__(self, name: str, seen: list[str]) -> None:
        self._name = name
        self._seen = seen

    def _before(self, run: Run) -> Run:
        self._seen.append(f"{self._name} {run.args}")
        return dataclasses.replace(run, args=(*run.args, self._name))

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        return [call_next(self._before(run)), self._name]

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        return [await call_next(self._before(run)), self._name]


class Replacing(Middleware):
    """Turns every exception into another one."""

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        try:
            return call_next(run)
        except ValueError as error:
            raise KeyError("replaced") from error

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        try:
            return await call_next(run)
        except ValueError as error:
            raise KeyError("replaced") from error


class Short(Middleware):
    """Answers by itself."""

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        return "cached"

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        return "cached"


def in_thread(body: Callable[..., Any], *middleware: Middleware, input: str) -> Answer:
    return invoke(running(body), input, StatusRecord(), middleware)


def as_coroutine(body: Callable[..., Any], *middleware: Middleware, input: str) -> Answer:
    async def run(self: Plain, *args: Any, **kwargs: Any) -> Any:
        await asyncio.sleep(0)
        return body(self, *args, **kwargs)

    return asyncio.run(invoke_async(running(run), input, StatusRecord(), middleware))


@pytest.fixture(params=[in_thread, as_coroutine], ids=["thread", "coroutine"])
def way(request: pytest.FixtureRequest) -> Way:
    """How the activity runs."""
    found: Way = request.param
    return found


def test_the_first_is_outermost(way: Way) -> None:
    """It sees the arguments first and the value last; each may change both."""
    seen: list[str] = []
    answer = way(
        lambda self, *args: list(args),
        Noting("outer", seen),
        Noting("inner", seen),
        input="[[1], {}]",
    )
    assert seen == ["outer (1,)", "inner (1, 'outer')"]
    assert answer == Completed('[[[1, "outer", "inner"], "inner"], "outer"]')


def test_it_sees_the_exception_itself(way: Way) -> None:
    """What it raises in its place fails the task, with its own frames in the details."""

    def body(self: Plain) -> None:
        raise ValueError("why")

    reason, details = failed(way(body, Replacing(), input="[[], {}]"))
    assert reason == "KeyError: 'replaced'"
    assert "ValueError: why" in details
    assert "flowy/invocation" not in details.rpartition("direct cause")[2]


def test_the_run_may_be_left_out(way: Way) -> None:
    """A value from a cache is the run's value."""

    def body(self: Plain) -> None:
        raise AssertionError("it ran")

    assert way(body, Short(), input="[[], {}]") == Completed('"cached"')


def test_steering_passes(way: Way) -> None:
    """Middleware that overrides nothing changes nothing."""

    def body(self: Plain) -> None:
        raise SuspendTask

    assert way(body, Middleware(), Replacing(), input="[[], {}]") == Suspended()
