"""What the SQLite store keeps, finds, marks and drops."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from flowy.exception import SerializationError, TokenStoreError
from flowy.invocation.outcome import TaskOutcome
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import WallClock, a_task


def test_keeps_everything(store_file: Path, store: SQLiteTokenStore) -> None:
    """What is kept is there again for whoever opens the file later, token, info, note and all."""
    task = a_task("t", note={"amount": [1, "€"]}, heartbeat=9, suspended_at=5.0, deadline=7.5)
    assert store.keep(task) == task
    assert SQLiteTokenStore(store_file).get(task.id) == task
    assert store.get("nobody") is None
    assert repr(store) == f"<SQLiteTokenStore {str(store_file)!r}>"


def test_keeping_a_token_again_renews_its_row(store: SQLiteTokenStore) -> None:
    """An activity that suspends twice has one row: the first id, the newer note and deadline."""
    first = store.keep(a_task("t", note=1))
    second = store.keep(a_task("t", note=2, deadline=9.0))
    assert second.id == first.id
    assert [(task.note, task.deadline) for task in store.pending()] == [(2, 9.0)]


#: What the column ``state`` of an earlier Flowy's files can have, and what it means.
STATES = {
    "open": None,
    "completed": TaskOutcome.COMPLETED,
    "failed": TaskOutcome.FAILED,
    "canceled": TaskOutcome.CANCELED,
    "timed out": TaskOutcome.TIMED_OUT,
    "workflow closed": TaskOutcome.EXECUTION_CLOSED,
    "closed": TaskOutcome.CLOSED,
}


@pytest.mark.parametrize(("state", "outcome"), STATES.items())
def test_reads_the_file_of_an_earlier_flowy(
    store_file: Path, store: SQLiteTokenStore, state: str, outcome: TaskOutcome | None
) -> None:
    """Each state that an earlier Flowy wrote is read as the outcome that it means."""
    task = store.keep(a_task())
    with closing(sqlite3.connect(store_file)) as database:
        database.execute("UPDATE task SET state = ?", (state,))
        database.commit()
    found = store.get(task.id)
    assert found is not None
    assert found.outcome is outcome
    assert [each.id for each in store.pending()] == ([task.id] if outcome is None else [])


@pytest.mark.parametrize(("state", "outcome"), STATES.items())
def test_an_earlier_flowy_reads_its_file(
    store_file: Path, store: SQLiteTokenStore, state: str, outcome: TaskOutcome | None
) -> None:
    """Each outcome of a suspended task is written as the state that an earlier Flowy knows."""
    task = store.keep(a_task())
    if outcome is not None:
        store.close(task.id, outcome)
    with closing(sqlite3.connect(store_file)) as database:
        assert database.execute("SELECT state FROM task").fetchall() == [(state,)]


@pytest.mark.parametrize("outcome", TaskOutcome)
def test_keeps_every_outcome(store: SQLiteTokenStore, outcome: TaskOutcome) -> None:
    """Whatever outcome a task is closed with is read again."""
    task = store.keep(a_task())
    assert store.close(task.id, outcome)
    assert [each.outcome for each in store.closed()] == [outcome]


def test_refuses_a_note_without_json_form(store: SQLiteTokenStore) -> None:
    """A note that cannot be kept is an error, and nothing is kept: the activity fails."""
    with pytest.raises(SerializationError, match="object at result"):
        store.keep(a_task(note=object()))
    assert store.pending() == []


def test_finds_the_latest_open_task(store: SQLiteTokenStore) -> None:
    """By workflow and activity id: an open one first, else the latest; run and domain narrow it."""
    old = store.keep(a_task("1", run_id="a", suspended_at=1.0))
    new = store.keep(a_task("2", run_id="b", suspended_at=2.0))
    other = store.keep(a_task("3", run_id="b", domain="bank", suspended_at=3.0))
    assert store.find("order-7", "1") == other
    assert store.find("order-7", "1", domain="shop") == new
    assert store.find("order-7", "1", "a") == old
    assert store.find("order-7", "2") is None
    store.close(other.id, TaskOutcome.COMPLETED)
    store.close(new.id, TaskOutcome.COMPLETED)
    found = store.find("order-7", "1")
    assert found is not None
    assert found.id == old.id
    store.close(old.id, TaskOutcome.COMPLETED)
    found = store.find("order-7", "1")
    assert found is not None
    assert found.id == other.id


def test_lists_the_pending_oldest_first(store: SQLiteTokenStore) -> None:
    """Pending tasks come in the order of their suspension, of all domains or of one."""
    young = store.keep(a_task("1", suspended_at=30.0))
    old = store.keep(a_task("2", suspended_at=10.0))
    middle = store.keep(a_task("3", suspended_at=20.0, domain="bank"))
    assert store.pending() == [old, middle, young]
    assert store.pending("shop") == [old, young]


def test_lists_the_closed_latest_first(timed: SQLiteTokenStore, clock: WallClock) -> None:
    """Closed tasks come with state, reason and time, the latest first, and not more than asked."""
    tasks = [timed.keep(a_task(str(number))) for number in range(3)]
    for task in tasks:
        clock.now += 1
        assert timed.close(task.id, TaskOutcome.TIMED_OUT, "HEARTBEAT", learned=True)
    closed = timed.closed(limit=2)
    assert [task.id for task in closed] == [tasks[2].id, tasks[1].id]
    assert closed[0].outcome is TaskOutcome.TIMED_OUT
    assert (closed[0].reason, closed[0].closed_at, closed[0].learned) == (
        "HEARTBEAT",
        clock.now,
        True,
    )
    assert timed.closed(domain="bank") == []


def test_a_task_ends_once(store: SQLiteTokenStore) -> None:
    """The first end stays, but an answer from here replaces an end that was learned from SWF."""
    task = store.keep(a_task())
    assert store.close(task.id, TaskOutcome.FAILED, "seen", learned=True)
    assert not store.close(task.id, TaskOutcome.CLOSED, learned=True)
    assert store.close(task.id, TaskOutcome.FAILED, "done")
    assert not store.close(task.id, TaskOutcome.COMPLETED)
    assert not store.close(task.id, TaskOutcome.COMPLETED, learned=True)
    assert not store.close("nobody", TaskOutcome.COMPLETED)
    kept = store.get(task.id)
    assert kept is not None
    assert (kept.outcome, kept.reason, kept.learned) == (TaskOutcome.FAILED, "done", False)


def test_a_beat_is_claimed_by_one(timed: SQLiteTokenStore, clock: WallClock) -> None:
    """A beat is due at once, later when it is set, and its claimer's until the lease has ended."""
    task = timed.keep(a_task())
    assert timed.claim_due("bank", 60) is None
    claimed = timed.claim_due("shop", 60)
    assert claimed is not None
    assert claimed.id == task.id
    assert timed.claim_due("shop", 60) is None
    clock.now += 60
    assert timed.claim_due("shop", 60) is not None
    timed.beat_in(task.id, 5, cancel_requested=True)
    clock.now += 4
    assert timed.claim_due("shop", 60) is None
    clock.now += 1
    again = timed.claim_due("shop", 60)
    assert again is not None
    assert again.cancel_requested
    timed.beat_in("nobody", 5)


