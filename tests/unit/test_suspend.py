"""Activity.suspend: kept before the run ends, or the activity fails."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy import Activity, async_scheduler
from flowy.heartbeat import BURST_BEATS
from flowy.task import AsyncActivity
from flowy.tokens import Finisher, SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


@pytest.fixture
def store(tmp_path: Path) -> SQLiteTokenStore:
    return SQLiteTokenStore(tmp_path / "tokens.db")


@pytest.fixture
def desk(client: SWFClient, domain: str) -> Desk:
    return Desk(client, domain)


def _suspending(store: SQLiteTokenStore, **how: Any) -> list[type[Activity]]:
    class Approve(Activity):
        def run(self) -> None:
            self.suspend(store, {"please": "look"}, **how)

    class ApproveLater(AsyncActivity):
        async def run(self) -> None:
            await self.suspend(store, {"please": "look"}, **how)

    return [Approve, ApproveLater]


@pytest.mark.parametrize("which", [0, 1], ids=["thread", "coroutine"])
def test_keeps_all_that_is_needed_to_finish(
    desk: Desk, store: SQLiteTokenStore, which: int
) -> None:
    """Token, info, note and deadline are kept; the task stays open; who has the store ends it."""
    execution = desk.start()
    before = time.time()
    type_ = desk.run(_suspending(store)[which], execution, heartbeat=90)
    (task,) = store.pending()
    assert (task.info.name, task.info.version) == type_
    assert (task.workflow_id, task.run_id) == ("flow", execution.run_id)
    assert (task.info.domain, task.activity_id) == (desk.domain, "1")
    assert task.note == {"please": "look"}
    assert task.info.heartbeat == 90
    assert task.deadline is not None
    assert before + 595 < task.deadline <= time.time() + 600
    assert execution.events()[-1] == "ActivityTaskStarted"
    found = store.find("flow", "1")
    assert found == task
    assert Finisher(store, async_scheduler(desk.domain, desk.client)).complete(task, "fine")
    assert execution.said("ActivityTaskCompleted")["result"] == '"fine"'


def test_the_deadline_may_be_given(desk: Desk, store: SQLiteTokenStore) -> None:
    """timeout= says how long, where the workflow overrides what was declared; else none is none."""
    desk.run(_suspending(store, timeout=50)[0], desk.start("given"))
    desk.run(_suspending(store)[0], desk.start("none"), closes=None)
    given, none = store.pending()
    left = given.remaining()
    assert left is not None
    assert 45 < left <= 50
    assert none.deadline is None


class _FullStore(SQLiteTokenStore):
    """A store whose disk is full."""

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        raise OSError(28, "No space left on device")


def test_what_cannot_be_kept_fails(desk: Desk, tmp_path: Path) -> None:
    """Never suspended and forgotten: where the store fails, so does the activity, at once."""
    for number, kind in enumerate(_suspending(_FullStore(tmp_path / "full.db"))):
        execution = desk.start(f"flow-{number}")
        desk.run(kind, execution)
        assert "No space left" in execution.said("ActivityTaskFailed")["reason"]


def test_a_note_without_json_form_fails(desk: Desk, store: SQLiteTokenStore) -> None:
    """A note that is no JSON fails the activity, and nothing is kept."""

    class Approve(Activity):
        def run(self) -> None:
            self.suspend(store, note={1, 2})

    execution = desk.start()
    desk.run(Approve, execution)
    assert "set" in execution.said("ActivityTaskFailed")["reason"]
    assert store.pending() == []


def test_a_closed_task_is_not_kept(desk: Desk, store: SQLiteTokenStore) -> None:
    """Where the beat says that the task is closed there is nobody to wait for."""

    class Approve(Activity):
        def run(self) -> None:
            execution.terminate()
            self.suspend(store)

    execution = desk.start()
    desk.run(Approve, execution)
    assert store.pending() == []


def test_a_requested_cancellation_is_answered(desk: Desk, store: SQLiteTokenStore) -> None:
    """Where the beat says that a cancellation was requested, the task is canceled, not kept."""

    class Approve(Activity):
        def run(self) -> None:
            execution.request_cancel()
            self.suspend(store)

    execution = desk.start()
    desk.run(Approve, execution)
    assert "ActivityTaskCanceled" in execution.events()
    assert store.pending() == []


@pytest.mark.parametrize("which", [0, 1], ids=["thread", "coroutine"])
def test_the_last_beat_goes_out_after_a_burst(
    desk: Desk, store: SQLiteTokenStore, which: int
) -> None:
    """Beats in a tight loop coalesce, but not that of suspend: it learns of the cancellation."""

    class Approve(Activity):
        def run(self) -> None:
            for _ in range(2 * BURST_BEATS):
                self.heartbeat()
            execution.request_cancel()
            self.suspend(store)

    class ApproveLater(AsyncActivity):
        async def run(self) -> None:
            for _ in range(2 * BURST_BEATS):
                await self.heartbeat()
            execution.request_cancel()
            await self.suspend(store)

    kinds: list[type[Activity]] = [Approve, ApproveLater]
    execution = desk.start()
    desk.run(kinds[which], execution, heartbeat=3_600)
    assert "ActivityTaskCanceled" in execution.events()
    assert store.pending() == []


def test_an_approver_may_be_faster_than_the_run(desk: Desk, store: SQLiteTokenStore) -> None:
    """One who finishes the task before the run has ended is taken; the worker answers nothing."""
    scheduler = async_scheduler(desk.domain, desk.client)

    class EagerStore(SQLiteTokenStore):
        def keep(self, task: SuspendedTask) -> SuspendedTask:
            kept = super().keep(task)
            assert Finisher(self, scheduler).complete(kept, "eager")
            return kept

    class Approve(Activity):
        def run(self) -> None:
            self.suspend(EagerStore(store._file.path))

    execution = desk.start()
    desk.run(Approve, execution)
    assert execution.said("ActivityTaskCompleted")["result"] == '"eager"'
    assert store.pending() == []
