"""One call of an author's class: what it runs amid, and what it comes to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.invocation import (
    Answer,
    Canceled,
    Completed,
    Failed,
    NoAnswer,
    StatusRecord,
    TaskStatus,
)
from flowy.middleware import Middleware, Run
from flowy.observer import Observers, TaskStarted
from flowy.swf.worker.activity_call import answer_of_silence, is_async
from flowy.task import Activity, AsyncActivity
from tests.unit.swf.worker.activity_call import Call
from tests.unit.swf.worker.runs import Case, Recorder


class Adds(Activity):
    """Adds."""

    def run(self, one: int, other: int) -> int:
        return one + other


class AddsAsync(AsyncActivity):
    """Adds on the event loop."""

    async def run(self, one: int, other: int) -> int:
        await asyncio.sleep(0)
        return one + other


@pytest.fixture(params=[Adds, AddsAsync])
def adds(request: pytest.FixtureRequest) -> type[Activity]:
    """An activity, and its twin that is a coroutine."""
    found: type[Activity] = request.param
    return found


def test_the_answer_is_what_the_run_comes_to(case: Case, adds: type[Activity]) -> None:
    """The class is constructed with the task's input and token; nothing is sent."""
    call = Call(case, adds, input='[[1], {"other": 2}]')
    assert call.answer() == Completed("3")
    assert call.run.answers == []


def test_a_constructor_that_raises_is_not_held_back(case: Case) -> None:
    """There is no activity that could answer."""

    class Work(Activity):
        def __init__(self, *args: Any) -> None:
            raise RuntimeError("no such table")

    with pytest.raises(RuntimeError, match="no such table"):
        Call(case, Work).answer()


@pytest.mark.parametrize(
    ("factory", "expected"),
    [(Adds, False), (AddsAsync, True), (lambda *args: print, False)],
)
def test_what_runs_on_the_event_loop(case: Case, factory: Any, expected: bool) -> None:
    """Classes of coroutines; another callable may return anything."""
    assert is_async(Call(case, factory).call.implementation) is expected


# The author's own call


class Answers(Activity):
    """Answers by itself."""

    def __call__(self) -> None:
        self._scheduler.complete(self.token, '"mine"')


class AnswersAsync(AsyncActivity):
    """Answers by itself on the event loop."""

    async def __call__(self) -> None:
        self._scheduler.complete(self.token, '"mine"')


@pytest.mark.parametrize("factory", [Answers, AnswersAsync])
def test_a_call_that_is_overridden_answers_by_itself(case: Case, factory: type[Activity]) -> None:
    """Its author decides what it comes to."""
    call = Call(case, factory)
    assert call.answer() is None
    assert call.run.answers == [Completed('"mine"')]


def test_an_overridden_call_may_use_that_of_the_base(case: Case) -> None:
    """It answers through its scheduler."""

    class Work(Adds):
        def __call__(self) -> None:
            super().__call__()

    call = Call(case, Work, input="[[1, 2], {}]")
    assert call.answer() is None
    assert call.run.answers == [Completed("3")]


@pytest.mark.parametrize(
    ("learn", "answer"),
    [
        (lambda record: record.closed(), NoAnswer(TaskStatus.CLOSED)),
        (lambda record: record.accepted(cancel_requested=True), Canceled()),
    ],
)
def test_the_answer_of_silence(learn: Callable[[StatusRecord], None], answer: Answer) -> None:
    """A call that answered nothing after it was told to give up gets the matching answer."""
    record = StatusRecord()
    learn(record)
    record.tell()
    assert answer_of_silence(record) == answer


def test_the_answer_of_silence_at_a_stop() -> None:
    """What becomes of the task is the stop's policy."""
    assert answer_of_silence(StatusRecord(lambda: True)) == NoAnswer(TaskStatus.STOPPING)


@pytest.mark.parametrize("cancel_requested", [False, True])
def test_silence_without_a_cause_is_a_failure(cancel_requested: bool) -> None:
    """No task stays open silently; a request that the activity was not told of does not count."""
    record = StatusRecord()
    record.accepted(cancel_requested=cancel_requested)
    answer = answer_of_silence(record)
    assert isinstance(answer, Failed)
    assert answer.reason.startswith(reasons.NO_ANSWER)


# Middleware and observers


class Names(Middleware):
    """Adds its name to the arguments' trail."""

    def __init__(self, name: str, trail: list[str]) -> None:
        self._name = name
        self._trail = trail

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        self._trail.append(self._name)
        return call_next(run)

    async def run_async(self, run: Run, call_next: Callable[[Run], Awaitable[Any]]) -> Any:
        self._trail.append(self._name)
        return await call_next(run)


def test_middleware_of_the_worker_is_outside_that_of_the_class(
    case: Case, adds: type[Activity]
) -> None:
    """The first one is outermost in each."""
    trail: list[str] = []

    class Work(adds):  # type: ignore[misc, valid-type]
        middleware = (Names("class", trail),)

    worker = (Names("first", trail), Names("second", trail))
    assert Call(case, Work, input="[[1, 2], {}]", middleware=worker).answer() == Completed("3")
    assert trail == ["first", "second", "class"]


def test_observers_are_told_before_the_run(case: Case) -> None:
    """With the info of the task."""
    recorder = Recorder()
    told: list[int] = []

    class Work(Activity):
        def run(self) -> None:
            told.append(len(recorder.events))

    Call(case, Work, observers=Observers([recorder])).answer()
    (event,) = recorder.events
    assert isinstance(event, TaskStarted)
    assert event.info.activity_id == "1"
    assert told == [1]
