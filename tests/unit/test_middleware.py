"""Middleware: in which order it runs, what it may change, and what its trouble comes to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

import flowy
from flowy import Activity, AsyncActivity, CancelTask, SuspendTask, activity
from flowy.invocation import (
    Answer,
    Canceled,
    Completed,
    Failed,
    StatusRecord,
    Suspended,
    invoke,
    invoke_async,
)
from flowy.local import LocalSWF
from flowy.middleware import Middleware, Run, around, check_middleware
from flowy.swf.boilerplate import start_activity_worker
from flowy.testing import ActivityEnvironment, LocalWorker

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


# Exceptions


@KINDS
def test_it_sees_the_exception_itself(kind: type[Activity]) -> None:
    """Middleware catches the very object that fails the task."""
    seen: list[BaseException] = []

    class Reporting(Both):
        def failed(self, error: BaseException) -> None:
            seen.append(error)

    failure = failure_of(kind, Reporting(), Reporting(), input='[["raise it"], {}]')
    assert seen == [failure.error, failure.error]
    assert isinstance(failure.error, ValueError)
    assert failure.reason == "raise it"


@pytest.mark.parametrize(
    ("steering", "answer"),
    [(SuspendTask(), Suspended()), (CancelTask("half"), Canceled("half"))],
    ids=["SuspendTask", "CancelTask"],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_what_steers_passes(steering: Exception, answer: Answer, is_async: bool) -> None:
    """SuspendTask and CancelTask go through middleware and mean what they mean without it."""
    status = StatusRecord()
    status.accepted(cancel_requested=True)
    status.tell()

    class Steering(Activity):
        def run(self) -> None:
            raise steering

    class AsyncSteering(AsyncActivity):
        async def run(self) -> None:
            raise steering

    kind = AsyncSteering if is_async else Steering
    passed = around(lambda run: contextlib.nullcontext())
    assert answer_of(kind, Both(), passed, status=status) == answer


@KINDS
def test_what_it_raises_fails_the_task(kind: type[Activity]) -> None:
    """An exception of middleware is a failure like one of ``run``, with its own frames."""

    class Broken(Both):
        def before(self, run: Run) -> Run:
            raise RuntimeError("no database")

    failure = failure_of(kind, Broken(), input="[[], {}]")
    assert failure.reason == "no database"
    assert frames(failure) == ["run_async" if kind is AsyncEcho else "run", "before"]


@KINDS
def test_frames_of_middleware_that_passes_an_exception_on_stay_out(kind: type[Activity]) -> None:
    """SWF gets the frames of the activity, as without middleware."""
    plain = failure_of(kind, input='[["raise"], {}]')
    within = around(lambda run: contextlib.nullcontext())
    wrapped = failure_of(kind, Both(), within, Both(), input='[["raise"], {}]')
    assert frames(plain) == frames(wrapped) == ["run"]
    assert wrapped.details == plain.details


@KINDS
def test_frames_stay_out_of_an_exception_that_it_replaces(kind: type[Activity]) -> None:
    """The cause shows the activity, the new exception the middleware; Flowy's frames neither."""

    class Replacing(Both):
        def failed(self, error: BaseException) -> None:
            raise LookupError("replaced") from error

    failure = failure_of(kind, Replacing(), Both(), input='[["raise"], {}]')
    method = "run_async" if kind is AsyncEcho else "run"
    assert failure.reason == "replaced"
    assert frames(failure) == ["run", method, "failed"]


@KINDS
def test_frames_of_around_stay_out(kind: type[Activity]) -> None:
    """A context manager that raises shows its own frames, and none of Flowy's."""

    class Manager(contextlib.AbstractContextManager[None]):
        def __init__(self, *, at_exit: bool) -> None:
            self.at_exit = at_exit

        def __enter__(self) -> None:
            if not self.at_exit:
                raise RuntimeError("no entrance")

        def __exit__(self, *_: object) -> None:
            raise RuntimeError("no exit")

    entering = failure_of(kind, around(lambda run: Manager(at_exit=False)), input="[[], {}]")
    exiting = failure_of(kind, around(lambda run: Manager(at_exit=True)), input='[["raise"], {}]')
    for failure in (entering, exiting):
        assert str(Path(flowy.__file__).parent) not in (failure.details or "")
    assert frames(entering)[-1] == "__enter__"
    assert (frames(exiting)[0], frames(exiting)[-1]) == ("run", "__exit__")


def test_an_exception_that_takes_no_attributes_keeps_its_details() -> None:
    """An exception class that is frozen may be the cause of another one."""

    @dataclasses.dataclass(frozen=True)
    class Frozen(Exception):
        code: int

    class Raising(Activity):
        def run(self) -> None:
            raise Frozen(7)

    class Replacing(Both):
        def failed(self, error: BaseException) -> None:
            raise LookupError("replaced") from error

    failure = failure_of(Raising, Replacing(), input="[[], {}]")
    assert frames(failure) == ["run", "run", "failed"]


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


# around()


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
        middleware = (noted,)  # type: ignore[assignment]

    with pytest.raises(ValueError, match="Cannot use <function noted"):
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
