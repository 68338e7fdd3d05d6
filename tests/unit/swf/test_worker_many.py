"""ActivityWorker: what may happen between a poll and a start, and at a stop, made to happen.

Its client is a stand-in whose polls are answered one by one, so that each moment can be met.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import OutOfReachError
from flowy.shutdown import StopLevel
from flowy.swf.report import StopReport
from flowy.swf.values import ActivityDefaults, ActivityImplementation, ActivityTask, ActivityType
from flowy.swf.worker import ActivityWorker
from flowy.task import Activity, AsyncActivity
from tests.unit.swf.calls import PATIENCE_SECONDS, Book, Calls


class Hub:
    """The client: polls wait here until they are answered."""

    def __init__(self) -> None:
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.polls = 0
        self.changed = threading.Condition()
        self.calls: dict[str, Calls] = {}
        self._tokens = 0

    def give(self, name: str = "work") -> str:
        """Answer a poll with a task; return its token."""
        self._tokens += 1
        token = f"token-{self._tokens}"
        self.calls[token] = Calls()
        self.answers.put(
            ActivityTask(ActivityType(name, "1"), token, token, "flow", "run", 5, "[[], {}]")
        )
        return token

    def give_nothing(self, polls: int = 1) -> None:
        for _ in range(polls):
            self.answers.put(None)

    def wait_for_polls(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.polls >= count, PATIENCE_SECONDS)

    def made(self, token: str) -> list[tuple[str, ...]]:
        return self.calls[token].made

    # What ActivityWorker's parts call

    def poll_for_activity_task(
        self, domain: str, task_list: str, identity: str
    ) -> ActivityTask | None:
        with self.changed:
            self.polls += 1
            self.changed.notify_all()
        answer = self._next_answer()
        if isinstance(answer, Exception):
            raise answer
        assert answer is None or isinstance(answer, ActivityTask)
        return answer

    def _next_answer(self) -> Any:
        while True:
            try:  # in slices, for the main thread hears of a signal only between two waits
                return self.answers.get(timeout=0.2)
            except queue.Empty:
                continue

    def record_activity_task_heartbeat(self, token: str, details: str | None) -> bool:
        return self.calls[token].heartbeat(token, details)

    def respond_activity_task_completed(self, token: str, result: str) -> None:
        self.calls[token].complete(token, result)

    def respond_activity_task_failed(self, token: str, reason: str, details: str | None) -> None:
        self.calls[token].fail(token, reason, details)

    def respond_activity_task_canceled(self, token: str, details: str | None) -> None:
        self.calls[token].cancel(token, details)


class Case:
    """A worker on a thread, and all around it."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.book = Book()
        self.left: list[StopReport] = []
        self.left_at = threading.Event()
        self.report: StopReport | None = None
        self.error: BaseException | None = None
        self.worker: ActivityWorker | None = None
        self.release = threading.Event()
        self.begun = threading.Semaphore(0)
        self._thread: threading.Thread | None = None

    def activities(self) -> dict[str, type[Activity]]:
        case = self

        class Work(Activity):
            def run(self) -> str:
                case.begun.release()
                assert case.release.wait(60)
                return "done"

        class Coroutine(AsyncActivity):
            async def run(self) -> str:
                case.begun.release()
                await asyncio.Event().wait()
                return "never"

        class Stubborn(AsyncActivity):
            async def run(self) -> str:
                case.begun.release()
                while not case.release.is_set():
                    try:
                        await asyncio.sleep(0.01)
                    except asyncio.CancelledError:
                        continue
                return "done"

        class Beats(Activity):
            def run(self) -> None:
                case.begun.release()
                case.release.wait(60)
                self.heartbeat()

        return {"work": Work, "coroutine": Coroutine, "stubborn": Stubborn, "beats": Beats}

    def make(self, **options: Any) -> ActivityWorker:
        defaults = ActivityDefaults("tasks", 60, 420, 120, 300)
        found = {
            ActivityType(name, "1"): ActivityImplementation(
                ActivityType(name, "1"), defaults, factory, "here", 1
            )
            for name, factory in self.activities().items()
        }
        hub: Any = self.hub
        options.setdefault("signals", False)
        options.setdefault("ledger", self.book)
        self.worker = ActivityWorker(hub, "domain", "tasks", found, **options)
        return self.worker

    def start(self, **options: Any) -> ActivityWorker:
        worker = self.make(**options)

        def run() -> None:
            try:
                self.report = worker.run()
            except BaseException as error:
                self.error = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        return worker

    def leave(self, report: StopReport) -> None:
        self.left.append(report)
        self.left_at.set()

    def has_begun(self, count: int = 1) -> None:
        for _ in range(count):
            assert self.begun.acquire(timeout=PATIENCE_SECONDS)

    @property
    def running(self) -> bool:
        assert self._thread is not None
        return self._thread.is_alive()

    def join(self) -> StopReport:
        assert self._thread is not None
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error
        assert self.report is not None
        return self.report


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case()
    yield made
    made.release.set()
    if made.worker is not None:
        made.worker.stop(StopLevel.AT_ONCE)
    made.hub.give_nothing(50)


