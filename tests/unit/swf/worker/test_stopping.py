"""The stop of a worker: the grace, what still runs after it, and late answers.

All waits are by a clock that the tests turn.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from flowy import reasons
from flowy.concurrency.stop import StopLevel
from flowy.swf.worker import ActivityWorker, StopReport
from flowy.swf.worker.stopping import (
    CANCEL_GRACE_SECONDS,
    LAST_ANSWER_SECONDS,
)
from tests.unit.swf.worker.task_list_swf import AnswerOnHold, subject
from tests.unit.swf.worker.worker_case import WorkerCase

serial_and_many = pytest.mark.parametrize("concurrency", [1, 2])


@pytest.fixture
def case() -> Iterator[WorkerCase]:
    with WorkerCase() as made:
        yield made


# Until the grace is over


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_stop_waits_for_the_polls_that_are_out_and_runs_what_they_bring(
    case: WorkerCase, concurrency: int
) -> None:
    """No further poll goes out."""
    worker = case.start(concurrency=concurrency)
    case.swf.wait_for_polls(concurrency)
    worker.stop()
    case.release.set()
    tokens = [case.swf.give() for _ in range(concurrency)]
    assert case.join() == StopReport(completed=concurrency)
    assert len(case.swf.polls) == concurrency
    for token in tokens:
        assert case.swf.answers_of(token) == [("completed", '"done"')]


def test_a_stop_before_the_run_ends_it_at_once(case: WorkerCase) -> None:
    """Not a single poll goes out."""
    worker = case.make()
    worker.stop()
    assert worker.run() == StopReport()
    assert case.swf.polls == []


@serial_and_many
def test_without_a_grace_activities_may_run_for_ever(case: WorkerCase, concurrency: int) -> None:
    """Days after the stop they still finish."""
    worker = case.start(concurrency=concurrency)
    tokens = [case.swf.give() for _ in range(concurrency)]
    case.wait_for_begun(concurrency)
    worker.stop()
    case.levels.wait_for(StopLevel.DRAIN)
    case.clock.turn(1_000_000)
    assert case.runs
    case.release.set()
    assert case.join() == StopReport(completed=concurrency)
    for token in tokens:
        assert case.swf.answers_of(token) == [("completed", '"done"')]


def test_during_the_grace_nothing_changes_for_an_activity(case: WorkerCase) -> None:
    """Its heartbeat answers True to the last moment."""
    worker, token = case.start_busy("beats", grace=30)
    worker.stop()
    case.clock.wait_for_waiter(30)
    case.clock.turn(29)
    case.release.set()
    assert case.join() == StopReport(completed=1)
    assert case.swf.answers_of(token) == [("completed", "true")]


# After the grace


@pytest.mark.parametrize("hurry", [False, True])
def test_after_the_grace_a_heartbeat_answers_false(case: WorkerCase, hurry: bool) -> None:
    """The grace passes, or a second stop ends it. A run that returns None then is abandoned."""
    worker, token = case.start_busy("beats", concurrency=2, grace=30)
    worker.stop()
    case.swf.give_nothing(2)
    if hurry:
        worker.stop(StopLevel.CANCEL)
    else:
        case.clock.turn_by(30)
    case.levels.wait_for(StopLevel.CANCEL)
    case.release.set()
    assert case.join() == StopReport(abandoned=(subject(token, "beats"),))
    assert case.swf.tried == []


def test_after_the_grace_a_value_still_completes(case: WorkerCase) -> None:
    """An activity may finish, as long as it does so in a moment."""
    worker, token = case.start_busy(grace=0)
    worker.stop()
    case.levels.wait_for(StopLevel.CANCEL)
    case.release.set()
    assert case.join() == StopReport(completed=1)
    assert case.swf.answers_of(token) == [("completed", '"done"')]


@pytest.mark.parametrize(("name", "concurrency"), [("work", 2), ("stubborn", 2), ("stubborn", 1)])
def test_what_runs_a_moment_after_the_grace_is_abandoned(
    case: WorkerCase, name: str, concurrency: int
) -> None:
    """By default its task is left to its timeout, and the worker returns without it."""
    worker, token = case.start_busy(name, concurrency=concurrency, grace=30)
    worker.stop()
    case.swf.give_nothing(2)
    case.clock.turn_by(30)
    case.clock.wait_for_waiter(CANCEL_GRACE_SECONDS)
    assert case.journal.entries == [("opened", token)]
    case.clock.turn(CANCEL_GRACE_SECONDS)
    assert case.join() == StopReport(abandoned=(subject(token, name),))
    assert case.swf.tried == []
    assert case.journal.entries == [("opened", token), ("settled", token, "ABANDONED")]


def test_a_serial_worker_returns_when_its_activity_does(case: WorkerCase) -> None:
    """The activity runs in the calling thread; its task is abandoned meanwhile."""
    worker, token = case.start_busy(grace=0)
    worker.stop()
    case.clock.turn_by(CANCEL_GRACE_SECONDS)
    case.journal.wait_for("settled", token, "ABANDONED")
    assert case.runs
    case.release.set()
    assert case.join() == StopReport(abandoned=(subject(token),))
    assert case.swf.tried == []


def test_what_runs_a_moment_after_the_grace_may_be_failed(case: WorkerCase) -> None:
    """With on_stop="fail" the reason is a fixed one, and the report names the task."""
    worker, token = case.start_busy(concurrency=2, grace=0, on_stop="fail")
    worker.stop()
    case.swf.give_nothing(2)
    case.clock.turn_by(CANCEL_GRACE_SECONDS)
    report = case.join()
    assert report == StopReport(failed_by_stop=(subject(token),))
    assert not report.clean
    ((kind, reason),) = case.swf.answers_of(token)
    assert kind == "failed"
    assert reason.startswith(reasons.WORKER_STOPPED)


def test_an_activity_that_gives_up_is_failed_by_the_policy(case: WorkerCase) -> None:
    """It returned None because its heartbeat said False: SWF gets the policy, not null."""
    worker, token = case.start_busy("beats", concurrency=2, on_stop="fail")
    worker.stop(StopLevel.CANCEL)
    case.release.set()
    case.swf.give_nothing(2)
    assert case.join() == StopReport(failed_by_stop=(subject(token, "beats"),))
    ((_, reason),) = case.swf.answers_of(token)
    assert reason.startswith(reasons.WORKER_STOPPED)


@serial_and_many
def test_coroutines_are_canceled_when_the_grace_is_over(case: WorkerCase, concurrency: int) -> None:
    """They end at once; what becomes of their tasks is the policy's."""
    worker, token = case.start_busy("coroutine", concurrency=concurrency, grace=30)
    worker.stop()
    case.swf.give_nothing(2)
    case.clock.turn_by(30)
    assert case.join() == StopReport(abandoned=(subject(token, "coroutine"),))
    assert case.swf.tried == []