def test_a_beat_follows_the_deadline_closely(timed: SQLiteTokenStore, clock: WallClock) -> None:
    """No beat is due later than a moment after the deadline, when SWF has closed the task."""
    task = timed.keep(a_task(deadline=clock.now + 20))
    timed.beat_in(task.id, 300)
    clock.now += 20
    assert timed.claim_due("shop", 60) is None
    clock.now += 1
    assert timed.claim_due("shop", 60) is not None
    timed.beat_in(task.id, 300)  # it was not closed after all: the deadline is an estimate
    clock.now += 299
    assert timed.claim_due("shop", 60) is None


def test_drops_what_was_closed_long_ago(timed: SQLiteTokenStore, clock: WallClock) -> None:
    """Only tasks closed longer ago than asked are dropped, their used handles with them."""
    gone, stays, waits = (timed.keep(a_task(str(number))) for number in range(3))
    assert timed.use_handle("h", gone.id)
    timed.close(gone.id, TaskOutcome.COMPLETED)
    clock.now += 100
    timed.close(stays.id, TaskOutcome.COMPLETED)
    clock.now += 1
    assert timed.drop_closed(50) == 1
    assert timed.get(gone.id) is None
    assert timed.get(stays.id) is not None
    assert timed.get(waits.id) is not None
    assert timed.use_handle("h", stays.id)


def test_a_handle_is_used_once(store: SQLiteTokenStore) -> None:
    """The first use is recorded, a second is refused, until the first came to nothing."""
    task = store.keep(a_task())
    assert store.use_handle("h", task.id)
    assert not store.use_handle("h", task.id)
    store.return_handle("h")
    assert store.use_handle("h", task.id)


def test_half_a_surrogate_pair_harms_nothing(store: SQLiteTokenStore) -> None:
    """An id without UTF-8 form belongs to no task; a reason is kept readable; no value is shown."""
    half = "half\udcff"
    task = store.keep(a_task("t", note={half: half}))
    assert store.get(half) is None
    assert store.find(half, "1") is None
    assert store.pending(half) == []
    assert not store.close(half, TaskOutcome.COMPLETED)
    assert store.close(task.id, TaskOutcome.FAILED, half)
    kept = store.get(task.id)
    assert kept is not None
    assert kept.reason == "half\\udcff"
    assert kept.note == {half: half}
    with pytest.raises(TokenStoreError, match="half of a surrogate pair") as caught:
        store.keep(a_task(f"secret-{half}"))
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
