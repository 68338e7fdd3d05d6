"""``flowy tokens list`` and ``keep`` as real processes, and the stores that they read."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from contextlib import closing, suppress
from pathlib import Path

from flowy.cli.task_table import KEYS
from flowy.invocation.outcome import TaskOutcome
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.acceptance.cli.tokens_shell import STORE, Shell
from tests.acceptance.flowy_command import Flowy
from tests.patience import until
from tests.suspended import Desk, Execution, a_task


def test_list_shows_what_waits_and_no_token(
    shell: Shell, store: SQLiteTokenStore, waiting: tuple[Execution, SuspendedTask]
) -> None:
    """Oldest first, with the time left; as a table, or as JSON; never with a token."""
    old = store.keep(a_task("old-secret", suspended_at=1.0, deadline=2.0, workflow_id="a\x1b[2Jb"))
    ran = shell.tokens("list", *STORE)
    assert ran.returncode == 0
    head, first, second = ran.stdout.splitlines()
    assert head.split() == ["WORKFLOW", "ACTIVITY", "TYPE", "SUSPENDED", "STATE", "NOTE"]
    assert first.startswith("a\\x1b[2Jb  1  ")
    assert "0 s left" in first
    assert second.startswith("order-7 ")
    assert '{"amount": 12}' in second
    rows = json.loads(shell.tokens("list", *STORE, "--json").stdout)
    assert [row["id"] for row in rows] == [old.id, waiting[1].id]
    assert all(tuple(row) == KEYS for row in rows)
    only = shell.tokens("list", *STORE, "--domain", "shop", "--json").stdout
    assert [row["id"] for row in json.loads(only)] == [old.id]
    store.close(old.id, TaskOutcome.TIMED_OUT, "HEARTBEAT", learned=True)
    closed = shell.tokens("list", *STORE, "--closed").stdout
    assert "timed out: HEARTBEAT" in closed
    for said in (ran.stdout, closed, only):
        assert "secret" not in said
        assert waiting[1].token not in said


def test_a_list_of_closed_tasks_that_is_cut(shell: Shell, store: SQLiteTokenStore) -> None:
    """It has 100 tasks, or as many as one asks for, and a note says of how many."""
    for number in range(102):
        task = store.keep(a_task(f"secret-{number}", workflow_id=f"order-{number}"))
        store.close(task.id, TaskOutcome.COMPLETED)
    ran = shell.tokens("list", *STORE, "--closed")
    assert len(ran.stdout.splitlines()) == 101
    note = (
        "flowy: Only the latest {} of 102 closed tasks are listed. Give --limit, or more filters.\n"
    )
    assert ran.stderr == note.format(100)
    ran = shell.tokens("list", *STORE, "--closed", "--limit", "2", "--json")
    assert (len(json.loads(ran.stdout)), ran.stderr) == (2, note.format(2))
    assert shell.tokens("list", *STORE, "--closed", "--limit", "102").stderr == ""


def test_list_fits_a_terminal(shell: Shell, store: SQLiteTokenStore) -> None:
    """Long values lose their middle there; a pipe gets them whole."""
    store.keep(a_task("secret", workflow_id="order-" + "7" * 200, note="x" * 200))
    terminal, out = pty.openpty()
    fcntl.ioctl(out, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 90, 0, 0))
    environment = {**shell.environment, "TERM": "xterm"}
    for name in ("COLUMNS", "NO_COLOR"):
        environment.pop(name, None)
    with subprocess.Popen(
        [sys.executable, "-m", "flowy", "tokens", "list", *STORE],
        cwd=shell.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
    ) as listing:
        os.close(out)
        written = b""
        with suppress(OSError):  # Linux's end of file of a terminal
            while chunk := os.read(terminal, 4096):
                written += chunk
    os.close(terminal)
    assert listing.returncode == 0
    assert b"\x1b[1mWORKFLOW\x1b[0m" in written
    head, line = re.sub(r"\x1b\[\d*m", "", written.decode()).splitlines()
    assert head.startswith("WORKFLOW ")
    assert 88 <= len(line) <= 90
    assert line.startswith("order-77")
    assert line.endswith('x"')
    assert line.count("...") == 2
    whole = shell.tokens("list", *STORE).stdout
    assert "order-" + "7" * 200 in whole
    assert "x" * 200 in whole


def test_a_store_that_cannot_be_reached_is_named(shell: Shell) -> None:
    """A link that leads to itself is neither a store nor the lack of one."""
    (shell.folder / "tokens.db").symlink_to("tokens.db")
    ran = shell.tokens("list", *STORE)
    assert ran.returncode == 3
    assert ran.stderr == (
        "flowy: Cannot use the token store tokens.db: Too many levels of symbolic links.\n"
    )


def test_list_names_what_it_cannot_read(
    shell: Shell,
    store: SQLiteTokenStore,
    waiting: tuple[Execution, SuspendedTask],
    tmp_path: Path,
) -> None:
    """A row that cannot be read is named on standard error; the list has all others."""
    bad = store.keep(a_task("secret", note={"x": "secret"}))
    with closing(sqlite3.connect(tmp_path / "tokens.db")) as database:
        database.execute("UPDATE task SET note = substr(note, 1, 9) WHERE id = ?", (bad.id,))
        database.commit()
    ran = shell.tokens("list", *STORE, "--json")
    assert ran.returncode == 0
    assert [row["id"] for row in json.loads(ran.stdout)] == [waiting[1].id]
    assert f"Cannot read task {bad.id}" in ran.stderr
    assert "its column note is not JSON" in ran.stderr
    assert "secret" not in ran.stderr


def test_a_store_of_the_group_is_listed_on_request(
    shell: Shell, waiting: tuple[Execution, SuspendedTask], tmp_path: Path
) -> None:
    """``--allow-group`` is the command line's ``allow_group``."""
    (tmp_path / "tokens.db").chmod(0o660)
    assert shell.tokens("list", *STORE).returncode != 0
    ran = shell.tokens("list", *STORE, "--allow-group")
    assert ran.returncode == 0
    assert "order-7" in ran.stdout
    ran = shell.tokens("complete", *STORE, "--allow-group", "order-7", "1")
    assert ran.returncode == 0, ran.stderr