def test_a_task_is_in_the_ledger_before_its_poll_counts_as_back(case: Case) -> None:
    """A death in between must find it as a task in hand, or as a poll that may have cost one."""
    seen: list[tuple[int, int]] = []

    def polls_out(change: int) -> None:
        entered = sum(entry[0] == "enter" for entry in case.book.entries)
        seen.append((change, entered))

    worker = case.start(concurrency=2, pollers=1, polls_out=polls_out)
    case.hub.give()
    case.has_begun()
    case.hub.wait_for_polls(2)
    worker.stop()
    case.hub.give_nothing()
    case.release.set()
    case.join()
    assert seen == [(1, 0), (-1, 1), (1, 1), (-1, 1)]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_stop_waits_for_the_polls_that_are_out_and_runs_what_they_bring(
    case: Case, concurrency: int
) -> None:
    """No new poll; those that are out are waited for."""
    worker = case.start(concurrency=concurrency)
    case.hub.wait_for_polls(concurrency)
    worker.stop()
    case.release.set()
    tokens = [case.hub.give() for _ in range(concurrency)]
    assert case.join() == StopReport(completed=concurrency)
    assert case.hub.polls == concurrency
    assert [case.hub.made(token) for token in tokens] == [[("complete", '"done"')]] * concurrency


def test_running_activities_finish_without_a_grace(case: Case) -> None:
    """grace=None waits for as long as they like."""
    worker = case.start(concurrency=2)
    case.hub.wait_for_polls(2)
    token = case.hub.give()
    case.has_begun()
    worker.stop()
    case.hub.give_nothing(5)
    assert case.running
    case.release.set()
    assert case.join().completed == 1
    assert case.hub.made(token) == [("complete", '"done"')]


@pytest.mark.parametrize("name", ["work", "stubborn"])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_what_runs_a_moment_after_the_grace_is_abandoned(
    case: Case, name: str, concurrency: int
) -> None:
    """By default it is left to its timeout; a worker of many returns without it."""
    worker = case.start(concurrency=concurrency, grace=0)
    token = case.hub.give(name)
    case.has_begun()
    worker.stop()
    case.hub.give_nothing(5)
    if concurrency == 1 and name == "work":  # the calling thread is its own
        with case.hub.changed:
            case.hub.changed.wait_for(lambda: not case.running, 3)
        assert case.running
        case.release.set()
    report = case.join()
    assert len(report.abandoned) == 1
    assert case.hub.calls[token].tried == []
    assert case.book.entries == [("enter", token), ("strike", token, "ABANDONED")]


def test_what_runs_a_moment_after_the_grace_may_be_failed(case: Case) -> None:
    """on_stop="fail": by the fixed reason, and named in the report."""
    worker = case.start(concurrency=2, grace=0, on_stop="fail")
    token = case.hub.give()
    case.has_begun()
    worker.stop()
    case.hub.give_nothing(5)
    report = case.join()
    ((verb, reason, _),) = case.hub.made(token)
    assert (verb, reason.startswith(reasons.WORKER_STOPPED)) == ("fail", True)
    assert report.failed_by_stop == (f"work 1 (activity {token} of workflow flow)",)
    assert not report.clean


