"""What is done about SWF's answer to a heartbeat."""

from __future__ import annotations

import time
from typing import Any

import pytest

from flowy.invocation.outcome import TaskOutcome
from flowy.swf.suspended import Keeper
from flowy.swf.suspended.heartbeater import CANCELED_DETAILS
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk, a_task
from tests.unit.stand_ins import fault
from tests.unit.swf.suspended.beats import AheadClock, Beats, kept


def test_answers_a_requested_cancellation(
    desk: Desk, store: SQLiteTokenStore, keeper: Keeper, clock: AheadClock
) -> None:
    """If a cancellation was requested the task is answered canceled, and marked so."""
    execution, task = desk.waiting()
    store.keep(task)
    execution.request_cancel()
    clock.ahead += 301
    keeper.look()
    assert execution.said("ActivityTaskCanceled")["details"] == CANCELED_DETAILS
    found = kept(store, task)
    assert (found.outcome, found.learned) == (TaskOutcome.CANCELED, False)


def test_only_marks_a_cancellation_where_told_so(
    desk: Desk, store: SQLiteTokenStore, clock: AheadClock
) -> None:
    """on_cancel="mark" leaves the answer to people: the task waits, and its heartbeats go on."""
    beats = Beats(desk.client)
    keeper = Keeper(desk.domain, store, beats, on_cancel="mark")
    execution, task = desk.waiting()
    store.keep(task)
    execution.request_cancel()
    for _ in range(2):
        clock.ahead += 301
        keeper.look()
    found = kept(store, task)
    assert found.is_open
    assert found.cancel_requested
    assert beats.count == 2
    assert "ActivityTaskCanceled" not in execution.events()


@pytest.mark.parametrize(
    ("code", "pause"), [("OperationNotPermittedFault", 5), ("ValidationException", 300)]
)
def test_a_refused_answer_is_given_again(
    desk: Desk,
    store: SQLiteTokenStore,
    clock: AheadClock,
    caplog: pytest.LogCaptureFixture,
    code: str,
    pause: int,
) -> None:
    """If SWF does not take *canceled* the log says so, and the store when it is tried again."""

    class Refusing(Beats):
        def respond_activity_task_canceled(self, **_parameters: Any) -> Any:
            raise fault(code)

    execution, task = desk.waiting()
    store.keep(task)
    execution.request_cancel()
    clock.ahead += 301
    Keeper(desk.domain, store, Refusing(desk.client)).look()
    found = kept(store, task)
    assert found.is_open
    assert found.cancel_requested
    assert f"SWF did not accept the answer ({code}). Trying again in {pause} s." in caplog.text
    assert "Heartbeat" not in caplog.text
    clock.ahead += pause
    Keeper(desk.domain, store, desk.client).look()
    assert kept(store, task).outcome is TaskOutcome.CANCELED


def test_a_token_of_elsewhere_stays_until_its_deadline(
    keeper: Keeper,
    store: SQLiteTokenStore,
    clock: AheadClock,
    desk: Desk,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A token that this SWF cannot read is an ERROR, but the store keeps it for its time."""
    now = time.time()
    wrong = store.keep(a_task("secret-wrong", domain=desk.domain, deadline=now + 1_000))
    late = store.keep(a_task("secret-late", domain=desk.domain, deadline=now - 1))
    clock.ahead += 301
    keeper.look()
    assert kept(store, wrong).is_open
    assert kept(store, late).outcome is TaskOutcome.CLOSED
    assert kept(store, late).reason == "SWF refuses its token: ValidationException"
    assert "is this the right region?" in caplog.text
    assert "secret" not in caplog.text