@serial_and_many
@pytest.mark.parametrize(("on_stop", "kinds"), [("abandon", []), ("fail", ["failed"])])
def test_a_task_that_comes_after_the_grace_is_not_started(
    case: WorkerCase, on_stop: str, kinds: list[str], concurrency: int
) -> None:
    """It is answered as the policy says."""
    worker = case.start(concurrency=concurrency, on_stop=on_stop)
    case.swf.wait_for_polls(concurrency)
    worker.stop(StopLevel.CANCEL)
    case.swf.give()
    case.swf.give_nothing(concurrency - 1)
    report = case.join()
    assert [kind for kind, _ in case.swf.tried] == kinds
    assert len(report.abandoned) + len(report.failed_by_stop) == 1
    assert not case.has_begun


# Answers under way


@serial_and_many
def test_a_stop_has_patience_with_a_late_answer(case: WorkerCase, concurrency: int) -> None:
    """The activity had ended and SWF is slow: the answer counts, not the stop."""
    answer = AnswerOnHold(case.swf)
    worker, _ = case.start_busy(concurrency=concurrency, leave=case.leave)
    case.release.set()
    answer.wait()
    worker.stop(StopLevel.CANCEL)
    case.swf.give_nothing(2)
    case.clock.turn_by(CANCEL_GRACE_SECONDS)
    case.clock.wait_for_waiter(LAST_ANSWER_SECONDS)
    case.clock.turn(LAST_ANSWER_SECONDS - 0.1)
    assert case.runs
    answer.let_through()
    assert case.join() == StopReport(completed=1)
    assert case.left == []


def test_a_stop_gives_up_an_answer_that_is_too_late(case: WorkerCase) -> None:
    """SWF may have the answer or not: the task is unanswered, even if it arrives after all."""
    answer = AnswerOnHold(case.swf)
    worker, token = case.start_busy(concurrency=2)
    case.release.set()
    answer.wait()
    worker.stop(StopLevel.CANCEL)
    case.swf.give_nothing(2)
    case.clock.turn_by(CANCEL_GRACE_SECONDS)
    case.clock.turn_by(LAST_ANSWER_SECONDS)
    assert case.join() == StopReport(unanswered=(subject(token),))
    answer.let_through()
    case.swf.wait_until(lambda: bool(case.swf.answers))
    assert case.journal.entries == [("opened", token), ("settled", token, "UNANSWERED")]


def test_an_answer_that_the_stop_sends_is_given_up_too(case: WorkerCase) -> None:
    """With on_stop="fail" the stop itself waits for its failures no longer than that."""
    answer = AnswerOnHold(case.swf)
    worker, token = case.start_busy(concurrency=2, grace=0, on_stop="fail")
    worker.stop()
    case.swf.give_nothing(2)
    case.clock.turn_by(CANCEL_GRACE_SECONDS)
    answer.wait()
    case.clock.turn_by(LAST_ANSWER_SECONDS)
    assert case.join() == StopReport(unanswered=(subject(token),))
    answer.let_through()


# Races


@pytest.mark.parametrize("attempt", range(20))
def test_whatever_the_moment_of_the_stop_each_task_has_its_place(
    case: WorkerCase, attempt: int
) -> None:
    """Each task that a poll brought is answered or reported, at whatever level and moment."""
    case.release.set()
    worker: ActivityWorker = case.start(concurrency=4, pollers=2, grace=0)

    def give() -> None:
        for number in range(12):
            case.swf.give("coroutine" if number % 3 == 0 else "work")
            if number == attempt % 7:
                worker.stop(StopLevel(1 + attempt % 3))
        case.swf.give_nothing(5)

    giver = threading.Thread(target=give)
    giver.start()
    case.clock.turn_until(lambda: not case.runs)
    report = case.join()
    giver.join()
    if report.polls_lost:
        return  # the task of such a poll may be opened after the report
    opened = case.journal.tokens("opened")
    assert opened == case.journal.tokens("settled")
    assert report.completed + len(report.abandoned) == len(opened)
