"""The one record of a task run: who is told, and what trouble there does not change."""

from __future__ import annotations

import logging

import pytest

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
from flowy.observer import Observers, TaskEnded
from flowy.swf.worker.report import Tally
from flowy.swf.worker.task_run import TaskRun
from flowy.task import Activity
from tests.unit.swf.calls import RecordingJournal
from tests.unit.swf.worker.runs import Case, Recorder


class BrokenJournal(RecordingJournal):
    def settled(self, token: str, outcome: TaskOutcome) -> None:
        super().settled(token, outcome)
        raise OSError("broken journal")


class BrokenTally(Tally):
    def note(self, outcome: TaskOutcome, subject: object) -> None:
        super().note(outcome, subject)
        raise OSError("broken tally")


class BrokenObserver(Recorder):
    def task_ended(self, event: TaskEnded) -> None:
        super().task_ended(event)
        raise OSError("broken observer")


class BrokenHandler(logging.Handler):
    def handle(self, record: logging.LogRecord) -> bool:
        raise OSError("broken handler")


@pytest.mark.parametrize("broken", ["none", "journal", "tally", "slot", "log", "observer"])
def test_every_step_of_the_record_is_taken_though_another_raises(
    case: Case, broken: str, caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    """The journal, the tally, the slot, the log and the observers are all told."""
    journal = BrokenJournal() if broken == "journal" else RecordingJournal()
    tally = BrokenTally() if broken == "tally" else Tally()
    observer = BrokenObserver() if broken == "observer" else Recorder()
    freed: list[TaskRun] = []

    def free(run: TaskRun) -> None:
        freed.append(run)
        if broken == "slot":
            raise OSError("broken slot")

    if broken == "log":
        logger = logging.getLogger("flowy.swf.worker.task_run")
        handler = BrokenHandler()
        logger.addHandler(handler)
        request.addfinalizer(lambda: logger.removeHandler(handler))
    run = case.task_run(journal=journal, tally=tally, settled=free, observers=Observers([observer]))
    with caplog.at_level(logging.INFO):
        if broken in ("journal", "tally", "slot"):
            with pytest.raises(OSError, match=f"broken {broken}"):
                run.finish(Completed("1"))
        else:
            run.finish(Completed("1"))
    assert journal.entries[-1] == ("settled", "token", "COMPLETED")
    assert tally.report().completed == 1
    assert freed == [run]
    assert [type(event) for event in observer.events] == [TaskEnded]
    logged = [record for record in caplog.records if "completed after" in record.getMessage()]
    assert len(logged) == (broken != "log")
    run.heartbeats.send()
    assert case.calls.beats == []


def test_observers_are_told_how_long_run_and_answer_took(case: Case) -> None:
    """From the poll to the end of the run, and from there until SWF took the answer."""
    recorder = Recorder()
    error = ValueError("SECRET")

    class Work(Activity):
        def run(self) -> None:
            case.clock.turn(3.0)
            raise error

    case.calls.on_answer = lambda: case.clock.turn(2.0)
    run = case.task_run(Work, observers=Observers([recorder]))
    case.clock.turn(1.0)
    run.run()
    assert recorder.events[1:] == [
        TaskEnded(run.info, TaskOutcome.FAILED, run_seconds=4.0, answer_seconds=2.0, error=error)
    ]


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        (Completed("1"), logging.INFO),
        (Canceled(), logging.INFO),
        (Suspended(), logging.INFO),
        (HandedOver(), logging.INFO),
        (NoAnswer(TaskStatus.STOPPING), logging.INFO),
        (NoAnswer(TaskStatus.CLOSED), logging.INFO),
        (Failed("SECRET", "SECRET", ValueError("SECRET")), logging.ERROR),
    ],
)
def test_the_log_says_how_a_task_ended(
    case: Case, answer: Answer, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure is an ERROR with the class of its exception; its text may hold input."""
    run = case.task_run()
    case.clock.turn(1.5)
    with caplog.at_level(logging.INFO):
        run.finish(answer)
    assert run.outcome is not None
    (record,) = caplog.records
    assert record.levelno == level
    expected = f"Activity work 1 (activity 1 of workflow flow): {run.outcome.value} after 1.500 s"
    assert record.getMessage().startswith(expected)
    assert ("(ValueError)" in record.getMessage()) == isinstance(answer, Failed)
    other = "s; SWF gets its answer from other code."
    assert record.getMessage().endswith(other) == isinstance(answer, HandedOver)
    assert "SECRET" not in caplog.text
