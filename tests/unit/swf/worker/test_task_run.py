"""One task in a worker: its journal, its answer, its outcome, and what its author overrides."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from flowy import reasons
from flowy.context import ActivityInfo, current_or_none
from flowy.exception import SuspendTask, TokenStoreError
from flowy.invocation import (
    Answer,
    Canceled,
    Completed,
    Failed,
    HandedOver,
    NoAnswer,
    Suspended,
    TaskOutcome,
    TaskStatus,
)
from flowy.logs import ActivityFilter
from flowy.swf.values import ActivityType
from flowy.task import Activity
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.unit.swf.calls import refused, unknown
from tests.unit.swf.worker.runs import Case

# The journal


def test_the_calls_of_a_task_have_its_ids_in_the_log(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever thread makes them: of a background heartbeat, of a coroutine's answer, of a stop."""
    caplog.set_level(logging.DEBUG)
    running_here: list[ActivityInfo | None] = []
    case.calls.on_answer = lambda: running_here.append(current_or_none())
    run = case.task_run()
    with caplog.filtering(ActivityFilter()):
        run.heartbeats.send()  # as the threads of background heartbeats do
        run.finish(Completed("1"))
    calls = [each for each in caplog.records if each.getMessage().startswith("Calling ")]
    assert [each.getMessage() for each in calls] == [
        "Calling record_activity_task_heartbeat.",
        "Calling respond_activity_task_completed.",
    ]
    for call in calls:
        assert call.__dict__["flowy_activity_id"] == run.info.activity_id
    assert running_here == [None]  # tracing, for example, must not take the call for the activity's


def test_a_task_is_in_the_journal_before_it_runs(case: Case) -> None:
    """Opened, then run, then answered, then settled."""
    order: list[str] = []

    class Work(Activity):
        def run(self) -> None:
            order.extend(entry[0] for entry in case.journal.entries)

    case.calls.on_answer = lambda: order.append("answered")
    case.task_run(Work).run()
    assert order == ["opened", "answered"]
    assert case.journal.entries == [("opened", "token"), ("settled", "token", "COMPLETED")]


def test_a_suspended_task_is_settled(case: Case) -> None:
    """It is not this process's to answer any more, whatever becomes of the process."""

    class Work(Activity):
        def run(self) -> None:
            raise SuspendTask

    case.task_run(Work).run()
    assert case.settled == ["SUSPENDED"]
    assert case.calls.tried == []
    assert case.tally.report().suspended == 1


def test_the_journal_knows_that_a_task_is_being_put_into_a_store(
    case: Case, tmp_path: Path
) -> None:
    """Whether it is in it only the store knows: nobody must fail it if the process dies now."""
    store = SQLiteTokenStore(tmp_path / "tokens.db")

    class Work(Activity):
        def run(self) -> None:
            self.suspend(store)

    case.task_run(Work).run()
    assert case.journal.entries == [
        ("opened", "token"),
        ("suspending", "token"),
        ("settled", "token", "SUSPENDED"),
    ]


def test_a_task_that_the_store_does_not_take_is_open_again(case: Case) -> None:
    """Whoever answers for a process that dies must answer for it, too."""

    class Broken:
        def keep(self, task: Any) -> Any:
            raise TokenStoreError("the disk is full")

    broken: Any = Broken()

    class Work(Activity):
        def run(self) -> None:
            self.suspend(broken)

    case.task_run(Work).run()
    assert case.journal.entries == [
        ("opened", "token"),
        ("suspending", "token"),
        ("opened", "token"),
        ("settled", "token", "FAILED"),
    ]
    assert case.answer[1] == "the disk is full"


# Outcomes


