"""What becomes of the tasks of a worker process that died."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from flowy import reasons
from flowy.concurrency.stop import StopLevel
from flowy.invocation import TaskOutcome
from flowy.logs import ActivityFilter
from flowy.observer import (
    Observer,
    TaskEnded,
)
from flowy.swf.worker import StopReport
from flowy.swf.worker.stopping import LAST_ANSWER_SECONDS
from tests.patience import PATIENCE_SECONDS
from tests.suspended import an_info
from tests.unit.stand_ins import CLOSED, THROTTLE
from tests.unit.swf.worker.supervised import (
    TASK_A,
    Case,
    opened,
    settled,
)
from tests.unit.swf.worker.task_list_swf import AnswerOnHold


@pytest.fixture
def case() -> Case:
    return Case()


def test_open_tasks_of_a_dead_child_are_failed(case: Case) -> None:
    """The reason names how the child ended."""
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"), opened("b"), opened("c"), settled("b"))
    assert case.die(child) is True
    report = case.report()
    reason = f"{reasons.WORKER_PROCESS_DIED}killed by signal 9 (SIGKILL)."
    assert case.swf.answers_of("a") == case.swf.answers_of("c") == [("failed", reason)]
    assert case.swf.answers_of("b") == []
    assert (report.completed, report.failed) == (1, 2)


def test_the_end_of_a_task_whose_process_died_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """By the supervisor, in the words and with the keys of a worker, and to its observers."""
    caplog.set_level(logging.DEBUG)
    case = Case()
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"))
    case.clock.turn(7)
    case.swf.at_answer = lambda _token: case.clock.turn(2)
    with caplog.filtering(ActivityFilter()):
        case.die(child)
        case.report()
    (record,) = [each for each in caplog.records if "after" in each.getMessage()]
    assert record.getMessage() == f"Activity {TASK_A}: failed after 9.000 s (Worker process died)."
    assert record.levelno == logging.ERROR
    keys: dict[str, object] = record.__dict__
    assert (keys["flowy_activity"], keys["flowy_workflow_id"]) == ("a", "order-7")
    assert (keys["flowy_outcome"], keys["flowy_fault"]) == ("failed", "Worker process died")
    (call,) = [each for each in caplog.records if each.getMessage().startswith("Calling ")]
    assert call.__dict__["flowy_activity"] == "a"
    ended = TaskEnded(an_info(name="a"), TaskOutcome.FAILED, 7.0, 2.0)
    assert [event for event in case.seen.events if isinstance(event, TaskEnded)] == [ended]


@pytest.mark.parametrize("on_stop", ["abandon", "fail"])
def test_a_child_that_did_not_end_at_a_stop_leaves_its_tasks_as_the_policy_says(
    on_stop: str,
) -> None:
    """It was killed because its interpreter hangs. Deciders retry timeouts but not failures."""
    case = Case(grace=0, on_stop=on_stop)
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"))
    child.kill()
    case.die(child)
    report = case.report()
    assert report.abandoned == ((TASK_A,) if on_stop == "abandon" else ())
    assert report.failed == len(case.swf.answers) == (on_stop == "fail")


@pytest.mark.parametrize(
    "outcome",
    [
        TaskOutcome.SUSPENDED,
        TaskOutcome.HANDED_OVER,
        TaskOutcome.ABANDONED,
        TaskOutcome.LEFT_UNKNOWN,
    ],
)
def test_what_was_left_on_purpose_is_not_failed(case: Case, outcome: TaskOutcome) -> None:
    """The child had settled it."""
    child = case.child(exitcode=1)
    case.hear(child, opened("a"), settled("a", outcome))
    case.die(child)
    case.report()
    assert case.swf.tried == []


def test_a_task_that_may_be_in_a_store_is_not_failed(case: Case) -> None:
    """Whoever finishes it must find it open. The report names it, because nobody may."""
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"), {"suspending": "a"})
    case.die(child)
    assert case.report().unanswered == (f"{TASK_A}, perhaps suspended",)
    assert case.swf.tried == []


def test_a_late_failure_of_a_closed_task_is_no_error(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """SWF had its answer, and the child died before it could say so."""

    def closed(_token: str) -> None:
        raise CLOSED

    child = case.child(exitcode=3)
    case.swf.at_answer = closed
    case.hear(child, opened("a"))
    case.die(child)
    report = case.report()
    assert (report.closed, report.clean) == (1, True)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert errors == ["Worker process 4711 died (exit code 3); 1 task is failed."]


def test_what_cannot_be_failed_any_more_is_reported(case: Case) -> None:
    """At the last level of a stop a failure is tried once."""

    def throttled(_token: str) -> None:
        raise THROTTLE

    child = case.child(exitcode=1)
    case.swf.at_answer = throttled
    case.hear(child, opened("a"))
    case.die(child)
    case.swf.wait_until(lambda: bool(case.swf.tried))
    case.supervisor.stop(StopLevel.KILL)
    assert case.report().unanswered == (TASK_A,)


def test_a_failure_that_hangs_is_not_waited_for(case: Case) -> None:
    """It counts as unanswered, once, even if SWF takes it after all."""
    answer = AnswerOnHold(case.swf)
    child = case.child(exitcode=1)
    case.hear(child, opened("a"))
    case.die(child)
    answer.wait()
    reports: list[StopReport] = []
    reporting = threading.Thread(target=lambda: reports.append(case.report()))
    reporting.start()
    case.clock.turn_by(LAST_ANSWER_SECONDS)
    reporting.join(PATIENCE_SECONDS)
    assert reports == [StopReport(unanswered=(TASK_A,))]
    answer.let_through()
    case.swf.wait_until(lambda: bool(case.swf.answers))
    assert case.report() == reports[0]


class SlowObserver(Observer):
    """Needs its time to be told that a task ended."""

    def __init__(self) -> None:
        self.told, self.may_go_on = threading.Event(), threading.Event()
        self.ended: list[TaskEnded] = []

    def __reduce__(self) -> Any:
        """Let another process make a new one; locks cannot be pickled."""
        return type(self), ()

    def task_ended(self, event: TaskEnded) -> None:
        self.told.set()
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        self.ended.append(event)


def test_a_report_waits_until_the_outcome_of_a_failure_is_recorded() -> None:
    """SWF has the failure already, but the observers are still being told."""
    observer = SlowObserver()
    case = Case(observers=[observer])
    child = case.child(exitcode=1)
    case.hear(child, opened("a"))
    case.die(child)
    assert observer.told.wait(PATIENCE_SECONDS)
    reporting = threading.Thread(target=case.report)
    reporting.start()
    try:
        case.clock.wait_for_waiter(LAST_ANSWER_SECONDS)
    finally:
        observer.may_go_on.set()
    reporting.join(PATIENCE_SECONDS)
    assert [event.outcome for event in observer.ended] == [TaskOutcome.FAILED]
