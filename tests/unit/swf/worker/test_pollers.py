"""The threads that poll for a worker with several slots: start, trouble, and their end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from flowy.exception import CredentialsError, ThreadError
from flowy.swf.worker import StopReport
from flowy.swf.worker.pollers import BROKEN_POLLER_SECONDS, POLL_WAIT_SECONDS
from tests.unit.stand_ins import fault
from tests.unit.swf.worker.worker_case import WorkerCase


@pytest.fixture
def case() -> Iterator[WorkerCase]:
    with WorkerCase() as made:
        yield made


def test_there_are_never_more_polls_out_than_slots_that_are_free(case: WorkerCase) -> None:
    """A poller without a slot waits until a task is settled."""
    worker = case.start(concurrency=2)
    for _ in range(2):
        case.swf.give()
    case.wait_for_begun(2)
    case.clock.wait_for_waiter(None)
    assert len(case.swf.polls) == 2
    case.release.set()
    case.swf.wait_for_polls(4)
    worker.stop()
    case.swf.give_nothing(2)
    assert case.join() == StopReport(completed=2)


def test_there_are_never_more_polls_out_than_pollers(case: WorkerCase) -> None:
    """One poller feeds several activities, one after the other."""
    worker = case.start(concurrency=3, pollers=1)
    for number in range(3):
        case.swf.wait_for_polls(number + 1)
        assert len(case.swf.polls) == number + 1
        case.swf.give()
        case.wait_for_begun()
    case.release.set()
    case.swf.wait_for_polls(4)
    worker.stop()
    case.swf.give_nothing()
    assert case.join() == StopReport(completed=3)


def test_loop_counts_the_polls_of_all_pollers(case: WorkerCase) -> None:
    """When they are used up, what runs finishes."""
    case.start(concurrency=3, loop=2)
    tokens = [case.swf.give(), case.swf.give()]
    case.wait_for_begun(2)
    case.release.set()
    assert case.join() == StopReport(completed=2)
    assert len(case.swf.polls) == 2
    assert case.journal.tokens("settled") == tokens


def test_first_polls_that_are_refused_stop_the_worker(case: WorkerCase) -> None:
    """The error comes out of ``run`` when the other polls are back."""
    case.start(concurrency=2)
    case.swf.wait_for_polls(2)
    case.swf.break_poll(fault("AccessDeniedException"))
    case.swf.break_poll(fault("AccessDeniedException"))
    with pytest.raises(CredentialsError, match="Cannot poll task list 'tasks'"):
        case.join()


def test_a_poller_that_fails_goes_on(case: WorkerCase, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it was, its slots are still there: it polls again after a pause."""
    polls_out = 0

    def fail_once(change: int) -> None:
        nonlocal polls_out
        polls_out += 1
        if polls_out == 1:
            raise RuntimeError("of the author's making")

    worker = case.start(concurrency=2, pollers=1, polls_out=fail_once)
    case.clock.wait_for_waiter(BROKEN_POLLER_SECONDS)
    assert case.swf.polls == []
    case.clock.turn(BROKEN_POLLER_SECONDS)
    for _ in range(2):
        case.swf.give()
    case.wait_for_begun(2)
    worker.stop()
    case.release.set()
    assert case.join() == StopReport(completed=2)
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.getMessage() == "A poller failed; it polls again in 5 s."
    assert record.exc_info is not None


def test_a_stop_waits_for_polls_only_so_long(case: WorkerCase) -> None:
    """As long as SWF may hold one, and its client may wait; then they are reported."""
    worker = case.start(concurrency=2)
    case.swf.wait_for_polls(2)
    worker.stop()
    seconds = case.clock.turn_until(lambda: not case.runs)
    assert POLL_WAIT_SECONDS <= seconds <= POLL_WAIT_SECONDS + 5
    report = case.join()
    assert [poll.fault for poll in report.polls_lost] == ["not waited for"] * 2


# Threads that the system does not give


@pytest.mark.parametrize("most", [0, 1])
def test_pollers_for_which_there_are_no_threads(
    case: WorkerCase, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, most: int
) -> None:
    """Those that there are poll; without any, the worker says so."""
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name == f"flowy-poller-{most}":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    case.release.set()
    worker = case.start(concurrency=3)
    if most == 0:
        with pytest.raises(ThreadError, match="Raise its limits, or lower concurrency"):
            case.join()
        return
    case.swf.give()
    case.swf.wait_for_polls(2)
    worker.stop()
    case.swf.give_nothing()
    assert case.join() == StopReport(completed=1)
    assert "1 poller and not 3: can't start new thread." in caplog.text