@pytest.mark.parametrize(
    ("answer", "outcome", "verbs"),
    [
        (Completed("1"), TaskOutcome.COMPLETED, ["complete"]),
        (Failed("why"), TaskOutcome.FAILED, ["fail"]),
        (Canceled(), TaskOutcome.CANCELED, ["cancel"]),
        (Suspended(), TaskOutcome.SUSPENDED, []),
        (HandedOver(), TaskOutcome.HANDED_OVER, []),
        (NoAnswer(TaskStatus.STOPPING), TaskOutcome.ABANDONED, []),
    ],
)
def test_an_answer_and_its_outcome(
    case: Case, answer: Answer, outcome: TaskOutcome, verbs: list[str]
) -> None:
    """What SWF has taken, or what the worker left, is recorded, and the journal knows it."""
    run = case.task_run()
    assert run.outcome is None
    assert run.finish(answer) is True
    assert run.outcome is outcome
    assert case.calls.tried == verbs
    assert case.settled == [outcome.name]


def test_a_closed_task_gets_no_answer(case: Case) -> None:
    """SWF would refuse it: the activity gave up, and its outcome says why."""
    case.calls.beat = lambda: _raises(unknown())

    class Work(Activity):
        def run(self) -> None:
            assert not self.heartbeat()

    run = case.task_run(Work)
    run.run()
    assert run.outcome is TaskOutcome.CLOSED
    assert case.calls.tried == []


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [([unknown()], "CLOSED"), ([refused(), refused()], "UNANSWERED"), ([refused()], "FAILED")],
)
def test_finish_returns_whether_swf_took_an_answer(
    case: Case, trouble: list[BaseException], outcome: str
) -> None:
    """Of any kind: a failure that stands for what SWF refused is one."""
    case.calls.trouble = trouble
    taken = outcome == "FAILED"
    assert case.task_run().finish(Failed("why")) is taken
    assert case.settled == [outcome]


@pytest.mark.parametrize(
    ("on_unknown", "answers", "outcome"), [("fail", 1, "FAILED"), ("abandon", 0, "LEFT_UNKNOWN")]
)
def test_a_task_of_an_unknown_type(
    case: Case, on_unknown: str, answers: int, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Failed by a fixed reason that names what this worker has, or left; settled either way."""
    run = case.task_run(type_=ActivityType("other", "2"), on_unknown=on_unknown)
    assert not run.is_coroutine
    run.run()
    assert len(case.calls.made) == answers
    if answers:
        assert (
            case.answer[1] == f"{reasons.UNKNOWN_ACTIVITY_TYPE}other 2. This worker serves work 1."
        )
    assert case.settled == [outcome]
    assert "This worker does not serve other 2; it serves work 1." in caplog.text


# What the author overrides


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_must_go_on_up_goes_on_after_the_answer(case: Case, error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit fail the task, and are raised then."""

    class Work(Activity):
        def run(self) -> None:
            raise error

    with pytest.raises(type(error)):
        case.task_run(Work).run()
    assert case.answer[0] == "fail"
    assert case.tally.report().failed == 1


def test_a_constructor_that_raises_fails_its_task(case: Case) -> None:
    """There is no activity that could answer."""

    class Work(Activity):
        def __init__(self, *args: Any) -> None:
            raise RuntimeError("no such table")

    case.task_run(Work).run()
    assert case.answer[:2] == ("fail", "no such table")


def test_a_call_that_answers_nothing_fails_its_task(case: Case) -> None:
    """An overridden __call__ that forgets to answer must not leave the task open."""

    class Work(Activity):
        def __call__(self) -> None:
            pass

    case.task_run(Work).run()
    assert case.answer[1].startswith(reasons.NO_ANSWER)


def test_a_call_that_answers_is_left_alone(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """One that is overridden, and answers as that of the base does: there is nothing to add."""

    class Work(Activity):
        def __call__(self) -> None:
            self._scheduler.complete(self.token, '"mine"')

    with caplog.at_level(logging.INFO):
        case.task_run(Work).run()
    assert case.answer == ("complete", '"mine"')
    assert len(caplog.records) == 1


def test_a_call_that_breaks_after_its_answer_is_logged(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """SWF has the answer, so the log is where its author learns of it."""

    class Work(Activity):
        def __call__(self) -> None:
            self._scheduler.complete(self.token, "1")
            raise ValueError("SECRET")

    case.task_run(Work).run()
    assert case.calls.tried == ["complete"]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().endswith("failed after its answer: ValueError.")


def _raises(error: Exception) -> bool:
    raise error
