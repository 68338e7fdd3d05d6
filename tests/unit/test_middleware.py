"""Middleware: its order, what it sees and may change, and what is not middleware."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from flowy import Activity, AsyncActivity, activity
from flowy.invocation import (
    Completed,
    StatusRecord,
)
from flowy.local import LocalSWF
from flowy.middleware import Middleware, Run, check_middleware
from flowy.swf.boilerplate import start_activity_worker
from flowy.testing import ActivityEnvironment, LocalWorker
from tests.unit.middlewares import (
    KINDS,
    Both,
    Echo,
    Noting,
    answer_of,
)

# The order


@KINDS
def test_the_first_one_is_outermost(kind: type[Activity]) -> None:
    """The first middleware begins first and ends last."""
    notes: list[str] = []
    answer_of(kind, Noting("first", notes), Noting("second", notes))
    assert notes == ["first before", "second before", "second after", "first after"]


@KINDS
def test_the_workers_is_outside_that_of_the_class(kind: type[Activity]) -> None:
    """In a worker its own middleware comes first, then that of the class, then ``run``."""
    notes: list[str] = []

    class Marked(kind):  # type: ignore[valid-type, misc]
        middleware = (Noting("class", notes),)

    env = ActivityEnvironment(middleware=[Noting("worker", notes)])
    assert env.run(Marked, 1) == 1
    assert notes == ["worker before", "class before", "class after", "worker after"]


@KINDS
def test_a_call_without_a_worker_has_that_of_the_class(kind: type[Activity]) -> None:
    """``Activity.__call__`` runs the middleware of the class."""
    notes: list[str] = []
    answers: list[str] = []

    class Scheduler:
        status = StatusRecord()

        def complete(self, token: str, result: str) -> bool:
            answers.append(result)
            return True

    class Marked(kind):  # type: ignore[valid-type, misc]
        middleware = (Noting("class", notes),)

    called = Marked("[[3], {}]", Scheduler(), "token")()
    if asyncio.iscoroutine(called):
        asyncio.run(called)
    assert (notes, answers) == (["class before", "class after"], ["3"])


# What it sees and changes


@KINDS
def test_it_sees_the_run(kind: type[Activity]) -> None:
    """The run has the instance, what is known of its task, and the decoded arguments."""
    seen: list[Run] = []

    class Looking(Both):
        def before(self, run: Run) -> Run:
            seen.append(run)
            return run

    answer_of(kind, Looking(), input='[[1], {"value": 2}]')
    assert seen == []  # the arguments do not fit: nothing is run
    answer_of(kind, Looking(), input='[[], {"value": 2}]')
    env = ActivityEnvironment(middleware=[Looking()], info={"workflow_id": "flow-7"})
    env.run(kind, 1)
    outside, inside = seen
    assert (outside.info, outside.args, outside.kwargs) == (None, (), {"value": 2})
    assert inside.info is not None
    assert inside.info.workflow_id == "flow-7"
    assert type(inside.activity) is kind
    assert (inside.args, inside.kwargs) == ((1,), {})


@KINDS
def test_it_may_change_the_arguments_and_the_value(kind: type[Activity]) -> None:
    """``run`` gets the arguments of the run that is passed on; what is returned is the value."""

    class Changing(Both):
        def before(self, run: Run) -> Run:
            return dataclasses.replace(run, args=(run.args[0] + 1,))

        def after(self, value: Any) -> Any:
            return [value]

    assert answer_of(kind, Changing(), Changing(), input="[[1], {}]") == Completed("[[3]]")


@KINDS
def test_it_need_not_run_anything(kind: type[Activity]) -> None:
    """What it returns without calling on is the value, from a cache for example."""

    class Cached(Middleware):
        def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
            return "cached"

        async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
            return "cached"

    assert answer_of(kind, Cached(), input='[["raise"], {}]') == Completed('"cached"')


@KINDS
def test_one_that_overrides_nothing_changes_nothing(kind: type[Activity]) -> None:
    """Both methods of the base class pass the run on."""
    assert answer_of(kind, Middleware(), input="[[1], {}]") == Completed("1")


def test_the_run_is_frozen_and_shows_no_arguments() -> None:
    """A run is changed by a copy, and its ``repr`` may be logged."""
    run = Run(None, None, ("secret",), {"key": "secret"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.args = ()  # type: ignore[misc]
    assert "secret" not in repr(run)


# Where it runs


def test_it_runs_in_the_thread_and_on_the_loop_of_the_run(local_swf: LocalSWF, domain: str) -> None:
    """Middleware is called where the activity is: its thread, or its event loop's task."""

    def thread() -> list[int]:
        return [threading.get_ident()]

    def task() -> list[int]:
        return [threading.get_ident(), id(asyncio.get_running_loop()), id(asyncio.current_task())]

    class Where(Middleware):
        def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
            return [thread(), call_next(run)]

        async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
            return [task(), await call_next(run)]

    @activity("threaded", 1, "list")
    class Threaded(Activity):
        def run(self) -> list[int]:
            return thread()

    @activity("coroutine", 1, "list")
    class Coroutine(AsyncActivity):
        async def run(self) -> list[int]:
            return task()

    with LocalWorker(local_swf, domain, [Threaded, Coroutine], middleware=[Where()]) as worker:
        for kind in (Threaded, Coroutine):
            around_it, in_it = worker.call(kind)
            assert around_it == in_it


