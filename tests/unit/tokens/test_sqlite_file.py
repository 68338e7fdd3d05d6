"""The file of the SQLite store: its owner's alone, safe across threads, processes and forks."""

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

from flowy.exception import TokenStoreError
from flowy.invocation.outcome import TaskOutcome
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.suspended import a_task

ROOT = Path(__file__).resolve().parents[3]


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
    database.execute("PRAGMA user_version = 3")
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
        (_other_database, "it is not a store of suspended tasks"),
        (_newer, "its tables have version 3, and this Flowy needs 2"),
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


def test_a_dropped_token_is_off_the_disk(store_file: Path, store: SQLiteTokenStore) -> None:
    """What is dropped is overwritten: the file does not hold its token any more."""
    task = store.keep(a_task("a-token-that-was-secret"))
    assert b"a-token-that-was-secret" in store_file.read_bytes()
    store.close(task.id, TaskOutcome.COMPLETED)
    assert store.drop_closed(0) in (0, 1)
    store.drop_closed(-1)
    assert b"a-token-that-was-secret" not in store_file.read_bytes()


def test_threads_share_a_store(store: SQLiteTokenStore) -> None:
    """Of many threads that use one handle, or close one task, one alone succeeds."""
    task = store.keep(a_task())
    barrier = threading.Barrier(8)

    def race(_number: int) -> tuple[bool, bool]:
        barrier.wait()
        return store.use_handle("h", task.id), store.close(task.id, TaskOutcome.COMPLETED)

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
