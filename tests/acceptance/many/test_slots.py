"""Many at once in one process: slots before polls, pollers, threads, the serial loop."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import flowy
from flowy.swf.boilerplate import start_activity_worker
from flowy.swf.scanner import activity
from flowy.task import Activity
from tests.acceptance.many.executions import ENDS, TASK_LIST, Execution
from tests.acceptance.many.workers import Starter, WatchedClient, module_of
from tests.patience import PATIENCE_SECONDS, until


def meeting(parties: int) -> tuple[type[Activity], threading.Barrier]:
    """An activity that goes on only when *parties* of it run at once."""
    barrier = threading.Barrier(parties, timeout=PATIENCE_SECONDS)

    @activity("meet", 1, TASK_LIST)
    class Meet(Activity):
        def run(self) -> str:
            barrier.wait()
            return threading.current_thread().name

    return Meet, barrier


def holding() -> tuple[type[Activity], threading.Event, threading.Semaphore]:
    """An activity that runs until the event is set, and says by the semaphore that it began."""
    go_on, begun = threading.Event(), threading.Semaphore(0)

    @activity("hold", 1, TASK_LIST)
    class Hold(Activity):
        def run(self) -> None:
            begun.release()
            assert go_on.wait(PATIENCE_SECONDS)

    return Hold, go_on, begun


def test_as_many_run_at_once_as_there_are_slots(start: Starter, execution: Execution) -> None:
    """With concurrency=5 five activities run at the same time, on threads of their own."""
    meet, _ = meeting(5)
    worker = start(meet, concurrency=5)
    execution.schedule("meet", times=10)
    ended = execution.wait_for(10, "ActivityTaskCompleted")
    assert len({event["result"] for event in ended}) == 5
    assert worker.stop().completed == 10


def test_no_task_is_polled_that_finds_no_slot(
    start: Starter, execution: Execution, watched: WatchedClient
) -> None:
    """A slot is taken before a poll: with all slots taken no poll is out, and no task started."""
    hold, go_on, begun = holding()
    worker = start(hold, concurrency=3, pollers=3)
    execution.schedule("hold", times=8)
    for _ in range(3):
        assert begun.acquire(timeout=PATIENCE_SECONDS)
    polls = watched.calls["poll_for_activity_task"]
    assert execution.count("ActivityTaskStarted") == 3
    assert watched.calls["poll_for_activity_task"] == polls
    assert watched.polls == 0
    go_on.set()
    execution.wait_for(8, "ActivityTaskCompleted")
    assert execution.most_in_hand() == 3
    assert worker.stop().completed == 8


def test_a_freed_slot_is_polled_for_again(start: Starter, execution: Execution) -> None:
    """However a task ends, its slot serves the next one: no slot is lost."""
    ends = iter(["return", "raise", "suspend", "exit", "raise", "return"] * 5)
    lock = threading.Lock()

    @activity("any-end", 1, TASK_LIST)
    class AnyEnd(Activity):
        def run(self) -> None:
            with lock:
                end = next(ends)
            if end == "raise":
                raise ValueError(end)
            if end == "suspend":
                raise flowy.SuspendTask
            if end == "exit":
                raise SystemExit(3)

    worker = start(AnyEnd, concurrency=2)
    execution.schedule("any-end", times=30)
    execution.wait_for(25, "ActivityTaskCompleted", "ActivityTaskFailed")
    report = worker.stop()
    assert (report.completed, report.failed, report.suspended) == (10, 15, 5)


@pytest.mark.parametrize(
    ("concurrency", "pollers", "most"), [(20, None, 14), (20, 3, 3), (4, None, 4), (4, 9, 4)]
)
def test_polls_out_at_once_are_bounded(
    start: Starter, watched: WatchedClient, concurrency: int, pollers: int | None, most: int
) -> None:
    """At most *pollers* polls are out: 14 by default, and never more than there are slots."""
    meet, _ = meeting(1)
    start(meet, concurrency=concurrency, pollers=pollers)
    with watched.changed:
        assert watched.changed.wait_for(lambda: watched.polls == most, PATIENCE_SECONDS)
    watched.wait_for_calls("poll_for_activity_task", 2 * most)
    assert watched.most_polls == most


def test_one_at_a_time_stays_in_the_calling_thread(
    watched: WatchedClient, domain: str, execution: Execution
) -> None:
    """concurrency=1 polls, runs and answers in the thread that called."""
    threads: list[threading.Thread] = []

    @activity("serial", 1, TASK_LIST)
    class Serial(Activity):
        def run(self) -> None:
            threads.append(threading.current_thread())

    def note(parameters: dict[str, Any]) -> None:
        threads.append(threading.current_thread())

    watched.on_call["poll_for_activity_task"] = note
    watched.on_call["respond_activity_task_completed"] = note
    start_activity_worker(domain, TASK_LIST, watched, loop=0, package=module_of(Serial))
    execution.schedule("serial", times=2)
    report = start_activity_worker(domain, TASK_LIST, watched, loop=2, package=module_of(Serial))
    assert threads == [threading.current_thread()] * 6
    assert report.completed == 2


@pytest.mark.parametrize("concurrency", [1, 4])
def test_loop_counts_the_polls_of_all_pollers(
    watched: WatchedClient, domain: str, execution: Execution, concurrency: int
) -> None:
    """loop=5 ends after five answered polls, however many pollers share the count."""
    meet, _ = meeting(1)
    start_activity_worker(domain, TASK_LIST, watched, loop=0, package=module_of(meet))
    execution.schedule("meet", times=7)
    report = start_activity_worker(
        domain, TASK_LIST, watched, loop=5, package=module_of(meet), concurrency=concurrency
    )
    assert report.completed == 5
    assert watched.calls["poll_for_activity_task"] == 5
    assert execution.count("ActivityTaskStarted") == 5


def test_loop_used_up_lets_what_runs_finish(
    watched: WatchedClient, domain: str, execution: Execution
) -> None:
    """The worker returns when its last poll's task has ended, not when the poll has."""
    meet, barrier = meeting(2)
    start_activity_worker(domain, TASK_LIST, watched, loop=0, package=module_of(meet))
    execution.schedule("meet", times=2)
    report = start_activity_worker(
        domain, TASK_LIST, watched, loop=2, package=module_of(meet), concurrency=2
    )
    assert (report.completed, barrier.n_waiting) == (2, 0)
    assert execution.count(*ENDS) == 2