@pytest.mark.parametrize(("on_stop", "verbs"), [("abandon", []), ("fail", ["fail"])])
def test_a_task_that_comes_after_the_grace_is_not_started(
    case: Case, on_stop: str, verbs: list[str]
) -> None:
    """It is answered as the policy says, in serial and in many."""
    for concurrency in (1, 2):
        worker = case.start(concurrency=concurrency, on_stop=on_stop)
        case.hub.wait_for_polls(case.hub.polls + (0 if case.hub.polls else 1))
        worker.stop(StopLevel.HURRY)
        token = case.hub.give()
        case.hub.give_nothing(concurrency - 1)
        report = case.join()
        assert case.hub.calls[token].tried == verbs
        assert len(report.abandoned) + len(report.failed_by_stop) == 1
        assert not case.begun.acquire(blocking=False)
        case.hub.polls = 0


def test_coroutines_are_canceled_when_the_grace_is_over(case: Case) -> None:
    """They end at once, and their tasks are the policy's."""
    worker = case.start(concurrency=3, grace=0)
    tokens = [case.hub.give("coroutine") for _ in range(3)]
    case.has_begun(3)
    worker.stop()
    report = case.join()
    assert len(report.abandoned) == 3
    assert all(case.hub.calls[token].tried == [] for token in tokens)


def test_a_heartbeat_that_answers_false_lets_the_activity_give_up(case: Case) -> None:
    """Told by its heartbeat, it returns None within the moment: the policy answers, not null."""
    worker = case.start(concurrency=2, on_stop="fail")
    token = case.hub.give("beats")
    case.has_begun()
    worker.stop(StopLevel.HURRY)
    case.release.set()
    case.hub.give_nothing(5)
    assert len(case.join().failed_by_stop) == 1
    assert case.hub.made(token)[0][1].startswith(reasons.WORKER_STOPPED)


def test_an_answer_that_is_under_way_is_waited_for(case: Case) -> None:
    """The grace is over, the moment too, and SWF is slow: the answer counts, not the stop."""
    worker = case.start(concurrency=2, grace=0)
    token = case.hub.give()
    case.has_begun()
    going, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        going.set()
        assert go_on.wait(PATIENCE_SECONDS)

    case.hub.calls[token].on_answer = slow
    case.release.set()
    assert going.wait(PATIENCE_SECONDS)
    worker.stop(StopLevel.HURRY)
    case.hub.give_nothing(5)
    assert not case.left_at.wait(2.5)  # the moment is over
    assert case.running
    go_on.set()
    assert case.join() == StopReport(completed=1)


def test_a_third_signal_stops_waiting_for_polls(case: Case) -> None:
    """The polls that are out are reported with time, identity and cause."""
    worker = case.start(concurrency=3)
    case.hub.wait_for_polls(3)
    worker.stop(StopLevel.AT_ONCE)
    report = case.join()
    assert len(report.polls_lost) == 3
    assert report.polls_lost[0].fault == "not waited for"
    assert report.polls_lost[0].identity
    assert report.polls_lost[0].at.endswith("+00:00")
    assert not report.clean


def test_polls_whose_answer_was_lost_are_reported(case: Case) -> None:
    """A poll that SWF may have answered with a task is in the report; one never sent is not."""
    worker = case.start(concurrency=1)
    lost = OutOfReachError("cut", fault="ReadTimeoutError", may_have_arrived=True)
    case.hub.answers.put(lost)
    case.hub.answers.put(OutOfReachError("no route", fault="EndpointConnectionError"))
    case.hub.wait_for_polls(3)
    worker.stop()
    case.hub.give_nothing()
    assert [poll.fault for poll in case.join().polls_lost] == ["ReadTimeoutError"]


# leave: a serial worker that hangs


def test_a_serial_worker_that_hangs_may_be_left(case: Case) -> None:
    """When all is settled but the calling thread hangs, ``leave`` gets the report."""
    worker = case.start(leave=case.leave, grace=0)
    token = case.hub.give()
    case.has_begun()
    worker.stop()
    assert case.left_at.wait(PATIENCE_SECONDS)
    (report,) = case.left
    assert report.abandoned == (f"work 1 (activity {token} of workflow flow)",)
    assert case.running


