"""A history that cannot be had, or not at once: who goes on, who waits, and for how long."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from flowy import reasons
from flowy.concurrency.stop import StopLevel
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.swf.history import activity_records
from flowy.swf.worker.task_run import TaskRun
from tests.unit.stand_ins import fault
from tests.unit.swf.worker.attempts_case import AttemptsCase, open_case
from tests.unit.swf.worker.history_activities import Knows, Needed, Wanted


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    with open_case() as case:
        yield case


@pytest.mark.parametrize("trouble", ["throttle", "fail", "break_connection"])
def test_wanted_goes_on_without(
    case: AttemptsCase, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Asked once more after half a second, then it runs by the declared values, with a warning."""
    case.schedule()
    run = case.task_run(Wanted)
    getattr(case.swf.faults, trouble)("GetWorkflowExecutionHistory", count=1000)
    run.run()
    assert run.outcome is TaskOutcome.COMPLETED
    assert Wanted.seen["attempt"] is None
    assert case.layer1.reads == 2
    assert case.clock.waits == [0.5]
    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert "runs by its declared timeouts" in warning.getMessage()


def test_wanted_and_refused(case: AttemptsCase, caplog: pytest.LogCaptureFixture) -> None:
    """Without the permission another call would be refused, too."""

    def refuse(number: int) -> None:
        raise fault("AccessDeniedException", operation="GetWorkflowExecutionHistory")

    case.layer1.on_history = refuse
    assert case.run(Wanted).outcome is TaskOutcome.COMPLETED
    assert case.layer1.reads == 1
    assert "AccessDeniedException" in caplog.text


@pytest.mark.parametrize("implementation", [Wanted, Needed])
def test_a_history_that_is_behind(case: AttemptsCase, implementation: type[Knows]) -> None:
    """SWF's histories are eventually consistent: one that lacks this task is read again."""
    case.layer1.behind = 1
    case.run(implementation)
    assert implementation.seen["attempt"] == 1
    assert case.layer1.reads == 2


def test_needed_waits(case: AttemptsCase) -> None:
    """Through throttling, with a back-off, until the history can be had."""
    case.schedule()
    run = case.task_run(Needed)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=9)
    run.run()
    assert run.outcome is TaskOutcome.COMPLETED
    assert Needed.seen["attempt"] == 1
    assert sum(case.clock.waits) > 5


def test_needed_fails_at_last(case: AttemptsCase) -> None:
    """With a constant that a decider knows, half-way through the time that it may run."""
    case.schedule()
    run = case.task_run(Needed)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=10_000)
    began = case.clock.now()
    run.run()
    assert run.outcome is TaskOutcome.FAILED
    assert 250 < case.clock.now() - began <= 310
    case.swf.faults.clear()
    (record,) = activity_records(case.events)
    assert record.reason.startswith(f"{reasons.HISTORY_UNAVAILABLE}ThrottlingException. ")


def test_needed_ends_when_the_task_is_closed(case: AttemptsCase) -> None:
    """A heartbeat learns that meanwhile; nothing is answered, and nothing waits on."""
    case.schedule()
    run = case.task_run(Needed)

    def close(number: int) -> None:
        run.status.closed()

    case.layer1.on_history = close
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=1000)
    run.run()
    assert run.outcome is TaskOutcome.CLOSED
    assert len(case.clock.waits) <= 1


def test_a_budget_for_the_process(case: AttemptsCase) -> None:
    """Whoever is over it waits for its turn; a task that can run without it, not for long."""
    worker = case.worker(Wanted, history_rate=0.1)
    for number in ("1", "2"):
        case.schedule(number)
        run = TaskRun(worker, case.take())
        run.run()
        assert run.outcome is TaskOutcome.COMPLETED
    assert Wanted.seen["attempt"] is None
    assert case.layer1.reads == 1


@pytest.mark.parametrize("implementation", [Wanted, Needed])
def test_a_stop_ends_the_waiting(case: AttemptsCase, implementation: type[Knows]) -> None:
    """An activity that needs its history is left by the stop's policy; another one runs."""
    case.schedule()
    run = case.task_run(implementation)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=1000)
    case.clock.flag.raise_to(StopLevel.CANCEL)
    run.run()
    ended = TaskOutcome.COMPLETED if implementation is Wanted else TaskOutcome.ABANDONED
    assert run.outcome is ended
    assert case.clock.waits == []


def test_a_cancellation_ends_the_waiting(case: AttemptsCase) -> None:
    """A task that was to be canceled while it waited is canceled."""
    case.schedule()
    run = case.task_run(Needed)
    case.layer1.on_history = lambda number: run.status.accepted(cancel_requested=True)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=1000)
    run.run()
    assert "respond_activity_task_canceled" in case.layer1.calls