def test_keep_learns_and_stops_at_a_signal(
    shell: Shell, desk: Desk, store: SQLiteTokenStore, waiting: tuple[Execution, SuspendedTask]
) -> None:
    """keep beats, marks what SWF has closed, outlives its own kill, and stops at SIGTERM."""
    execution, task = waiting
    order = ("tokens", "keep", *STORE, "--domain", desk.domain, "--every", "1")
    with Flowy(*order, cwd=shell.folder, env=shell.environment) as keeper:
        keeper.log_line_with("Keeper started")
        os.kill(keeper.process.pid, signal.SIGKILL)
        keeper.end()
    execution.terminate("no more")
    with Flowy(*order, cwd=shell.folder, env=shell.environment) as keeper:
        keeper.log_line_with(f"Suspended task {task.id}")
        keeper.send(signal.SIGTERM)
        code, _, log = keeper.end()
    assert code == 0
    assert "Keeper stopped." in log
    assert task.token not in log
    kept = until(lambda: store.get(task.id), "the row")
    assert (kept.outcome, kept.reason) == (
        TaskOutcome.EXECUTION_CLOSED,
        "the workflow was terminated: no more",
    )


def test_keep_says_that_its_store_is_new(shell: Shell, desk: Desk) -> None:
    """The one verb that makes a store says so: the file may be mistyped."""
    order = ("tokens", "keep", "--store", "typo.db", "--domain", desk.domain)
    for first in ("The store typo.db did not exist", "Keeper started"):
        with Flowy(*order, cwd=shell.folder, env=shell.environment) as keeper:
            line = keeper.log_line_with(" flowy.")
            assert first in line
            if "Keeper started" not in line:
                keeper.log_line_with("Keeper started")
            keeper.send(signal.SIGTERM)
            assert keeper.end()[0] == 0


def test_keep_answers_or_marks_a_cancellation(
    shell: Shell, desk: Desk, store: SQLiteTokenStore, waiting: tuple[Execution, SuspendedTask]
) -> None:
    """--on-cancel=mark only marks; without it the task is answered canceled."""
    execution, task = waiting
    execution.request_cancel()
    order = ("tokens", "keep", *STORE, "--domain", desk.domain, "--every", "1")
    with Flowy(*order, "--on-cancel=mark", cwd=shell.folder, env=shell.environment) as keeper:
        keeper.log_line_with("The cancellation of")
        keeper.send(signal.SIGINT)
        assert keeper.end()[0] == 0
    kept = store.get(task.id)
    assert kept is not None
    assert kept.cancel_requested
    assert kept.is_open
    assert "cancel requested" in shell.tokens("list", *STORE).stdout
    with Flowy(*order, cwd=shell.folder, env=shell.environment) as keeper:
        keeper.log_line_with("canceled")
        keeper.send(signal.SIGTERM)
        assert keeper.end()[0] == 0
    assert "ActivityTaskCanceled" in execution.events()