def test_a_serial_worker_that_does_not_hang_is_not_left(case: Case) -> None:
    """One whose answer is slow returns by itself."""
    worker = case.start(leave=case.leave, grace=0)
    token = case.hub.give()
    case.has_begun()
    going, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        going.set()
        assert go_on.wait(PATIENCE_SECONDS)

    case.hub.calls[token].on_answer = slow
    case.release.set()
    assert going.wait(PATIENCE_SECONDS)
    worker.stop()
    assert not case.left_at.wait(2.5)
    go_on.set()
    assert case.join() == StopReport(completed=1)
    assert case.left == []


def test_a_serial_worker_that_hangs_in_its_poll_may_be_left_at_once(case: Case) -> None:
    """Where no signal can interrupt the poll, the last level leaves it, and reports it."""
    worker = case.start(leave=case.leave)
    case.hub.wait_for_polls(1)
    worker.stop(StopLevel.HURRY)
    worker.stop(StopLevel.AT_ONCE)
    assert case.left_at.wait(PATIENCE_SECONDS)
    assert [poll.fault for poll in case.left[0].polls_lost] == ["not waited for"]
    case.hub.give_nothing()
    case.join()


def test_a_serial_worker_whose_interruption_was_lost_is_left_a_moment_later(case: Case) -> None:
    """A signal just before the thread waits for its socket interrupts nothing."""
    worker = case.start(leave=case.leave, signals=True)  # and off the main thread none comes
    case.hub.wait_for_polls(1)
    worker.stop(StopLevel.AT_ONCE)
    assert case.left_at.wait(PATIENCE_SECONDS)
    assert len(case.left[0].polls_lost) == 1
    case.hub.give_nothing()
    case.join()


def test_many_never_leave(case: Case) -> None:
    """The calling thread hangs in nothing: run returns by itself."""
    worker = case.start(concurrency=2, leave=case.leave, grace=0)
    case.hub.give()
    case.has_begun()
    worker.stop(StopLevel.AT_ONCE)
    assert len(case.join().abandoned) == 1
    assert case.left == []


# KeyboardInterrupt, where signals are not the worker's


def _interrupt_main() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_in_a_serial_worker_that_leaves_signals_alone(case: Case) -> None:
    """KeyboardInterrupt comes out; the poll that it broke is reported."""
    worker = case.make(concurrency=1)

    def meddle() -> None:
        case.hub.wait_for_polls(1)
        _interrupt_main()

    waiter = threading.Thread(target=meddle)
    waiter.start()
    with pytest.raises(KeyboardInterrupt):
        worker.run()
    waiter.join()
    assert [poll.fault for poll in worker._tally.report().polls_lost] == ["KeyboardInterrupt"]


