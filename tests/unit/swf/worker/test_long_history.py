"""Executions with as many events as SWF takes: the worker reads the newest 2,000."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from flowy import activity, reasons
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.swf.worker.history_reader import MAX_EVENTS
from flowy.task import Activity
from tests.unit.shop import DOMAIN
from tests.unit.swf.worker.attempts_case import AttemptsCase, open_case


@activity(
    name="charge", version=1, task_list="work", heartbeat=30, schedule_to_close=None,
    schedule_to_start=None, start_to_close=None, history="needed",
)  # fmt: skip
class Knows(Activity):
    """Keeps what it knows when it runs."""

    seen: ClassVar[list[Any]] = []

    def run(self) -> None:
        """Keep it."""
        known = self.history()
        tries = len(known.previous or ())
        self.seen.append((known.attempt, known.previous_details, tries, known.complete))


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    Knows.seen.clear()
    with open_case() as case:
        yield case


def signal(case: AttemptsCase, until: int) -> None:
    """Let the history grow to *count* events, without a decider."""
    assert case.swf._service is not None
    backend = case.swf._service._backend
    with backend.lock:
        execution = backend.own_domain(DOMAIN).runs[case.run_id]
        while len(execution.local_events) < until:
            execution._add_event(
                "WorkflowExecutionSignaled", external_initiated_event_id=0, signal_name="more"
            )


def test_of_25000_events_the_newest_2000_are_read(case: AttemptsCase) -> None:
    """Two calls; older attempts are unknown, and so is the number of this one."""
    case.lose(details='{"copied": 3}')
    signal(case, 24_900)
    case.lose(details='{"copied": 7}')
    case.run(Knows)
    assert Knows.seen == [(None, {"copied": 7}, 1, False)]
    assert case.layer1.reads == 2


def test_a_task_that_was_scheduled_long_ago(case: AttemptsCase) -> None:
    """It waited in its queue while more than 2,000 events came: its history is unavailable."""
    signal(case, 22_900)
    case.schedule()
    signal(case, 22_900 + MAX_EVENTS + 10)
    run = case.task_run(Knows)
    run.run()
    assert run.outcome is TaskOutcome.FAILED
    assert run.responder.reason == (
        f"{reasons.HISTORY_UNAVAILABLE}the task was scheduled more than 2,000 events ago, more "
        "than Flowy reads."
    )
    assert case.layer1.reads == 2
