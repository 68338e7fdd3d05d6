"""One task in a worker: its journal, its answer, its outcome and its heartbeats."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import OutsideActivityError, SuspendTask, TokenStoreError
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
from flowy.observer import HeartbeatEnded, Observers, StatusChanged
from flowy.swf.values import ActivityType
from flowy.task import Activity
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.unit.swf.calls import refused, unknown
from tests.unit.swf.worker.runs import Case, Recorder

# The journal


def test_the_calls_of_a_task_have_its_ids_in_the_log(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever thread makes them: of a background heartbeat, of a coroutine's answer, of a stop."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(ActivityFilter())
    run = case.task_run()
    run.heartbeats.send()  # as the threads of background heartbeats do
    run.finish(Completed("1"))
    calls = [each for each in caplog.records if each.getMessage().startswith("Calling ")]
    assert [each.getMessage() for each in calls] == [
        "Calling record_activity_task_heartbeat.",
        "Calling respond_activity_task_completed.",
    ]
    for call in calls:
        assert call.__dict__["flowy_activity_id"] == run.info.activity_id


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


# The text of a failure


@pytest.mark.parametrize(
    ("details", "sent"),
    [("Traceback", "Traceback\nLast heartbeat: row 8"), (None, "Last heartbeat: row 8")],
)
def test_a_failure_ends_with_the_last_details(case: Case, details: str | None, sent: str) -> None:
    """What was reported last ends the details, so that it is never cut."""
    run = case.task_run()
    run.heartbeats.beat("row 7")
    run.heartbeats.progress("row 8")
    run.finish(Failed("why", details))
    assert case.calls.made == [("fail", "why", sent)]


def test_long_details_of_the_last_heartbeat_leave_room_for_the_traceback(case: Case) -> None:
    """They are cut as the heartbeat's own were, and so is what has no UTF-8 form."""
    run = case.task_run()
    run.heartbeats.progress("\udcff" + "x" * 40_000)
    run.finish(Failed("why", "Traceback"))
    details = case.answer[2]
    assert details.startswith("Traceback\nLast heartbeat: \\udcffxxx")
    assert len(details) == len("Traceback\nLast heartbeat: ") + 2_048


def test_details_in_a_format_of_the_activitys_own_are_sent_as_they_are(case: Case) -> None:
    """Its decider reads them, and could not if the last heartbeat stood below."""
    run = case.task_run()
    run.heartbeats.beat("row 8")
    run.finish(Failed("why", "{}", own_format=True))
    assert case.calls.made == [("fail", "why", "{}")]


def test_a_failure_by_the_stop_has_the_fixed_reason_and_the_last_details(case: Case) -> None:
    """on_stop="fail": a reason by which a decider knows it, and how far the work had come."""
    run = case.task_run(on_stop="fail")
    run.heartbeats.progress("row 8")
    run.end_by_stop()
    assert case.calls.made == [
        (
            "fail",
            f"{reasons.WORKER_STOPPED}the activity was still running after the grace.",
            "Last heartbeat: row 8",
        )
    ]
    assert case.settled == ["FAILED_BY_STOP"]


# Its heartbeats


@pytest.mark.parametrize(
    ("heartbeat", "start_to_close", "seconds"),
    [(60, 300, 60), (None, 300, 300), (60, None, 60), (None, None, None)],
)
def test_when_a_task_is_lost(
    case: Case, heartbeat: int | None, start_to_close: int | None, seconds: int | None
) -> None:
    """The declared heartbeat timeout, or start-to-close, after the poll: SWF's clock began there.

    A first heartbeat that comes late and is refused therefore tells so at once. If neither is
    declared, the task is never lost.
    """
    case.calls.beat = lambda: _raises(refused())
    run = case.task_run(heartbeat=heartbeat, start_to_close=start_to_close)
    case.clock.turn((seconds or 1e9) - 1)
    run.heartbeats.send()
    assert run.status.current is TaskStatus.ACTIVE
    case.clock.turn(1)
    run.heartbeats.send()
    assert run.status.current is (TaskStatus.LOST if seconds else TaskStatus.ACTIVE)


@pytest.mark.parametrize(
    "answer", [Completed("1"), Suspended(), NoAnswer(TaskStatus.STOPPING), None]
)
def test_no_heartbeat_goes_out_once_it_is_settled(case: Case, answer: Answer | None) -> None:
    """A task that was left must time out, though its activity hangs and goes on sending."""
    run = case.task_run()
    if answer is None:
        run.give_up()
    else:
        run.finish(answer)
    run.heartbeats.beat("still here")
    run.heartbeats.send()
    assert case.calls.beats == []


def test_observers_are_told_of_heartbeats_and_what_they_bring(case: Case) -> None:
    """Of each one, and of each new status."""
    recorder = Recorder()
    run = case.task_run(observers=Observers([recorder]))
    run.heartbeats.send()
    case.calls.beat = lambda: True
    run.heartbeats.send()
    case.calls.beat = lambda: _raises(refused())
    run.heartbeats.send()
    assert recorder.events == [
        HeartbeatEnded(run.info, accepted=True),
        HeartbeatEnded(run.info, accepted=True),
        StatusChanged(run.info, TaskStatus.CANCEL_REQUESTED),
        HeartbeatEnded(run.info, accepted=False, fault="ValidationException"),
    ]


def test_a_forked_child_sends_no_heartbeat(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard of the worker tells the child from the worker; the parent goes on."""

    class Work(Activity):
        def run(self) -> None:
            with monkeypatch.context() as child:
                child.setattr(os, "getpid", lambda: -1)
                with pytest.raises(OutsideActivityError, match="forked child of the worker"):
                    self.heartbeat("from the child")
            self.heartbeat("from the parent")

    case.task_run(Work).run()
    assert case.calls.beats == ["from the parent"]


def test_remaining_counts_from_the_poll(case: Case) -> None:
    """SWF's clock began there, not when the run did."""
    seen: list[float | None] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(self.remaining())

    run = case.task_run(Work)
    case.clock.turn(50)
    run.run()
    assert seen == [250]


def _raises(error: Exception) -> bool:
    raise error