def test_ctrl_c_in_a_worker_of_many_that_leaves_signals_alone(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Running activities finish, polls are waited for, and KeyboardInterrupt comes out then."""
    worker = case.make(concurrency=2)
    token = case.hub.give()

    def meddle() -> None:
        case.has_begun()
        case.hub.wait_for_polls(2)
        _interrupt_main()
        assert worker._stop.wait(PATIENCE_SECONDS)
        case.hub.give_nothing(2)
        case.release.set()

    waiter = threading.Thread(target=meddle)
    waiter.start()
    with caplog.at_level(logging.INFO), pytest.raises(KeyboardInterrupt):
        worker.run()
    waiter.join()
    assert case.hub.made(token) == [("complete", '"done"')]
    assert "Worker stopped: 1 completed." in caplog.text


@pytest.mark.parametrize("concurrency", [1, 2])
def test_an_embedders_handlers_are_restored(case: Case, concurrency: int) -> None:
    """SIGINT and SIGTERM are the worker's while it runs, and its embedder's again after."""
    called: list[int] = []

    def mine(number: int, frame: object) -> None:
        called.append(number)

    before = {number: signal.signal(number, mine) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        worker = case.make(concurrency=concurrency, signals=True)

        def meddle() -> None:
            case.hub.wait_for_polls(concurrency)
            os.kill(os.getpid(), signal.SIGTERM)
            assert worker._stop.wait(PATIENCE_SECONDS)
            case.hub.give_nothing(concurrency)

        waiter = threading.Thread(target=meddle)
        waiter.start()
        assert worker.run() == StopReport()
        waiter.join()
        assert called == []
        assert signal.getsignal(signal.SIGINT) is mine
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_is_heard_whatever_the_main_thread_is_doing(case: Case) -> None:
    """Also in the moment before it waits, in which a signal interrupts nothing."""
    heard: list[bool] = []
    began = time.monotonic()
    for _ in range(200):
        polls = case.hub.polls
        worker = case.make(concurrency=2, pollers=1, signals=True)

        def meddle(polls: int = polls, worker: ActivityWorker = worker) -> None:
            case.hub.wait_for_polls(polls + 1)
            os.kill(os.getpid(), signal.SIGTERM)
            heard.append(worker._stop.wait(PATIENCE_SECONDS))
            case.hub.give_nothing()

        waiter = threading.Thread(target=meddle)
        waiter.start()
        worker.run()
        waiter.join()
        assert heard.pop()
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("attempt", range(20))
def test_whatever_the_moment_of_the_stop_each_task_has_its_place(case: Case, attempt: int) -> None:
    """Stops and hurries at any moment: each task that a poll brought is answered or reported."""
    worker = case.start(concurrency=4, pollers=2, grace=0)
    case.release.set()
    tokens: list[str] = []
    stop_after = attempt % 7

    def give() -> None:
        for number in range(12):
            tokens.append(case.hub.give("coroutine" if number % 3 == 0 else "work"))
            if number == stop_after:
                worker.stop(StopLevel(1 + attempt % 3))
        case.hub.give_nothing(5)

    giver = threading.Thread(target=give)
    giver.start()
    report = case.join()
    giver.join()
    entered = [entry[1] for entry in case.book.entries if entry[0] == "enter"]
    struck = [entry[1] for entry in case.book.entries if entry[0] == "strike"]
    if report.polls_lost:  # such a poll's task may be entered after the report
        return
    assert sorted(entered) == sorted(struck)
    places = report.completed + len(report.abandoned)
    assert places == len(entered)


# Where the system gives no threads


def test_a_coroutine_for_which_there_is_no_loop_is_failed(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its task was polled, so it is answered; and the worker goes on."""

    def none() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("flowy.swf.worker.EventLoop", none)
    case.release.set()
    worker = case.start(concurrency=2, pollers=1)
    hopeless, fine = case.hub.give("coroutine"), case.hub.give()
    case.hub.wait_for_polls(3)
    worker.stop()
    case.hub.give_nothing()
    assert case.join() == StopReport(completed=1, failed=1)
    assert case.hub.made(hopeless)[0][:2] == ("fail", "can't start new thread")
    assert case.hub.made(fine) == [("complete", '"done"')]


@pytest.mark.parametrize("most", [0, 1])
def test_pollers_for_which_there_are_no_threads(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, most: int
) -> None:
    """Those that there are poll on; where there are none, the worker says so."""
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name == f"flowy-poller-{most}":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    case.release.set()
    worker = case.start(concurrency=3)
    if most == 0:
        with pytest.raises(RuntimeError, match="can't start new thread"):
            case.join()
        return
    case.hub.give()
    case.hub.wait_for_polls(2)
    worker.stop()
    case.hub.give_nothing()
    assert case.join() == StopReport(completed=1)
    assert "1 pollers and not 3: can't start new thread." in caplog.text


def test_an_interruption_before_the_run_leaves_the_task_in_the_report(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a poll has brought is named, whatever ended the worker before it was run."""

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    worker = case.make()
    monkeypatch.setattr(worker, "_start", interrupted)
    token = case.hub.give()
    with pytest.raises(KeyboardInterrupt):
        worker.run()
    assert worker._tally.report().abandoned == (f"work 1 (activity {token} of workflow flow)",)