def test_an_interrupt_in_an_activitys_thread_fails_it_and_stops_the_worker(
    start: Starter, execution: Execution
) -> None:
    """KeyboardInterrupt out of run, on a thread: the task fails, the worker stops."""

    @activity("interrupted", 1, TASK_LIST)
    class Interrupted(Activity):
        def run(self) -> None:
            raise KeyboardInterrupt

    worker = start(Interrupted, concurrency=2)
    execution.schedule("interrupted")
    (failed,) = execution.wait_for(1, "ActivityTaskFailed")
    assert failed["reason"] == "KeyboardInterrupt"
    assert worker.join().failed == 1


def test_the_first_polls_refused_end_the_worker(start: Starter) -> None:
    """A worker that has never had a good poll and is refused raises it, with many pollers too."""
    meet, _ = meeting(1)
    worker = start.make(meet, concurrency=4, domain="no-such-domain")
    with pytest.raises(flowy.exception.UnknownResourceError, match="no-such-domain"):
        worker.run()


def test_a_worker_leaves_no_thread_behind(start: Starter, execution: Execution) -> None:
    """When run has returned and all activities have, the worker's threads end."""

    @activity("beating", 1, TASK_LIST, auto_heartbeat=5)
    class Beating(Activity):
        def run(self) -> None:
            self.heartbeat()

    before = set(threading.enumerate())
    worker = start(Beating, concurrency=3)
    execution.schedule("beating", times=5)
    execution.wait_for(5, "ActivityTaskCompleted")
    worker.stop()

    def left() -> list[threading.Thread]:
        """Return its threads, but for the local SWF's."""
        threads = set(threading.enumerate()) - before
        return [
            each
            for each in threads
            if each.name.startswith("flowy-") and each.name != "flowy-local"
        ]

    until(lambda: not left(), "the end of its threads")
