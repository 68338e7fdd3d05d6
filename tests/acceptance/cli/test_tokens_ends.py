"""``flowy tokens complete``, ``fail`` and ``cancel`` as real processes: whose task they end."""

from __future__ import annotations

import dataclasses
import os

from flowy.invocation.outcome import TaskOutcome
from flowy.tokens import SuspendedTask
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.acceptance.cli.tokens_shell import STORE, Shell
from tests.suspended import Desk, Execution, a_task


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
    """A token is read from standard input, so that no other user of the machine sees it."""
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
