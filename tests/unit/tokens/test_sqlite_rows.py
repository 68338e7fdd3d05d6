"""Rows that cannot be read harm no other row; files of one version up and down are readable."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from flowy.exception import TokenStoreError
from flowy.invocation.outcome import TaskOutcome
from flowy.tokens.sqlite import SQLiteTokenStore, downgrade
from tests.suspended import WallClock, a_task


def _change(store_file: Path, sql: str, *values: Any) -> None:
    with closing(sqlite3.connect(store_file)) as database:
        database.execute(f"UPDATE task SET {sql} WHERE id = 'bad'", values)
        database.commit()


def _info(**changes: Any) -> str:
    known = {
        **dict.fromkeys(("name", "version", "task_list", "identity"), "x"),
        "activity_id": "1",
        "workflow_id": "order-7",
        "run_id": "run-1",
        "domain": "shop",
        **dict.fromkeys(("heartbeat", "schedule_to_close", "schedule_to_start")),
        "start_to_close": None,
        "started_event_id": 6,
    }
    return json.dumps({**known, **changes})


#: How a row is spoiled, and what is said of it.
SPOILED = {
    "a newer Flowy's field": ("info = ?", _info(mood="SECRET"), "unknown fields ('mood')"),
    "an older Flowy's field": ("info = ?", '{"name": "SECRET"}', "missing fields"),
    "info of another kind": ("info = ?", "[]", "column info is damaged"),
    "a field of another kind": ("info = ?", _info(heartbeat="SECRET"), "field heartbeat is"),
    "a time that is text": ("info = ?", _info(start_to_close=True), "field start_to_close is"),
    "a negative time": ("info = ?", _info(heartbeat=-1), "field heartbeat is damaged"),
    "ids that differ": ("info = ?", _info(run_id="SECRET"), "field run_id is damaged"),
    "a newer Flowy's format": ("format = ?", 2, "its format is 2, and this Flowy reads 1"),
    "half a note": ("note = ?", '{"amount": "SECR', "its column note is not JSON"),
    "a deep note": ("note = ?", "[" * 100_000, "its column note is not JSON"),
    "flipped bytes in the note": ("note = CAST(? AS TEXT)", b'"\xff\xfe"', "column note is"),
    "flipped bytes in the token": ("token = CAST(? AS TEXT)", b"\xff", "column token is"),
    "a blob": ("info = ?", b"\x00\x01", "column info is damaged"),
    "no time": ("suspended_at = ?", "SECRET", "column suspended_at is damaged"),
    "no deadline": ("deadline = ?", "SECRET", "column deadline is damaged"),
    "no flag": ("cancel_requested = ?", "SECRET", "column cancel_requested is damaged"),
}


@pytest.mark.parametrize(("sql", "value", "said"), SPOILED.values(), ids=SPOILED)
def test_an_unreadable_row_is_named_and_skipped(
    store_file: Path,
    timed: SQLiteTokenStore,
    clock: WallClock,
    caplog: pytest.LogCaptureFixture,
    sql: str,
    value: Any,
    said: str,
) -> None:
    """Lists and claims go on with the others; the log names the row once, and none of its values.

    Whoever asks for the row by its id gets an error.
    """
    timed.keep(a_task("a", id="good"))
    timed.keep(a_task("SECRET-token", id="bad"))
    timed.keep(a_task("c", id="fine"))
    _change(store_file, sql, value)
    for _ in range(2):
        assert [task.id for task in timed.pending()] == ["good", "fine"]
        claimed = [timed.claim_due("shop", 60) for _ in range(3)]
        assert {task.id for task in claimed if task is not None} == {"good", "fine"}
        clock.now += 60
    (line,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "Cannot read task bad of the token store" in line.getMessage()
    assert said in line.getMessage()
    assert "SECR" not in caplog.text
    assert timed.claim_due("shop", 0) is not None
    with pytest.raises(TokenStoreError, match="Cannot read task bad") as caught:
        timed.get("bad")
    assert said in str(caught.value)
    assert "SECR" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_damaged_beat_time_is_set_anew(store_file: Path, store: SQLiteTokenStore) -> None:
    """A row that lacks only the time of its next heartbeat is due at once."""
    task = store.keep(a_task(id="bad"))
    _change(store_file, "beat_at = ?", "never")
    assert store.claim_due("shop", 60) == task
    assert store.claim_due("shop", 60) is None


def test_claims_end_if_all_that_is_due_is_unreadable(
    store_file: Path, store: SQLiteTokenStore
) -> None:
    """Not even a lease of no time makes a claim go round for ever."""
    store.keep(a_task(id="bad"))
    _change(store_file, "note = ?", "{")
    assert store.claim_due("shop", 0) is None


@pytest.mark.parametrize(
    ("sql", "value"),
    [("state = ?", "opfn"), ("state = CAST(? AS TEXT)", b"\xff"), ("closed_at = ?", 5.0)],
)
def test_a_damaged_state_hides_no_task(
    store_file: Path,
    store: SQLiteTokenStore,
    caplog: pytest.LogCaptureFixture,
    sql: str,
    value: Any,
) -> None:
    """A row that is neither open nor closed is named as well."""
    store.keep(a_task("a", id="good"))
    store.keep(a_task("b", id="bad"))
    _change(store_file, sql, value)
    assert [task.id for task in store.pending()] == ["good"]
    assert "Cannot read task bad" in caplog.text
    assert store.closed() == []


def test_a_row_whose_id_is_damaged_is_named_by_its_number(
    store_file: Path, store: SQLiteTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a readable id the row's number names it, and a claim does not spin on it."""
    store.keep(a_task("a", id="bad"))
    store.keep(a_task("b", id="good"))
    _change(store_file, "id = CAST(? AS TEXT)", b"\xff")
    claimed = store.claim_due("shop", 60)
    assert claimed is not None
    assert claimed.id == "good"
    assert store.claim_due("shop", 60) is None
    assert "Cannot read task in row 1" in caplog.text


