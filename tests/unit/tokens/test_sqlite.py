"""The SQLite store: durable, its owner's alone, safe across processes and threads."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowy.exception import SerializationError, TokenStoreError
from flowy.tokens import TaskState
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import a_task

ROOT = Path(__file__).resolve().parents[3]


class Clock:
    """A wall clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(store_file: Path, clock: Clock) -> SQLiteTokenStore:
    return SQLiteTokenStore(store_file, clock=clock)


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
    store.close(other.id, TaskState.COMPLETED)
    store.close(new.id, TaskState.COMPLETED)
    found = store.find("order-7", "1")
    assert found is not None
    assert found.id == old.id
    store.close(old.id, TaskState.COMPLETED)
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


def test_lists_the_closed_latest_first(timed: SQLiteTokenStore, clock: Clock) -> None:
    """Closed tasks come with state, reason and time, the latest first, and not more than asked."""
    tasks = [timed.keep(a_task(str(number))) for number in range(3)]
    for task in tasks:
        clock.now += 1
        assert timed.close(task.id, TaskState.TIMED_OUT, "HEARTBEAT", learned=True)
    closed = timed.closed(limit=2)
    assert [task.id for task in closed] == [tasks[2].id, tasks[1].id]
    assert closed[0].state is TaskState.TIMED_OUT
    assert (closed[0].reason, closed[0].closed_at, closed[0].learned) == (
        "HEARTBEAT",
        clock.now,
        True,
    )
    assert timed.closed(domain="bank") == []


def test_a_task_ends_once(store: SQLiteTokenStore) -> None:
    """The first end stays, but what was done here overrides what was learned of it from SWF."""
    task = store.keep(a_task())
    assert store.close(task.id, TaskState.FAILED, "seen", learned=True)
    assert not store.close(task.id, TaskState.CLOSED, learned=True)
    assert store.close(task.id, TaskState.FAILED, "done")
    assert not store.close(task.id, TaskState.COMPLETED)
    assert not store.close(task.id, TaskState.COMPLETED, learned=True)
    assert not store.close("nobody", TaskState.COMPLETED)
    kept = store.get(task.id)
    assert kept is not None
    assert (kept.state, kept.reason, kept.learned) == (TaskState.FAILED, "done", False)


def test_a_beat_is_claimed_by_one(timed: SQLiteTokenStore, clock: Clock) -> None:
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


def test_a_beat_follows_the_deadline_closely(timed: SQLiteTokenStore, clock: Clock) -> None:
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


def test_drops_what_was_closed_long_ago(timed: SQLiteTokenStore, clock: Clock) -> None:
    """Only what was closed longer ago than asked is forgotten, its used handles with it."""
    gone, stays, waits = (timed.keep(a_task(str(number))) for number in range(3))
    assert timed.use_handle("h", gone.id)
    timed.close(gone.id, TaskState.COMPLETED)
    clock.now += 100
    timed.close(stays.id, TaskState.COMPLETED)
    clock.now += 1
    assert timed.drop_closed(50) == 1
    assert timed.get(gone.id) is None
    assert timed.get(stays.id) is not None
    assert timed.get(waits.id) is not None
    assert timed.use_handle("h", stays.id)


def test_a_dropped_token_is_off_the_disk(store_file: Path, store: SQLiteTokenStore) -> None:
    """What is dropped is overwritten: the file does not hold its token any more."""
    task = store.keep(a_task("a-token-that-was-secret"))
    assert b"a-token-that-was-secret" in store_file.read_bytes()
    store.close(task.id, TaskState.COMPLETED)
    assert store.drop_closed(0) in (0, 1)
    store.drop_closed(-1)
    assert b"a-token-that-was-secret" not in store_file.read_bytes()


def test_a_handle_is_used_once(store: SQLiteTokenStore) -> None:
    """The first use is recorded, a second is refused, until the first came to nothing."""
    task = store.keep(a_task())
    assert store.use_handle("h", task.id)
    assert not store.use_handle("h", task.id)
    store.return_handle("h")
    assert store.use_handle("h", task.id)


def test_files_are_the_owners_alone(store_file: Path) -> None:
    """The file and its journal are made with mode 0600, whatever the umask would allow."""
    before = os.umask(0)
    try:
        store = SQLiteTokenStore(store_file)
        store.keep(a_task())
        database = sqlite3.connect(store_file, isolation_level=None)
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM task")
        files = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in store_file.parent.iterdir()
        }
        database.execute("ROLLBACK")
        database.close()
    finally:
        os.umask(before)
    assert files == {"tokens.db": 0o600, "tokens.db-journal": 0o600}


def _loosen(path: Path) -> None:
    SQLiteTokenStore(path)
    path.chmod(0o640)


def _other_database(path: Path) -> None:
    path.touch(0o600)
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE mine (x)")
    database.close()


def _newer(path: Path) -> None:
    SQLiteTokenStore(path)
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()


def _rubbish(path: Path) -> None:
    path.touch(0o600)
    path.write_bytes(b"no database, but long enough to look like one" * 50)