# What is none


NONE: list[Any] = [None, "flowy.middleware:Middleware", Middleware(), Middleware, [Middleware], 7,
                   [lambda run, call_next: call_next(run)], ["abc"], {Middleware(): 1}]  # fmt: skip


@pytest.mark.parametrize("given", NONE)
def test_what_is_no_middleware_is_an_error_at_once(given: Any) -> None:
    """Everything but a list or tuple of ``Middleware`` objects is a ValueError, which shows it."""
    with pytest.raises(ValueError, match="as middleware: give a list of objects"):
        check_middleware(given)


@pytest.mark.parametrize("given", [[], (), [Middleware()], (Middleware(), Middleware())])
def test_a_list_or_a_tuple_is_taken(given: Sequence[Middleware]) -> None:
    """A list and a tuple of ``Middleware`` objects are returned as a tuple."""
    assert check_middleware(given) == tuple(given)


def test_the_decorator_looks_at_the_middleware_of_the_class() -> None:
    """A class with something else in its ``middleware`` is a ValueError at the decorator."""

    class Wrong(Echo):
        middleware = (answer_of,)  # type: ignore[assignment]

    with pytest.raises(ValueError, match="Cannot use <function answer_of"):
        activity("wrong", 1, "list")(Wrong)


def test_a_worker_is_not_started_with_something_else() -> None:
    """``start_activity_worker`` says so before it does anything."""
    with pytest.raises(ValueError, match="Cannot use 7 as middleware"):
        start_activity_worker("domain", "list", activities=[Echo], middleware=[7])  # type: ignore[list-item]


# By name


def test_a_worker_takes_middleware_by_name(local_swf: LocalSWF, domain: str) -> None:
    """``module.name:OBJECT`` is imported, here and in each worker process."""

    @activity("echo", 1, "list")
    class Served(Echo):
        pass

    named = [f"{__name__}:TWICE"]
    with LocalWorker(local_swf, domain, Served, middleware=named) as worker:
        assert worker.call(Served, 4) == 8


class Twice(Both):
    def after(self, value: Any) -> Any:
        return value * 2


TWICE = Twice()


@pytest.mark.parametrize("name", ["no_such_module:X", f"{__name__}:NO_SUCH_OBJECT"])
def test_a_name_that_leads_nowhere_is_said(name: str) -> None:
    """The ImportError has the whole name and the reason."""
    with pytest.raises(ImportError, match=f"^Cannot import {name}: .*NO_SUCH|no_such"):
        start_activity_worker("domain", "list", activities=[Echo], middleware=[name])