def test_closed_rows_that_are_unreadable_are_skipped(
    store_file: Path, store: SQLiteTokenStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The list of closed tasks goes on, too, and old rows are dropped whatever is in them."""
    for name in ("good", "bad"):
        store.keep(a_task(name, id=name))
        store.close(name, TaskOutcome.COMPLETED)
    _change(store_file, "state = ?", "celebrated")
    assert [task.id for task in store.closed()] == ["good"]
    assert "its column state is unknown" in caplog.text
    assert store.drop_closed(-1) == 2


def test_keep_returns_what_is_kept(store: SQLiteTokenStore) -> None:
    """Of a known token: the first id, time and marks, with the new note and deadline."""
    first = store.keep(a_task("t", note=1, suspended_at=5.0))
    store.beat_in(first.id, 5, cancel_requested=True)
    again = store.keep(a_task("t", note=2, suspended_at=6.0, deadline=9.0))
    assert (again.id, again.suspended_at, again.cancel_requested) == (first.id, 5.0, True)
    assert (again.note, again.deadline) == (2, 9.0)
    assert store.get(first.id) == again


@pytest.mark.parametrize(("sql", "value"), [("note = ?", '{"'), ("info = ?", "{}")])
def test_keep_repairs_a_row(
    store_file: Path, store: SQLiteTokenStore, sql: str, value: str
) -> None:
    """An activity that suspends again makes its unreadable row whole, under the same id."""
    store.keep(a_task("t", id="bad"))
    _change(store_file, sql, value)
    again = store.keep(a_task("t", note=2))
    assert again.id == "bad"
    assert store.pending() == [again]
    assert store.claim_due("shop", 60) == again


def _make_first_version(store_file: Path) -> None:
    """Make the file of the Flowy before the rows had a format."""
    SQLiteTokenStore(store_file).keep(a_task("old", id="bad"))
    with closing(sqlite3.connect(store_file)) as database:
        (sql,) = database.execute("SELECT sql FROM sqlite_master WHERE name = 'task'").fetchone()
        first = sql.replace(",\n        format INTEGER NOT NULL DEFAULT 1", "")
        assert first != sql
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'task'", (first,))
        database.execute("PRAGMA user_version = 1")
        database.commit()


def _version(store_file: Path) -> int:
    with closing(sqlite3.connect(store_file)) as database:
        return int(database.execute("PRAGMA user_version").fetchone()[0])


def test_a_file_goes_one_version_up_and_down(store_file: Path) -> None:
    """The file of the Flowy before is taken up; it can be taken down for it, and up again."""
    _make_first_version(store_file)
    store = SQLiteTokenStore(store_file)
    assert [task.token for task in store.pending()] == ["old"]
    assert _version(store_file) == 2
    store.keep(a_task("new"))
    downgrade(store_file)
    assert _version(store_file) == 1
    with closing(sqlite3.connect(store_file)) as database:  # as the Flowy before writes
        columns = [row[1] for row in database.execute("PRAGMA table_info(task)")]
        columns.remove("format")
        names = ", ".join(columns)
        values = database.execute(f"SELECT {names} FROM task").fetchone()
        renamed = {**dict(zip(columns, values, strict=True)), "id": "third", "token": "third"}
        database.execute(
            f"INSERT INTO task ({names}) VALUES ({', '.join('?' * len(columns))})",
            tuple(renamed.values()),
        )
        database.commit()
    with pytest.raises(TokenStoreError, match="its tables have version 1"):
        store.pending()
    again = SQLiteTokenStore(store_file)
    assert [task.token for task in again.pending()] == ["old", "third", "new"]


def test_downgrade_makes_no_file(store_file: Path) -> None:
    """A mistyped path makes no store."""
    with pytest.raises(TokenStoreError, match="the file does not exist"):
        downgrade(store_file)
    assert not store_file.exists()
