"""How the store learns how a task ended."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from flowy.invocation.outcome import TaskOutcome
from flowy.swf.suspended import Keeper
from flowy.swf.suspended.outage import FAILURES_IN_A_ROW
from flowy.swf.suspended.schedule import HISTORY_RETRY_SECONDS
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk
from tests.unit.stand_ins import fault
from tests.unit.swf.suspended.beats import AheadClock, Beats, kept


def test_learns_which_timeout_it_was(
    desk: Desk, store: SQLiteTokenStore, keeper: Keeper, clock: AheadClock
) -> None:
    """A task that SWF has timed out is marked so, with the type of the timeout."""
    execution, task = desk.waiting(closes=1)
    store.keep(task)
    execution.decide()  # there is something to decide once it has timed out
    clock.ahead += 301
    keeper.look()
    found = kept(store, task)
    assert (found.outcome, found.reason) == (TaskOutcome.TIMED_OUT, "START_TO_CLOSE")
    assert found.learned
    assert found.closed_at is not None


def test_learns_how_it_was_ended_elsewhere(
    desk: Desk, store: SQLiteTokenStore, keeper: Keeper, clock: AheadClock
) -> None:
    """Completed, failed, or cut off with its workflow: each is read from the history."""
    tasks = []
    for number in range(3):
        execution, task = desk.waiting(f"flow-{number}")
        tasks.append(store.keep(task))
        if number == 0:
            desk.client.respond_activity_task_completed(taskToken=task.token, result="1")
        elif number == 1:
            desk.client.respond_activity_task_failed(taskToken=task.token, reason="too dear")
        else:
            execution.terminate("enough")
    clock.ahead += 301
    keeper.look()
    assert [(each.outcome, each.reason) for each in (kept(store, task) for task in tasks)] == [
        (TaskOutcome.COMPLETED, None),
        (TaskOutcome.FAILED, "too dear"),
        (TaskOutcome.EXECUTION_CLOSED, "the workflow was terminated: enough"),
    ]


def test_a_history_that_is_gone_says_so(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """Closed, and how cannot be read: closed all the same, with why that is."""

    class Without(Beats):
        code = ""

        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            raise fault(self.code)

    client = Without(desk.client)
    keeper = Keeper(desk.domain, store, client)
    for number, code, reason in (
        (1, "UnknownResourceFault", "its history is gone"),
        (2, "OperationNotPermittedFault", "its history cannot be read: OperationNotPermittedFault"),
    ):
        execution, task = desk.waiting(f"flow-{number}")
        store.keep(task)
        execution.terminate()
        clock.ahead += 301
        client.code = code
        keeper.look()
        found = kept(store, task)
        assert (found.outcome, found.reason) == (TaskOutcome.CLOSED, reason)


def test_a_history_out_of_reach_is_read_later(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A history that cannot be read now keeps no other task from its beat, and is read soon."""

    class Throttled(Beats):
        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            raise fault("ThrottlingException")

    execution, closed = desk.waiting("closed")
    store.keep(closed)
    execution.terminate()
    others = 2 * FAILURES_IN_A_ROW
    for number in range(others):
        store.keep(desk.waiting(f"flow-{number}")[1])
    clock.ahead += 301
    beats = Throttled(desk.client)
    Keeper(desk.domain, store, beats).look()
    assert beats.count == 1 + others
    assert kept(store, closed).is_open
    assert "its history cannot be read now (ThrottlingException)" in caplog.text
    clock.ahead += HISTORY_RETRY_SECONDS
    later = Beats(desk.client)
    Keeper(desk.domain, store, later).look()
    assert kept(store, closed).outcome is TaskOutcome.EXECUTION_CLOSED
    assert later.count == 1


def test_an_unknown_domain_closes_nothing(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock, caplog: pytest.LogCaptureFixture
) -> None:
    """An SWF that knows no such domain is the wrong one: the task stays open, with an ERROR."""

    class Elsewhere(Beats):
        def record_activity_task_heartbeat(self, **_parameters: Any) -> Any:
            raise fault("UnknownResourceFault", "Unknown activity, scheduledEventId = 5")

        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            raise fault("UnknownResourceFault", f"Unknown domain: {desk.domain}")

    _, task = desk.waiting()
    store.keep(task)
    clock.ahead += 301
    Keeper(desk.domain, store, Elsewhere(desk.client)).look()
    assert kept(store, task).is_open
    (said,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert f"SWF does not know domain {desk.domain}" in said.getMessage()
    clock.ahead += 299
    assert store.claim_due(desk.domain, 60) is None
    clock.ahead += 2
    assert store.claim_due(desk.domain, 60) is not None


def test_a_history_that_does_not_say_how(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """A history without any ending of the task closes it with just that."""

    class Silent(Beats):
        def get_workflow_execution_history(self, **_parameters: Any) -> Any:
            return {"events": []}

    execution, task = desk.waiting()
    store.keep(task)
    execution.terminate()
    clock.ahead += 301
    Keeper(desk.domain, store, Silent(desk.client)).look()
    assert kept(store, task).reason == "its history does not say how"