def _folder(path: Path) -> None:
    path.mkdir(0o700)


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (_loosen, r"others than its owner may read it \(its mode is 640\).*chmod 600"),
        (_other_database, "it is no store of suspended tasks"),
        (_newer, "its tables are of version 2, and this Flowy knows 1"),
        (_rubbish, "file is not a database"),
        (_folder, "."),
    ],
)
def test_refuses_a_file_it_cannot_trust(
    store_file: Path, prepare: Callable[[Path], None], said: str
) -> None:
    """A file that others may read, of another make, or newer than this Flowy, is refused."""
    prepare(store_file)
    with pytest.raises(TokenStoreError, match=said) as caught:
        SQLiteTokenStore(store_file)
    assert str(store_file) in str(caught.value)


def test_refuses_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The folder of the file must exist."""
    with pytest.raises(TokenStoreError, match="No such file or directory"):
        SQLiteTokenStore(tmp_path / "nowhere" / "tokens.db")


def test_a_file_that_is_gone_is_not_made_anew(store_file: Path, store: SQLiteTokenStore) -> None:
    """A store whose file was removed under it says so; it makes no file of another mode."""
    store_file.unlink()
    with pytest.raises(TokenStoreError, match="unable to open database file"):
        store.keep(a_task())
    assert not store_file.exists()


def test_waits_for_others_and_then_says_so(store_file: Path) -> None:
    """An operation waits for a busy file, but not for ever; its error has no value in it."""
    store = SQLiteTokenStore(store_file, busy_timeout=0.05)
    other = sqlite3.connect(store_file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TokenStoreError, match="locked") as caught:
        store.keep(a_task("secret-token"))
    assert "secret" not in str(caught.value)
    other.execute("ROLLBACK")
    other.close()
    store.keep(a_task())


def test_a_failed_change_changes_nothing(store: SQLiteTokenStore) -> None:
    """A change that breaks half way is rolled back, and the store goes on."""
    task = store.keep(a_task())
    with pytest.raises(TokenStoreError, match=re.escape("FOREIGN KEY")):
        store.use_handle("h", "nobody")
    assert store.use_handle("h", task.id)


def test_half_a_surrogate_pair_harms_nothing(store: SQLiteTokenStore) -> None:
    """An id without UTF-8 form is that of no task; a reason is kept readable; no value is shown."""
    half = "half\udcff"
    task = store.keep(a_task("t", note={half: half}))
    assert store.get(half) is None
    assert store.find(half, "1") is None
    assert store.pending(half) == []
    assert not store.close(half, TaskState.COMPLETED)
    assert store.close(task.id, TaskState.FAILED, half)
    kept = store.get(task.id)
    assert kept is not None
    assert kept.reason == "half\\udcff"
    assert kept.note == {half: half}
    with pytest.raises(TokenStoreError, match="half of a surrogate pair") as caught:
        store.keep(a_task(f"secret-{half}"))
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_threads_share_a_store(store: SQLiteTokenStore) -> None:
    """Of many threads that use one handle, or close one task, one alone succeeds."""
    task = store.keep(a_task())
    barrier = threading.Barrier(8)

    def race(_number: int) -> tuple[bool, bool]:
        barrier.wait()
        return store.use_handle("h", task.id), store.close(task.id, TaskState.COMPLETED)

    with ThreadPoolExecutor(8) as threads:
        used, closed = zip(*threads.map(race, range(8)), strict=True)
    assert (sum(used), sum(closed)) == (1, 1)


_KEEP_MANY = """
import sys
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import a_task

name, path = sys.argv[1:]
store = SQLiteTokenStore(path)
for number in range(20):
    store.keep(a_task(f"{name}-{number}"))
won = sum(store.use_handle(f"h-{number}", "shared") for number in range(20))
print(won)
"""


def test_processes_share_a_store(store_file: Path) -> None:
    """Processes that begin together, on a file that is not there yet, lose and double nothing."""
    SQLiteTokenStore(store_file).keep(a_task("shared", id="shared"))
    command = [sys.executable, "-c", _KEEP_MANY]
    processes = [
        subprocess.Popen(
            [*command, name, str(store_file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for name in "abc"
    ]
    won = [int(process.communicate()[0]) for process in processes]
    assert sum(won) == 20
    assert len(SQLiteTokenStore(store_file).pending()) == 61


def test_processes_make_one_file_together(store_file: Path) -> None:
    """Several that make the file at the same moment all end up with one good store."""
    barrier = threading.Barrier(6)

    def make(number: int) -> None:
        barrier.wait()
        SQLiteTokenStore(store_file).keep(a_task(str(number)))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(make, range(6)))
    assert len(SQLiteTokenStore(store_file).pending()) == 6


def test_a_fork_may_go_on_with_a_store(store: SQLiteTokenStore) -> None:
    """Nothing is held open between operations, so a forked child may use its parent's store."""
    store.keep(a_task("parent"))
    child = os.fork()
    if not child:
        store.keep(a_task("child"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(store.pending()) == 2
