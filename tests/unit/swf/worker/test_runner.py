"""Where tasks run: in the calling thread, in threads, on the event loop; and without threads."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flowy.concurrency.clock import Clock
from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.exception import ThreadError
from flowy.invocation import TaskOutcome
from flowy.swf.values import ActivityImplementation, ActivityTask
from flowy.swf.worker.runner import Runner
from flowy.swf.worker.slots import Slots
from flowy.swf.worker.task_run import TaskRun
from tests.patience import PATIENCE_SECONDS
from tests.unit.stand_ins import task_answer
from tests.unit.swf.worker.stop_clock import StopClock
from tests.unit.swf.worker.task_list_swf import TaskListSWF
from tests.unit.swf.worker.worker_case import awaiting, running, worker_context


class Place:
    """A runner, and tasks for it; use it in a ``with`` statement."""

    def __init__(
        self, *activities: ActivityImplementation, concurrency: int = 1, clock: Clock | None = None
    ) -> None:
        clock = clock or StopClock()
        self.swf = TaskListSWF()
        self.flag = StopFlag(clock)
        self.slots = Slots(concurrency, self.flag, clock)
        self._worker = worker_context(self.swf, self.slots, self.flag, *activities, clock=clock)
        self.runner = Runner(self._worker, self.slots, concurrency)

    def __enter__(self) -> Place:
        self.runner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.runner.close()

    def polled(self, name: str = "echo") -> TaskRun:
        """Return a task as a poll brings it: it has a slot, and a thread if it needs one."""
        assert self.slots.take()
        assert self.runner.reserve()
        self.slots.poll_began()
        task = ActivityTask.from_answer(task_answer(name=name))
        assert task is not None
        task_run = TaskRun(self._worker, task)
        self.slots.poll_ended(task_run)
        return task_run

    def wait_for(self, task_run: TaskRun) -> TaskOutcome:
        self.swf.wait_until(lambda: bool(self.swf.answers))
        self.flag.raise_to(StopLevel.DRAIN)
        self.slots.wake_all()
        self.slots.wait_while(lambda: task_run.outcome is None)
        assert task_run.outcome is not None
        return task_run.outcome


def raising(error: BaseException) -> Callable[..., Any]:
    def body(self: object, value: int) -> None:
        raise error

    return body


async def wait_for_ever(self: object, value: int) -> None:
    await asyncio.Event().wait()


# One at a time


def test_one_at_a_time_runs_in_the_calling_thread() -> None:
    """It is the runner's ``here`` while it runs."""
    seen: list[Any] = []

    def body(self: object, value: int) -> None:
        seen.extend([threading.current_thread(), place.runner.here])

    with Place(running(body)) as place:
        task_run = place.polled()
        place.runner.run(task_run)
        assert seen == [threading.current_thread(), task_run]
        assert place.runner.here is None
        assert task_run.outcome is TaskOutcome.COMPLETED


@pytest.mark.parametrize("error", [ValueError(), KeyboardInterrupt(), SystemExit()])
def test_signal_handlers_are_put_back_after_each_run(error: BaseException) -> None:
    """The activity may have replaced them, however it ends."""
    calls: list[str] = []
    with Place(running(raising(error))) as place:
        place.runner.put_signals_back = lambda: calls.append("put back")
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            place.runner.run(place.polled())
        assert calls == ["put back"]


def test_signals_that_cannot_be_put_back_cost_no_result() -> None:
    """The activity has run, whatever it did to the descriptors of the process."""

    def put_back() -> None:
        raise OSError("bad file descriptor")

    with Place(running(lambda self, value: value)) as place:
        place.runner.put_signals_back = put_back
        task_run = place.polled()
        place.runner.run(task_run)
        assert task_run.outcome is TaskOutcome.COMPLETED


def test_one_coroutine_at_a_time_is_waited_for() -> None:
    """It runs on the event loop, and the calling thread waits until it is settled."""
    threads: list[threading.Thread] = []

    async def body(self: object, value: int) -> int:
        await asyncio.sleep(0)
        threads.append(threading.current_thread())
        return value

    with Place(awaiting(body)) as place:
        task_run = place.polled()
        place.runner.run(task_run)
        assert task_run.outcome is TaskOutcome.COMPLETED
        assert threads != [threading.current_thread()]


