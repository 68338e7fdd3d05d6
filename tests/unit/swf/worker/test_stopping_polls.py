"""The last level of a stop: polls that are out, and a serial worker that hangs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.swf.worker import StopReport
from flowy.swf.worker.stopping import (
    CANCEL_GRACE_SECONDS,
    INTERRUPTION_SECONDS,
)
from tests.unit.swf.worker.task_list_swf import subject
from tests.unit.swf.worker.worker_case import WorkerCase


@pytest.fixture
def case() -> Iterator[WorkerCase]:
    with WorkerCase() as made:
        yield made


# Polls, at the last level


def test_the_last_level_does_not_wait_for_polls(case: WorkerCase) -> None:
    """The polls that are out are reported with time, identity and cause."""
    worker = case.start(concurrency=3)
    case.swf.wait_for_polls(3)
    worker.stop(StopLevel.KILL)
    report = case.join()
    assert [poll.fault for poll in report.polls_lost] == ["not waited for"] * 3
    assert report.polls_lost[0].identity
    assert report.polls_lost[0].at.endswith("+00:00")
    assert not report.clean


def test_each_level_is_told_to_observers(case: WorkerCase) -> None:
    """Those that were skipped, too."""
    worker, _ = case.start_busy("coroutine", concurrency=2)
    worker.stop(StopLevel.KILL)
    case.swf.give_nothing(2)
    for level in (StopLevel.DRAIN, StopLevel.CANCEL):
        case.levels.wait_for(level)
    case.join()


# leave: a serial worker whose calling thread hangs


def test_a_serial_worker_that_hangs_may_be_left(case: WorkerCase) -> None:
    """When everything is settled but the calling thread hangs, ``leave`` gets the report."""
    worker, token = case.start_busy(leave=case.leave, grace=0)
    worker.stop()
    case.clock.turn_by(CANCEL_GRACE_SECONDS)
    assert case.wait_until_left() == StopReport(abandoned=(subject(token),))
    assert case.runs


def test_a_serial_worker_that_hangs_in_its_poll_may_be_left(case: WorkerCase) -> None:
    """The last level leaves it, after the time for a signal to interrupt the poll, and for a cut.

    Here no signal comes, and no socket can be cut.
    """
    worker = case.start(leave=case.leave)
    case.swf.wait_for_polls(1)
    worker.stop(StopLevel.KILL)
    for seconds in (INTERRUPTION_SECONDS, CANCEL_GRACE_SECONDS):
        case.clock.wait_for_waiter(seconds)
        assert case.left == []
        case.clock.turn(seconds)
    report = case.wait_until_left()
    assert [poll.fault for poll in report.polls_lost] == ["not waited for"]


def test_a_worker_of_many_is_never_left(case: WorkerCase) -> None:
    """The calling thread hangs in nothing: ``run`` returns by itself."""
    worker, _ = case.start_busy(concurrency=2, leave=case.leave, grace=0)
    worker.stop(StopLevel.KILL)
    case.clock.turn_by(CANCEL_GRACE_SECONDS)
    assert len(case.join().abandoned) == 1
    assert case.left == []
