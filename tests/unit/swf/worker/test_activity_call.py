"""One call of an author's class: what it runs amid, and what it comes to."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from flowy import context, reasons
from flowy.concurrency.stop import StopLevel
from flowy.exception import OutsideActivityError
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
from flowy.swf.worker.activity_call import ActivityCall, answer_of_silence, is_async
from flowy.swf.worker.auto_heartbeats import AutoHeartbeats
from flowy.swf.worker.heartbeats import Heartbeats
from flowy.swf.worker.run_scheduler import RunScheduler
from flowy.task import Activity, AsyncActivity
from tests.unit.swf.worker.runs import INTERVAL, TYPE, Case, Recorder, RecordingRun, task


class Call:
    """A call of an author's class.

    Attributes:
        run: gets what the activity answers by itself.
        heartbeats_told: how often a background heartbeat was told of.
    """

    def __init__(self, case: Case, factory: Any, *, input: str = "[[], {}]", **worker: Any) -> None:
        shared = case.context(factory, **worker)
        brought = task(input=input)
        implementation = shared.activities[TYPE]
        self.run = RecordingRun(case.calls, case.clock)
        self.heartbeats_told = 0
        self.call = ActivityCall(
            worker=shared,
            implementation=implementation,
            task=brought,
            running=shared.running(shared.info_of(brought, implementation.defaults)),
            scheduler=RunScheduler(self.run),
            status=self.run.status,
            heartbeats=self.run.heartbeats,
            heartbeat_sent=self._heartbeat_told,
        )

    def answer(self) -> Answer | None:
        """Run it in this thread, or a coroutine on a loop of this thread's."""
        if not is_async(self.call.implementation):
            return self.call.answer()
        return asyncio.run(self.call.conclusion())()

    def _heartbeat_told(self) -> None:
        self.heartbeats_told += 1


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


# Context


def test_the_context_is_there_in_a_run(case: Case) -> None:
    """And nowhere after it."""
    seen: list[Any] = []

    class Work(Activity):
        def run(self) -> None:
            seen.extend([self.info.workflow_id, context.worker_stopping()])
            case.flag.raise_to(StopLevel.DRAIN)
            seen.append(context.worker_stopping())

    Call(case, Work).answer()
    assert seen == ["flow", False, True]
    with pytest.raises(OutsideActivityError):
        context.current()


def test_the_context_is_there_in_a_coroutine_and_what_it_calls(case: Case) -> None:
    """info and worker_stopping work in coroutines, and in what to_thread runs."""
    seen: list[Any] = []

    class Work(AsyncActivity):
        async def run(self) -> None:
            seen.append(self.info.workflow_id)
            case.flag.raise_to(StopLevel.DRAIN)
            seen.append(await asyncio.to_thread(context.worker_stopping))

    Call(case, Work).answer()
    assert seen == ["flow", True]


def test_the_context_is_there_when_the_value_of_a_coroutine_is_encoded(case: Case) -> None:
    """That happens in a thread, after the run."""
    seen: list[str] = []

    class Work(AsyncActivity):
        async def run(self) -> int:
            return 1

        @staticmethod
        def _serialize_result(result: Any) -> str:
            seen.append(context.current().workflow_id)
            return str(result)

    assert Call(case, Work).answer() == Completed("1")
    assert seen == ["flow"]


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def test_each_run_has_a_copy_of_the_workers_context(case: Case) -> None:
    """It sees what was set before the worker started, and what it sets nobody else sees."""
    seen: list[str] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(VARIABLE.get())
            VARIABLE.set("by a run")

    shared = contextvars.copy_context()
    shared.run(VARIABLE.set, "by the worker")
    for _ in range(2):
        Call(case, Work, context=shared).answer()
    assert seen == ["by the worker"] * 2
    assert VARIABLE.get() == "unset"


class Remains(Activity):
    """Returns the seconds that are left."""

    def run(self) -> float | None:
        return self.remaining()


@pytest.mark.parametrize(
    ("start_to_close", "schedule_to_close", "left"),
    [(300, 420, "300.0"), (300, 200, "200.0"), (None, 420, "420.0"), (300, None, "300.0")],
)
def test_remaining_is_the_sooner_of_two_timeouts(
    case: Case, start_to_close: int | None, schedule_to_close: int | None, left: str
) -> None:
    """Start-to-close, with schedule-to-close as an upper bound."""
    call = Call(case, Remains, start_to_close=start_to_close, schedule_to_close=schedule_to_close)
    assert call.answer() == Completed(left)


def test_remaining_is_none_without_limits(case: Case) -> None:
    """No declared timeout, no estimate."""
    call = Call(case, Remains, start_to_close=None, schedule_to_close=None)
    assert call.answer() == Completed("null")


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


# Background heartbeats


def test_heartbeats_go_out_in_the_background_while_it_runs(case: Case) -> None:
    """With what the activity reports; each is told of."""

    class Work(Activity):
        def run(self) -> None:
            self.progress({"rows": 7})
            case.beat()
            case.beat()

    call = Call(case, Work, auto_heartbeat=True)
    call.answer()
    assert case.calls.beats == ['{"rows": 7}'] * 2
    assert call.heartbeats_told >= 1


def test_a_background_heartbeat_tells_a_running_activity(case: Case) -> None:
    """cancel_requested turns True without a call, and heartbeat() answers False."""
    case.calls.beat = lambda: True
    seen: list[bool] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(self.cancel_requested)
            while not self.cancel_requested:
                case.beat()
            seen.append(self.heartbeat())

    assert Call(case, Work, auto_heartbeat=True).answer() == Canceled()
    assert seen == [False, False]


class Settings(AutoHeartbeats):
    """Remembers with what settings heartbeats were to go out."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, float | None]] = []

    @contextlib.contextmanager
    def during(
        self,
        heartbeats: Heartbeats,
        *,
        interval_seconds: float,
        max_stall_seconds: float | None,
        sent: Callable[[], object],
        first_seconds: float | None = None,
    ) -> Iterator[None]:
        self.seen.append((interval_seconds, max_stall_seconds))
        yield


def test_the_settings_are_those_of_the_implementation(case: Case) -> None:
    """The interval and max_stall; without an interval there are none."""
    settings = Settings()
    Call(case, Remains, auto_heartbeat=True, max_stall=30, auto_heartbeats=settings).answer()
    Call(case, Remains, auto_heartbeats=settings).answer()
    assert settings.seen == [(INTERVAL, 30)]