class InterruptedClock(StopClock):
    """A clock on which Ctrl-C comes as soon as somebody waits, and the activity has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()

    def wait(self, condition: threading.Condition, seconds: float | None) -> bool:
        assert self.begun.wait(PATIENCE_SECONDS)
        raise KeyboardInterrupt


def test_ctrl_c_fails_the_coroutine_that_is_waited_for() -> None:
    """Its task is failed, the coroutine canceled, and KeyboardInterrupt comes out."""
    canceled = threading.Event()
    clock = InterruptedClock()

    async def body(self: object, value: int) -> None:
        clock.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            canceled.set()
            raise

    with Place(awaiting(body), clock=clock) as place:
        task_run = place.polled()
        with pytest.raises(KeyboardInterrupt):
            place.runner.run(task_run)
        assert canceled.wait(PATIENCE_SECONDS)
        assert task_run.outcome is TaskOutcome.FAILED
        assert [kind for kind, _ in place.swf.answers] == ["failed"]


# Several at once


def test_several_at_once_run_in_threads_and_on_the_event_loop() -> None:
    """All of them meet, so none waits for another."""
    met = threading.Barrier(3, timeout=PATIENCE_SECONDS)

    def body(self: object, value: int) -> None:
        met.wait()

    async def coroutine(self: object, value: int) -> None:
        await asyncio.to_thread(met.wait)

    with Place(running(body), awaiting(coroutine, "coroutine"), concurrency=3) as place:
        for name in ("echo", "echo", "coroutine"):
            place.runner.run(place.polled(name))
        place.slots.wait_while(lambda: bool(place.slots.running), look_seconds=1.0)
        assert met.broken is False


def test_ctrl_c_in_an_activitys_thread_stops_the_worker() -> None:
    """Its task is failed, and what else runs finishes."""
    with Place(running(raising(KeyboardInterrupt())), concurrency=2) as place:
        task_run = place.polled()
        place.runner.run(task_run)
        assert place.flag.wait(None)
        assert place.flag.level is StopLevel.DRAIN
        assert place.wait_for(task_run) is TaskOutcome.FAILED


def test_systemexit_in_an_activitys_thread_ends_its_task_alone() -> None:
    """The process is not this thread's to end, and the next task runs in the same thread."""
    names: list[str] = []

    def body(self: object, value: int) -> None:
        names.append(threading.current_thread().name)
        raise SystemExit(3)

    with Place(running(body), concurrency=2) as place:
        for _ in range(2):
            place.runner.run(place.polled())
            place.slots.wait_while(lambda: bool(place.slots.running), look_seconds=1.0)
        assert not place.flag.is_set()
        assert len(names) == 2


def test_a_coroutine_that_starts_as_the_grace_ends_is_canceled() -> None:
    """The stop may have looked before there was anything to cancel."""
    with Place(awaiting(wait_for_ever), concurrency=2) as place:
        task_run = place.polled()
        place.flag.raise_to(StopLevel.CANCEL)
        place.runner.run(task_run)
        place.slots.wait_while(lambda: task_run.outcome is None, look_seconds=1.0)
        assert task_run.outcome is TaskOutcome.ABANDONED


# Threads that the system does not give


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The beginnings of the names of threads that cannot be started."""
    names: set[str] = set()
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if any(thread.name.startswith(name) for name in names):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    return names


@pytest.mark.parametrize(
    ("name", "activity"),
    [
        ("flowy-event-loop", awaiting(wait_for_ever)),
        ("flowy-answer", awaiting(wait_for_ever)),
        ("flowy-activity", running(raising(ValueError()))),
    ],
)
def test_a_worker_without_a_thread_for_its_tasks_does_not_start(
    no_threads: set[str], name: str, activity: ActivityImplementation
) -> None:
    """An error before the first poll, which says what to do: no task is lost."""
    no_threads.add(name)
    with (
        pytest.raises(ThreadError, match="no threads or descriptors .* or lower concurrency"),
        Place(activity, concurrency=2),
    ):
        pass


def test_a_worker_of_coroutines_needs_no_thread_for_each(no_threads: set[str]) -> None:
    """A thousand polls may be out without a single activity thread."""
    no_threads.add("flowy-activity")
    with Place(awaiting(wait_for_ever), concurrency=1_000) as place:
        assert all(place.runner.reserve() for _ in range(1_000))


def test_a_worker_of_coroutines_refuses_unknown_types(no_threads: set[str]) -> None:
    """The refusal is sent although no thread was kept for it, and none can be had."""
    no_threads.add("flowy-activity")
    with Place(awaiting(wait_for_ever), concurrency=2) as place:
        task_run = place.polled("other")
        place.runner.run(task_run)
        assert place.wait_for(task_run) is TaskOutcome.FAILED


def test_threads_are_kept_for_the_polls_that_are_out() -> None:
    """There are as many as tasks may run, and one that is given back can be had again."""
    with Place(running(raising(ValueError())), concurrency=2) as place:
        assert place.runner.reserve()
        assert place.runner.reserve()
        assert not place.runner.reserve()
        place.runner.release()
        assert place.runner.reserve()
