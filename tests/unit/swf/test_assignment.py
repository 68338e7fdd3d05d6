"""One task in a worker's hands: in threads, as a coroutine, with background beats, at a stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowy import context, reasons
from flowy.exception import CancelTask, SuspendTask
from flowy.executor import EventLoop
from flowy.heartbeat import Background, Verdict
from flowy.shutdown import StopFlag, StopLevel
from flowy.swf.assignment import Assignment, Desk
from flowy.swf.delivery import StopPolicy
from flowy.swf.report import Tally
from flowy.swf.values import ActivityDefaults, ActivityImplementation, ActivityTask, ActivityType
from flowy.task import Activity, AsyncActivity
from tests.unit.swf.calls import PATIENCE_SECONDS, Book, Calls, unknown

TYPE = ActivityType("work", "1")


class Case:
    """A worker's desk, and tasks on it."""

    def __init__(self) -> None:
        self.calls = Calls()
        self.book = Book()
        self.flag = StopFlag()
        self.tally = Tally()
        self.background = Background()
        self.loop: EventLoop | None = None
        self._ended = threading.Event()
        self.error: BaseException | None = None

    def assignment(
        self,
        factory: Any,
        *,
        interval: float | None = None,
        stall: float | None = None,
        on_stop: str = "abandon",
        on_unknown: str = "fail",
        type_: ActivityType = TYPE,
        heartbeat: int | None = 60,
        start_to_close: int | None = 300,
        schedule_to_close: int | None = 420,
    ) -> Assignment:
        defaults = ActivityDefaults("tasks", heartbeat, schedule_to_close, 120, start_to_close)
        found = ActivityImplementation(TYPE, defaults, factory, "here", 1, interval, stall)
        desk = Desk(
            activities={TYPE: found},
            calls=self.calls,
            domain="domain",
            task_list="tasks",
            identity="me",
            policy=StopPolicy(self.flag, None, on_stop),
            on_unknown=on_unknown,
            tally=self.tally,
            ledger=self.book,
            background=self.background,
        )
        task = ActivityTask(type_, "token", "1", "flow", "run", 5, "[[], {}]")
        return Assignment(desk, task)

    def begin(self, assignment: Assignment) -> None:
        """Start a coroutine as a worker does."""
        self.loop = self.loop or EventLoop()

        def over(error: BaseException | None) -> None:
            self.error = error
            assignment.over(error)
            self._ended.set()

        assignment.cancel = self.loop.submit(assignment.run_coroutine, over)

    def wait(self) -> None:
        assert self._ended.wait(PATIENCE_SECONDS)

    def await_(self, assignment: Assignment) -> None:
        """Run a coroutine to its end."""
        self.begin(assignment)
        self.wait()

    @property
    def answer(self) -> tuple[str, ...]:
        """The only answer."""
        (made,) = self.calls.made
        return made


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case()
    yield made
    made.background.close()
    if made.loop is not None:
        made.loop.close()


# The ledger


def test_a_task_is_in_the_ledger_before_it_runs(case: Case) -> None:
    """Entered, then run, then answered, then struck out."""
    order: list[str] = []

    class Work(Activity):
        def run(self) -> None:
            order.extend(entry[0] for entry in case.book.entries)

    case.assignment(Work).run()
    assert order == ["enter"]
    assert case.book.entries == [("enter", "token"), ("strike", "token", "COMPLETED")]


def test_a_suspended_task_is_struck_out(case: Case) -> None:
    """It is not this process's to answer any more, whatever becomes of the process."""

    class Work(Activity):
        def run(self) -> None:
            raise SuspendTask

    case.assignment(Work).run()
    assert case.book.entries[-1] == ("strike", "token", "SUSPENDED")
    assert case.calls.tried == []
    assert case.tally.report().suspended == 1


