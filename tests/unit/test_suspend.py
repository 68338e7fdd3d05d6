"""Activity.suspend: kept before the run ends, or the activity fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy import Activity, async_scheduler
from flowy.concurrency.retry import Deadline
from flowy.context import RunningActivity, entered
from flowy.invocation import StatusRecord
from flowy.swf.worker.heartbeats import BURST
from flowy.task import AsyncActivity
from flowy.tokens import Finisher, SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import Desk, an_info
from tests.unit.activity_calls import RecordingScheduler, called, requested

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.db"


@pytest.fixture
def store(path: Path) -> SQLiteTokenStore:
    return SQLiteTokenStore(path)


@pytest.fixture
def desk(client: SWFClient, domain: str) -> Desk:
    return Desk(client, domain)


BOTH = pytest.mark.parametrize("which", [0, 1], ids=["thread", "coroutine"])


NOTE = {"please": "look"}


def _suspending(store: Any, note: Any = NOTE, **how: Any) -> list[type[Activity]]:
    class Approve(Activity):
        def run(self) -> None:
            self.suspend(store, note, **how)

    class ApproveLater(AsyncActivity):
        async def run(self) -> None:
            await self.suspend(store, note, **how)

    return [Approve, ApproveLater]


# Without SWF


class _MemoryStore:
    """A store that keeps what it is given."""

    def __init__(self) -> None:
        self.kept: list[SuspendedTask] = []

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        self.kept.append(task)
        return task


class _FullStore(_MemoryStore):
    """A store whose disk is full."""

    def keep(self, task: SuspendedTask) -> SuspendedTask:
        raise OSError(28, "No space left on device")


def _called(
    which: int,
    store: Any,
    scheduler: RecordingScheduler | None = None,
    *,
    closes: float | None = 600,
    **how: Any,
) -> tuple[object, ...]:
    """Suspend a task, and return the one answer of its activity."""
    with entered(RunningActivity(an_info(), Deadline(closes), bool)):
        return called(_suspending(store, **how)[which], scheduler=scheduler)


@BOTH
def test_the_deadline_may_be_given(which: int) -> None:
    """``timeout=`` says how long, if the workflow overrides what was declared; else the latter."""
    store = _MemoryStore()
    for how, left in (({"timeout": 50}, 50), ({}, 600), ({"closes": None}, None)):
        assert _called(which, store, **how) == ("suspend", "the token")
        task = store.kept.pop()
        assert task.token == "the token"
        remaining = task.remaining()
        if left is None:
            assert remaining is None
        else:
            assert remaining == pytest.approx(left, abs=5)


@BOTH
def test_it_is_kept_before_the_run_ends(which: int) -> None:
    """A heartbeat goes out first, now; the worker knows while the task is put into the store."""
    scheduler = RecordingScheduler()
    _called(which, _MemoryStore(), scheduler)
    assert scheduler.calls == [
        ("heartbeat", "the token", None, True),
        ("suspending", "the token"),
        ("kept", "the token"),
        ("suspend", "the token"),
    ]


@BOTH
def test_what_cannot_be_kept_fails(which: int) -> None:
    """Never suspended and forgotten: if the store fails, so does the activity, at once."""
    answer = _called(which, _FullStore())
    assert answer[:3] == ("fail", "the token", "[Errno 28] No space left on device")


@BOTH
def test_a_note_without_json_form_fails(which: int, store: SQLiteTokenStore) -> None:
    """The activity fails, and nothing is kept."""
    verb, _, reason, _ = _called(which, store, note={1, 2})
    assert verb == "fail"
    assert "set" in str(reason)
    assert store.pending() == []


@BOTH
@pytest.mark.parametrize(
    ("learn", "verb"),
    [(StatusRecord.closed, []), (requested, ["cancel"]), (StatusRecord.lost, ["fail"])],
    ids=["closed", "to be canceled", "lost"],
)
def test_nobody_waits(which: int, learn: Callable[[StatusRecord], object], verb: list[str]) -> None:
    """If the heartbeat says so, nothing is kept, and the worker sends the matching answer."""
    store = _MemoryStore()
    answer = _called(which, store, RecordingScheduler(learn))
    assert list(answer[:1]) == verb
    assert store.kept == []


@BOTH
def test_a_worker_that_stops_may_be_freed_of_the_task(which: int) -> None:
    """It is kept, though heartbeats answer False."""
    store = _MemoryStore()
    assert _called(which, store, RecordingScheduler(is_stopping=True))[0] == "suspend"
    assert len(store.kept) == 1


# At SWF


@BOTH
def test_keeps_all_that_is_needed_to_finish(
    desk: Desk, store: SQLiteTokenStore, which: int
) -> None:
    """Token, info, note and deadline; the task stays open, and whoever has the store ends it."""
    execution = desk.start()
    before = time.time()
    type_ = desk.run(_suspending(store)[which], execution, heartbeat=90)
    (task,) = store.pending()
    assert (task.info.name, task.info.version) == type_
    assert (task.workflow_id, task.run_id) == ("flow", execution.run_id)
    assert (task.info.domain, task.activity_id) == (desk.domain, "1")
    assert task.note == NOTE
    assert task.info.heartbeat == 90
    assert task.deadline is not None
    assert before + 595 < task.deadline <= time.time() + 600
    assert execution.events()[-1] == "ActivityTaskStarted"
    found = store.find("flow", "1")
    assert found == task
    assert Finisher(store, async_scheduler(desk.domain, desk.client)).complete(task, "fine")
    assert execution.said("ActivityTaskCompleted")["result"] == '"fine"'


@BOTH
def test_the_last_beat_goes_out_after_a_burst(
    desk: Desk, store: SQLiteTokenStore, which: int
) -> None:
    """Heartbeats in a tight loop coalesce, but not that of suspend: it learns of the request."""

    class Approve(Activity):
        def run(self) -> None:
            for _ in range(2 * BURST):
                self.heartbeat()
            execution.request_cancel()
            self.suspend(store)

    class ApproveLater(AsyncActivity):
        async def run(self) -> None:
            for _ in range(2 * BURST):
                await self.heartbeat()
            execution.request_cancel()
            await self.suspend(store)

    kinds: list[type[Activity]] = [Approve, ApproveLater]
    execution = desk.start()
    desk.run(kinds[which], execution, heartbeat=3_600)
    assert "ActivityTaskCanceled" in execution.events()
    assert store.pending() == []


def test_an_approver_may_be_faster_than_the_run(
    desk: Desk, store: SQLiteTokenStore, path: Path
) -> None:
    """If the task is finished before the run has ended, the worker answers nothing."""
    scheduler = async_scheduler(desk.domain, desk.client)

    class EagerStore(SQLiteTokenStore):
        def keep(self, task: SuspendedTask) -> SuspendedTask:
            kept = super().keep(task)
            assert Finisher(self, scheduler).complete(kept, "eager")
            return kept

    class Approve(Activity):
        def run(self) -> None:
            self.suspend(EagerStore(path))

    execution = desk.start()
    desk.run(Approve, execution)
    assert execution.said("ActivityTaskCompleted")["result"] == '"eager"'
    assert store.pending() == []
