"""What the log says of one task: its start, its end, and why it failed if Flowy says why."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from flowy import Activity, reasons
from flowy.logs import ACTIVITY_KEYS
from flowy.swf.worker.report import Tally
from flowy.swf.worker.task_run import TaskRun
from tests.unit.swf.worker.runs import Case

CONSTANTS = [text for name, text in vars(reasons).items() if name.isupper()]


@pytest.fixture
def case() -> Iterator[Case]:
    made = Case()
    yield made
    made.close()


class Work(Activity):
    """Ends as its argument says."""

    def run(self, end: str | None = None) -> Any:
        if end == "raise":
            raise ValueError("SECRET")
        return "x" * 40_000 if end == "long" else object() if end == "odd" else None


def logged(case: Case, caplog: pytest.LogCaptureFixture, run: TaskRun) -> Any:
    """Run a task, outside of any activity's context, and return the record of its end."""
    caplog.set_level(logging.DEBUG)
    run.run()
    (record,) = [
        each for each in caplog.records if each.__dict__.get("flowy_event") == "task_ended"
    ]
    for key, name in ACTIVITY_KEYS.items():
        assert record.__dict__[key] == getattr(run.info, name)
    return record


@pytest.mark.parametrize(
    ("input", "outcome", "fault"),
    [
        ("[[], {}]", "completed", None),
        ('[["raise"], {}]', "failed", "ValueError"),
        ('[["long"], {}]', "failed", "Result too long"),
        ('[["odd"], {}]', "failed", "Result not serializable"),
        ("[1, 2, 3]", "failed", "Input unreadable"),
        ("[[1, 2], {}]", "failed", "Input does not fit"),
    ],
)
def test_the_end(
    case: Case, caplog: pytest.LogCaptureFixture, input: str, outcome: str, fault: str | None
) -> None:
    """The line has outcome and seconds; of a failure Flowy's constant, or the author's class."""
    case.calls.on_answer = lambda: case.clock.turn(1.5)
    run = case.task_run(Work, input=input)
    record = logged(case, caplog, run)
    why = {None: "", "ValueError": " (ValueError); SWF gets the reason"}.get(fault, f" ({fault})")
    assert record.getMessage() == f"Activity {run.info}: {outcome} after 1.500 s{why}."
    assert record.levelno == (logging.ERROR if outcome == "failed" else logging.INFO)
    assert (record.flowy_outcome, record.flowy_seconds) == (outcome, 1.5)
    assert getattr(record, "flowy_fault", None) == fault
    assert "SECRET" not in caplog.text


def test_a_type_that_the_worker_lacks(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Its constant is told, and the other line about it names the task in its keys."""
    record = logged(case, caplog, case.task_run(Work, activities={}, tally=Tally()))
    assert record.flowy_fault == "Unknown activity type"
    other: Any = caplog.records[-1]
    assert (other.flowy_event, other.flowy_workflow_id) == ("unknown_type", "flow")


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_the_start(case: Case, caplog: pytest.LogCaptureFixture, level: int) -> None:
    """It is told before the run, at DEBUG or as the worker was told."""
    caplog.set_level(logging.DEBUG)
    run = case.task_run(Work, start_level=level)
    run.run()
    started: Any = caplog.records[0]
    assert started.getMessage() == f"Activity {run.info}: started."
    assert (started.levelno, started.flowy_event) == (level, "task_started")
    assert started.flowy_run_id == "run"


def test_constants_of_reasons() -> None:
    """Each is found in a reason that begins with it; an author's reason has none."""
    for text in CONSTANTS:
        assert reasons.constant_of(f"{text}and why.") == text[:-2]
    assert reasons.constant_of("Can't charge: Result too long: ") is None