@pytest.mark.parametrize(("on_unknown", "answers"), [("fail", 1), ("abandon", 0)])
def test_a_task_of_an_unknown_type(case: Case, on_unknown: str, answers: int) -> None:
    """Failed by a fixed reason that names what this worker has, or left; struck out either way."""
    case.assignment(Activity, type_=ActivityType("other", "2"), on_unknown=on_unknown).run()
    assert len(case.calls.made) == answers
    if answers:
        assert case.answer[1] == f"{reasons.UNKNOWN_ACTIVITY_TYPE}other 2. This worker has work 1."
    assert [entry[0] for entry in case.book.entries] == ["enter", "strike"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_must_go_on_up_goes_on_after_the_answer(case: Case, error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit fail the task, and are raised then."""

    class Work(Activity):
        def run(self) -> None:
            raise error

    with pytest.raises(type(error)):
        case.assignment(Work).run()
    assert case.answer[0] == "fail"
    assert case.tally.report().failed == 1


def test_a_constructor_that_raises_fails_its_task(case: Case) -> None:
    """What the author overrides may break before there is an activity to answer."""

    class Work(Activity):
        def __init__(self, *args: Any) -> None:
            raise RuntimeError("no such table")

    case.assignment(Work).run()
    assert case.answer[:2] == ("fail", "no such table")


def test_a_call_that_answers_nothing_fails_its_task(case: Case) -> None:
    """An overridden __call__ that forgets to answer must not leave the task open."""

    class Work(Activity):
        def __call__(self) -> None:
            pass

    case.assignment(Work).run()
    assert case.answer[1].startswith(reasons.NO_ANSWER)


# Context


def test_the_context_is_there_in_a_coroutine_and_what_it_calls(case: Case) -> None:
    """info, worker_stopping and remaining work in coroutines and in what to_thread runs."""
    seen: list[Any] = []

    class Work(AsyncActivity):
        async def run(self) -> None:
            seen.extend([self.info.workflow_id, context.worker_stopping()])
            case.flag.raise_to(StopLevel.FINISH)
            seen.append(await asyncio.to_thread(context.worker_stopping))

    case.await_(case.assignment(Work))
    assert seen == ["flow", False, True]


@pytest.mark.parametrize(
    ("start_to_close", "schedule_to_close", "most"),
    [(300, 420, 300), (300, 200, 200), (None, 420, 420), (300, None, 300)],
)
def test_remaining_is_the_sooner_of_two_timeouts(
    case: Case, start_to_close: int | None, schedule_to_close: int | None, most: int
) -> None:
    """Start-to-close since the poll, with schedule-to-close as an upper bound."""
    seen: list[float | None] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(self.remaining())

    case.assignment(Work, start_to_close=start_to_close, schedule_to_close=schedule_to_close).run()
    assert seen[0] == pytest.approx(most, abs=5)
    assert seen[0] is not None
    assert seen[0] <= most


def test_remaining_counts_from_the_poll(case: Case) -> None:
    """The estimate began when the poll returned, not when the run did."""
    seen: list[float | None] = []

    class Work(AsyncActivity):
        async def run(self) -> None:
            seen.append(self.remaining())

    assignment = case.assignment(Work, start_to_close=1, schedule_to_close=None)
    threading.Event().wait(0.05)
    case.await_(assignment)
    assert seen[0] is not None
    assert seen[0] <= 0.95


def test_remaining_is_none_without_limits(case: Case) -> None:
    """No declared timeout, no estimate."""
    seen: list[float | None] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(self.remaining())

    case.assignment(Work, start_to_close=None, schedule_to_close=None).run()
    assert seen == [None]


# Background beats


def test_a_background_beat_tells_a_running_activity(case: Case) -> None:
    """cancel_requested turns True without a call, and heartbeat() answers False."""
    seen: list[Any] = []
    case.calls.beat = lambda: True

    class Work(Activity):
        def run(self) -> None:
            seen.append(self.cancel_requested)
            case.calls.wait_until(lambda: self.cancel_requested)
            seen.append(self.heartbeat())
            raise CancelTask("cleaned up")

    case.assignment(Work, interval=0.01).run()
    assert seen == [False, False]
    assert case.answer == ("cancel", "cleaned up")


def test_beats_stop_with_the_run(case: Case) -> None:
    """No beat goes out for an activity that has ended."""

    class Work(Activity):
        def run(self) -> None:
            self.progress({"rows": 7})
            case.calls.wait_until(lambda: len(case.calls.beats) >= 2)

    case.assignment(Work, interval=0.01).run()
    beats = list(case.calls.beats)
    assert '{"rows": 7}' in beats
    case.assignment(Work, interval=0.01)
    assert case.calls.beats == beats


def test_max_stall_lets_a_hung_activity_time_out(case: Case) -> None:
    """With nothing reported for max_stall seconds the beats rest, and begin again with progress."""
    resumed = threading.Event()

    class Work(Activity):
        def run(self) -> None:
            case.calls.wait_until(lambda: len(case.calls.beats) >= 1)
            witness = threading.Event()
            count = -1
            while count != len(case.calls.beats):  # until an age without a beat
                count = len(case.calls.beats)
                witness.wait(0.3)
            self.progress("awake")
            case.calls.wait_until(lambda: "awake" in case.calls.beats)
            resumed.set()

    case.assignment(Work, interval=0.01, stall=0.1).run()
    assert resumed.is_set()


# Coroutines


def test_a_coroutine_completes(case: Case) -> None:
    """Its value is the result, as of any activity."""

    class Work(AsyncActivity):
        async def run(self) -> str:
            await asyncio.sleep(0)
            return "done"

    assignment = case.assignment(Work)
    assert assignment.is_coroutine
    case.await_(assignment)
    assert case.answer == ("complete", '"done"')


class Waits(AsyncActivity):
    """Waits for ever, and writes down each cancellation."""

    canceled: list[str]

    async def run(self) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("beat", "answer"),
    [(lambda: True, [("cancel", "")]), (lambda: (_ for _ in ()).throw(unknown()), [])],
)
def test_a_coroutine_is_canceled_by_what_a_background_beat_learns(
    case: Case, beat: Callable[[], bool], answer: list[tuple[str, ...]]
) -> None:
    """Cancellation requested: answered canceled; task closed: no answer."""
    case.calls.beat = beat
    case.await_(case.assignment(Waits, interval=0.01))
    assert case.calls.made == answer
    assert len(case.book.entries) == 2


@pytest.mark.parametrize(("on_stop", "verbs"), [("abandon", []), ("fail", ["fail"])])
def test_a_coroutine_is_canceled_by_the_stop(case: Case, on_stop: str, verbs: list[str]) -> None:
    """Once the grace is over; what becomes of its task is the policy's."""
    assignment = case.assignment(Waits, on_stop=on_stop)
    case.begin(assignment)
    case.flag.raise_to(StopLevel.HURRY)
    assert assignment.cancel is not None
    assignment.cancel()
    case.wait()
    assert case.calls.tried == verbs
    assert case.calls.made == [] or case.answer[1].startswith(reasons.WORKER_STOPPED)


def test_a_cancellederror_of_its_own_is_a_failure(case: Case) -> None:
    """Nobody asked the worker to cancel it: the decider hears of a failure."""

    class Work(AsyncActivity):
        async def run(self) -> None:
            inner = asyncio.ensure_future(asyncio.sleep(3_600))
            inner.cancel()
            await inner

    case.await_(case.assignment(Work))
    assert case.answer[:2] == ("fail", "CancelledError")


def test_a_coroutine_that_catches_it_and_returns_a_value_completes(case: Case) -> None:
    """Completing all the same is allowed."""
    case.calls.beat = lambda: True

    class Work(AsyncActivity):
        async def run(self) -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return "what I have"
            return ""

    case.await_(case.assignment(Work, interval=0.01))
    assert case.answer == ("complete", '"what I have"')


def test_a_coroutine_that_catches_it_and_returns_none_was_told(case: Case) -> None:
    """None after a cancellation is no completion: it is answered canceled."""
    case.calls.beat = lambda: True

    class Work(AsyncActivity):
        async def run(self) -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    case.await_(case.assignment(Work, interval=0.01))
    assert case.answer == ("cancel", "")


def test_a_coroutine_may_turn_it_into_canceltask(case: Case) -> None:
    """A CancelledError by the worker is as good as a heartbeat that answered False."""
    case.calls.beat = lambda: True

    class Work(AsyncActivity):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise CancelTask("half done") from None

    case.await_(case.assignment(Work, interval=0.01))
    assert case.answer == ("cancel", "half done")


def test_a_timeout_of_its_own_is_no_cancellation(case: Case) -> None:
    """asyncio.wait_for cancels from within; the worker has nothing to do with it."""

    class Work(AsyncActivity):
        async def run(self) -> None:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)

    case.await_(case.assignment(Work))
    assert case.answer == ("complete", "null")


def test_a_coroutine_is_canceled_once_for_one_cause(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Its cleaning up is not canceled by each further beat that says the same."""
    case.calls.beat = lambda: True
    cleaned: list[int] = []

    class Work(AsyncActivity):
        async def run(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                beats = len(case.calls.beats)
                while len(case.calls.beats) < beats + 5:
                    await asyncio.sleep(0.005)
                cleaned.append(beats)
                raise

    with caplog.at_level(logging.INFO):
        case.await_(case.assignment(Work, interval=0.01))
    assert len(cleaned) == 1
    assert case.answer[0] == "cancel"
    assert caplog.text.count("A background heartbeat of") == 1


def test_a_coroutine_told_by_its_own_heartbeat_is_not_canceled_besides(case: Case) -> None:
    """It knows, and is cleaning up."""
    knows = threading.Event()

    def beat() -> bool:
        if threading.current_thread().name.startswith("flowy-heartbeat"):
            assert knows.wait(PATIENCE_SECONDS)
        return True

    class Work(AsyncActivity):
        async def run(self) -> None:
            assert not await self.heartbeat()
            knows.set()
            beats = len(case.calls.beats)
            while len(case.calls.beats) < beats + 5:
                await asyncio.sleep(0.005)
            raise CancelTask("cleaned up")

    case.calls.beat = beat
    case.await_(case.assignment(Work, interval=0.01))
    assert case.answer == ("cancel", "cleaned up")


def test_a_coroutine_is_canceled_again_for_another_cause(case: Case) -> None:
    """One that goes on after a request to cancel is canceled when its task is closed."""
    case.calls.beat = lambda: True
    causes: list[Verdict] = []

    class Work(AsyncActivity):
        async def run(self) -> None:
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    causes.append(self._scheduler.verdict(self.token))
                    if len(causes) == 2:
                        raise
                    case.calls.beat = lambda: (_ for _ in ()).throw(unknown())

    case.await_(case.assignment(Work, interval=0.01))
    assert causes == [Verdict.CANCEL_REQUESTED, Verdict.CLOSED]
    assert case.calls.made == []


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, MemoryError])
def test_what_a_coroutine_raises_does_not_end_the_loop_of_the_others(
    case: Case, error: type[BaseException]
) -> None:
    """Its task fails; the loop goes on."""

    class Work(AsyncActivity):
        async def run(self) -> None:
            raise error("so")

    case.await_(case.assignment(Work))
    assert case.answer[:2] == ("fail", "so")
    assert case.error is None
    case.calls.made.clear()
    case._ended.clear()
    case.await_(case.assignment(Work))
    assert case.answer[0] == "fail"


def test_a_coroutine_canceled_before_it_began_is_settled(case: Case) -> None:
    """Its run never began; its task is the policy's all the same."""
    blocked = threading.Event()
    case.loop = EventLoop()
    blocker = case.loop.submit(lambda: _blocks(blocked), lambda error: None)
    assignment = case.assignment(Waits)
    case.begin(assignment)
    case.flag.raise_to(StopLevel.HURRY)
    assert assignment.cancel is not None
    assignment.cancel()
    blocked.set()
    case.wait()
    assert case.book.entries[-1] == ("strike", "token", "ABANDONED")
    blocker()


async def _blocks(until: threading.Event) -> None:
    assert until.wait(PATIENCE_SECONDS)


def test_a_dismissed_task_is_counted_once(case: Case) -> None:
    """The hung activity that ends after all is not counted a second time."""
    going, go_on = threading.Event(), threading.Event()

    class Work(Activity):
        def run(self) -> None:
            going.set()
            assert go_on.wait(PATIENCE_SECONDS)

    assignment = case.assignment(Work)
    thread = threading.Thread(target=assignment.run)
    thread.start()
    assert going.wait(PATIENCE_SECONDS)
    case.flag.raise_to(StopLevel.HURRY)
    assignment.dismiss()
    assert assignment.settled
    go_on.set()
    thread.join()
    report = case.tally.report()
    assert (report.completed, len(report.abandoned)) == (0, 1)
    assert case.calls.tried == []
