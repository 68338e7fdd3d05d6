"""``flowy tokens`` as a real process: what waits is listed, ended and kept."""

from __future__ import annotations

import dataclasses
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
from typing import TYPE_CHECKING

import pytest

from flowy.cli.task_table import KEYS
from flowy.invocation.outcome import TaskOutcome
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.acceptance.flowy_command import ROOT, Flowy
from tests.patience import PATIENCE_SECONDS, until
from tests.python_process import PythonProcess
from tests.suspended import Desk, Execution, a_task

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


class Shell:
    """Runs ``flowy tokens`` in the folder of the store."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**environment, "PYTHONPATH": str(ROOT)}

    def tokens(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one verb to its end."""
        process = PythonProcess(
            ["-m", "flowy", "tokens", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
        )
        out, err = process.communicate(stdin, PATIENCE_SECONDS)
        return subprocess.CompletedProcess(arguments, process.wait(), out, err)


@pytest.fixture
def shell(tmp_path: Path, swf_environment: dict[str, str]) -> Shell:
    return Shell(tmp_path, swf_environment)


@pytest.fixture
def store(tmp_path: Path) -> SQLiteTokenStore:
    return SQLiteTokenStore(tmp_path / "tokens.db")


@pytest.fixture
def desk(client: SWFClient, domain: str) -> Desk:
    return Desk(client, domain)


@pytest.fixture
def waiting(desk: Desk, store: SQLiteTokenStore) -> tuple[Execution, SuspendedTask]:
    execution, task = desk.waiting("order-7", note={"amount": 12})
    return execution, store.keep(task)


STORE = ("--store", "tokens.db")


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


def test_complete_by_ids(
    shell: Shell, store: SQLiteTokenStore, waiting: tuple[Execution, SuspendedTask]
) -> None:
    """Whoever knows the workflow and the activity completes it; the second one is told so."""
    execution, _ = waiting
    ran = shell.tokens("complete", *STORE, "order-7", "1", "--result", '{"ok": true}')
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert execution.said("ActivityTaskCompleted")["result"] == '{"ok": true}'
    assert [each.outcome for each in store.closed()] == [TaskOutcome.COMPLETED]
    again = shell.tokens("fail", *STORE, "order-7", "1", "--reason", "late")
    assert again.returncode == 3
    assert again.stderr == ("flowy: Activity 1 of workflow order-7 is closed already: completed.\n")


def test_fail_and_cancel_by_ids(shell: Shell, desk: Desk, store: SQLiteTokenStore) -> None:
    """fail carries reason and details; cancel is taken if it was requested."""
    execution, task = desk.waiting("failing")
    store.keep(task)
    ran = shell.tokens(
        "fail", *STORE, "failing", "1", "--reason", "too dear", "--details", "by far",
        "--run-id", execution.run_id,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    said = execution.said("ActivityTaskFailed")
    assert (said["reason"], said["details"]) == ("too dear", "by far")
    execution, task = desk.waiting("canceling")
    store.keep(task)
    execution.request_cancel()
    assert shell.tokens("cancel", *STORE, "canceling", "1", "--details", "bye").returncode == 0
    assert execution.said("ActivityTaskCanceled")["details"] == "bye"


def test_closed_elsewhere_is_told(shell: Shell, waiting: tuple[Execution, SuspendedTask]) -> None:
    """What SWF has closed, and the store does not know yet, is refused with exit code 3."""
    waiting[0].terminate()
    ran = shell.tokens("complete", *STORE, "order-7", "1")
    assert ran.returncode == 3
    assert "is closed already" in ran.stderr


def test_by_a_token_from_standard_input(
    shell: Shell, desk: Desk, waiting: tuple[Execution, SuspendedTask]
) -> None:
    """A token is read from standard input, where nobody else on the machine sees it."""
    execution, task = waiting
    order = ("complete", "--domain", desk.domain, "-", "--result", "text")
    ran = shell.tokens(*order, stdin=f"{task.token}\n")
    assert ran.returncode == 0, ran.stderr
    assert execution.said("ActivityTaskCompleted")["result"] == '"text"'
    again = shell.tokens(*order, stdin=task.token)
    assert again.returncode == 3
    assert "flowy: The task of this token is closed already.\n" in again.stderr
    assert task.token not in again.stderr
    assert shell.tokens(*order, stdin="").returncode == 3
    wrong = shell.tokens(*order, stdin="wrong-secret")
    assert wrong.returncode == 3
    assert "secret" not in wrong.stderr
    for verb in (("fail", "--reason", "no"), ("cancel",)):
        late = shell.tokens(*verb, "--domain", desk.domain, "-", stdin=task.token)
        assert late.returncode == 3


def test_a_token_file_may_begin_with_a_mark(
    shell: Shell, desk: Desk, waiting: tuple[Execution, SuspendedTask]
) -> None:
    """A byte order mark is dropped; a token in UTF-16 is refused, and not shown."""
    execution, task = waiting
    order = ("complete", "--domain", desk.domain, "-", "--result", "text")
    half = "".join(f"{letter}\0" for letter in task.token)
    ran = shell.tokens(*order, stdin=half)
    assert ran.returncode == 3
    assert "not text in UTF-8" in ran.stderr
    assert task.token[:9] not in ran.stderr.replace("\0", "")
    ran = shell.tokens(*order, stdin=f"\ufeff{task.token}\r\n")
    assert ran.returncode == 0, ran.stderr
    assert execution.said("ActivityTaskCompleted")["result"] == '"text"'


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


def test_says_which_task_is_meant(shell: Shell, store: SQLiteTokenStore) -> None:
    """An order without a task, with a wrong one or a wrong file is a line and an exit code."""
    assert shell.tokens("complete", "-").returncode == 2
    assert shell.tokens("complete", *STORE, "order-7").returncode == 2
    assert shell.tokens("complete", "order-7", "1").returncode == 2
    assert shell.tokens("fail", *STORE, "order-7", "1").returncode == 2
    ran = shell.tokens("complete", *STORE, "order-7", "1")
    assert ran.returncode == 3
    assert "Cannot find activity 1 of workflow order-7 in tokens.db" in ran.stderr
    ran = shell.tokens("complete", *STORE, os.fsdecode(b"\xff"), "1")
    assert ran.returncode == 3
    assert "Cannot find activity 1 of workflow \\udcff in tokens.db" in ran.stderr
    assert "Traceback" not in ran.stderr
    ran = shell.tokens("list", "--store", "typo.db")
    assert ran.returncode == 3
    assert "the file does not exist" in ran.stderr
    assert not (shell.folder / "typo.db").exists()


def test_ids_of_several_tasks_are_refused(
    shell: Shell, store: SQLiteTokenStore, desk: Desk
) -> None:
    """If the ids fit open tasks of several runs or domains, none is ended and all are named."""
    execution, task = desk.waiting("order-9")
    store.keep(task)
    other = store.keep(a_task("2", workflow_id="order-9", run_id="run-2"))
    ran = shell.tokens("complete", *STORE, "order-9", "1")
    assert ran.returncode == 3
    assert "Cannot tell which task: 2 tasks with these ids wait. Give one of:\n" in ran.stderr
    assert "\n  --domain shop --run-id run-2\n" in ran.stderr
    assert f"\n  --domain {desk.domain} --run-id {task.run_id}\n" in ran.stderr
    assert len(store.pending()) == 2
    # An older attempt in the same run is closed at SWF: it has one open task of an id.
    store.keep(dataclasses.replace(task, token="old", id="old", suspended_at=1.0))
    ran = shell.tokens("complete", *STORE, "order-9", "1", "--domain", desk.domain)
    assert ran.returncode == 0, ran.stderr
    assert "ActivityTaskCompleted" in execution.events()
    assert {each.id for each in store.pending()} == {other.id, "old"}


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
