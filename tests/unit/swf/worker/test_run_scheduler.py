"""What an activity in a worker answers through: each verb, as the run of its task gets it."""

from __future__ import annotations

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.exception import OutsideActivityError
from flowy.invocation import (
    Canceled,
    Completed,
    Failed,
    HandedOver,
    Scheduler,
    Suspended,
    TaskStatus,
)
from flowy.swf.worker.heartbeats import BURST
from flowy.swf.worker.run_scheduler import RunScheduler
from tests.unit.swf.worker.runs import RecordingRun


@pytest.fixture
def run() -> RecordingRun:
    return RecordingRun()


@pytest.fixture
def scheduler(run: RecordingRun) -> Scheduler:
    return RunScheduler(run)


@pytest.mark.parametrize("taken", [True, False])
def test_answers(run: RecordingRun, scheduler: Scheduler, taken: bool) -> None:
    """Each verb is one answer, and returns whether SWF took it."""
    run.taken = taken
    assert scheduler.complete("token", "1") is taken
    assert scheduler.fail("token", "why", "where") is taken
    assert scheduler.cancel("token", "half done") is taken
    assert run.answers == [Completed("1"), Failed("why", "where"), Canceled("half done")]


def test_suspend_sends_no_answer(run: RecordingRun, scheduler: Scheduler) -> None:
    """Whoever has the token answers."""
    scheduler.suspend("token")
    assert run.answers == [Suspended()]


def test_hand_over_sends_no_answer(run: RecordingRun, scheduler: Scheduler) -> None:
    """Other code answers."""
    scheduler.hand_over("token")
    assert run.answers == [HandedOver()]


def test_suspending_is_the_block_of_the_run(run: RecordingRun, scheduler: Scheduler) -> None:
    """While a task is put into a store, the journal must know."""
    with scheduler.suspending("token"):
        assert run.is_suspending
    assert not run.is_suspending


# Heartbeats


def test_a_heartbeat_tells_what_it_has_brought(run: RecordingRun, scheduler: Scheduler) -> None:
    """What it returns the activity has been told."""
    assert scheduler.heartbeat("token", "half") is TaskStatus.ACTIVE
    run.calls.beat = lambda: True
    assert scheduler.heartbeat("token") is TaskStatus.CANCEL_REQUESTED
    assert run.calls.beats == ["half", "half"]
    assert scheduler.status.told is TaskStatus.CANCEL_REQUESTED


def test_a_heartbeat_that_coalesces_tells_what_another_has_brought(
    run: RecordingRun, scheduler: Scheduler
) -> None:
    """Those in the background learn for it."""
    for _ in range(BURST):
        scheduler.heartbeat("token")
    run.calls.beat = lambda: True
    run.heartbeats.send()
    assert scheduler.heartbeat("token") is TaskStatus.CANCEL_REQUESTED
    assert len(run.calls.beats) == BURST + 1


def test_a_heartbeat_that_must_go_out_now_does(run: RecordingRun, scheduler: Scheduler) -> None:
    """One goes out before a task is suspended, however many did before."""
    for _ in range(BURST):
        scheduler.heartbeat("token")
    scheduler.heartbeat("token", "now", now=True)
    assert run.calls.beats[BURST:] == ["now"]


def test_a_heartbeat_tells_of_the_stop_once_the_grace_is_over(
    run: RecordingRun, scheduler: Scheduler
) -> None:
    """During the grace it answers as ever; after it heartbeats go out still."""
    run.flag.raise_to(StopLevel.DRAIN)
    assert scheduler.heartbeat("token") is TaskStatus.ACTIVE
    run.flag.raise_to(StopLevel.CANCEL)
    assert scheduler.heartbeat("token") is TaskStatus.STOPPING
    assert len(run.calls.beats) == 2


def test_progress_makes_no_call(run: RecordingRun, scheduler: Scheduler) -> None:
    """The details go out with the next heartbeat."""
    scheduler.progress("token", "row 7")
    assert run.calls.beats == []
    scheduler.heartbeat("token")
    assert run.calls.beats == ["row 7"]


def test_a_forked_child_sends_no_heartbeat(run: RecordingRun, scheduler: Scheduler) -> None:
    """It must not speak for the worker: the error says so, and what to do instead."""
    run.is_forked = True
    with pytest.raises(OutsideActivityError, match=r"forked child.* Report to the parent process"):
        scheduler.heartbeat("token", "from the child")
    assert run.calls.beats == []
