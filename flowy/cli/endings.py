"""``flowy tokens complete``, ``fail`` and ``cancel``: end one suspended task.

SWF knows a task only by its token. People name it by its ids, which a store translates, or give
the token itself.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..exception import RefusedError, TokenStoreError, UnknownResourceError
from ..invocation.outcome import TaskOutcome
from ..swf.boilerplate import async_scheduler
from ..swf.limits import MAX_TOKEN_CHARS
from ..tokens import Finisher, SuspendedTask
from ..tokens.sqlite import SQLiteTokenStore
from .codec_options import made
from .exit_codes import ExitCode
from .parser import UsageError
from .waiting import waiting

if TYPE_CHECKING:
    from ..swf.suspended.async_scheduler import AsyncScheduler


def complete(given: argparse.Namespace) -> ExitCode:
    """Complete a task with the value of ``--result``."""
    return _end(
        given,
        lambda finisher, task: finisher.complete(task, given.result),
        lambda scheduler, token: scheduler.complete(token, given.result),
    )


def fail(given: argparse.Namespace) -> ExitCode:
    """Fail a task with ``--reason`` and ``--details``."""
    return _end(
        given,
        lambda finisher, task: finisher.fail(task, given.reason, given.details),
        lambda scheduler, token: scheduler.fail(token, given.reason, given.details),
    )


def cancel(given: argparse.Namespace) -> ExitCode:
    """Answer that the task was canceled, with ``--details``."""
    return _end(
        given,
        lambda finisher, task: finisher.cancel(task, given.details),
        lambda scheduler, token: scheduler.cancel(token, given.details),
    )


def _end(
    given: argparse.Namespace,
    by_ids: Callable[[Finisher, SuspendedTask], bool],
    by_token: Callable[[AsyncScheduler, str], bool],
) -> ExitCode:
    if given.task == ["-"]:
        if given.domain is None:
            raise UsageError("Cannot tell which task: a token needs its domain. Give --domain.")
        _end_by_token(given, by_token)
    elif len(given.task) != 2 or given.store is None:
        raise UsageError(
            "Cannot tell which task: two ids and a store are needed, or a token. Give WORKFLOW, "
            "ACTIVITY and --store, or - and --domain."
        )
    else:
        _end_by_ids(given, by_ids)
    return ExitCode.FINE


def _scheduler(given: argparse.Namespace, domain: str) -> AsyncScheduler:
    codecs, store = made(given.codec, given.claims)
    try:
        return async_scheduler(domain, codecs=codecs, claims=store, hide_reasons=given.hide_reasons)
    except ValueError as error:  # reasons cannot be hidden, or what is named is not a codec
        raise UsageError(str(error)) from None


def _end_by_token(given: argparse.Namespace, end: Callable[[AsyncScheduler, str], bool]) -> None:
    # From standard input, because everybody on the machine can see the arguments.
    try:
        text = sys.stdin.read(MAX_TOKEN_CHARS + 3)
    except UnicodeDecodeError:
        text = "\0"
    # Some editors put a byte order mark before UTF-8 text.
    token = text.strip().removeprefix("\ufeff").strip()
    if "\0" in token or not token.isascii():
        raise RefusedError(
            "Cannot use this token: standard input is not text in UTF-8. Save it as UTF-8.",
            fault="NoToken",
        )
    if not token:
        raise RefusedError(
            "Cannot use this token: standard input is empty. Write the token to it.",
            fault="NoToken",
        )
    with waiting("Answering"):
        ended = end(_scheduler(given, given.domain), token)
    if not ended:
        raise UnknownResourceError(
            "The task of this token is closed already.", fault="UnknownResourceFault"
        )


def _end_by_ids(given: argparse.Namespace, end: Callable[[Finisher, SuspendedTask], bool]) -> None:
    store = opened(given.store, allow_group=given.allow_group)
    workflow_id, activity_id = given.task
    _check_that_one_waits(store, given)
    task = store.find(workflow_id, activity_id, given.run_id, domain=given.domain)
    if task is None:
        raise UnknownResourceError(
            f"Cannot find activity {activity_id} of workflow {workflow_id} in {given.store}: "
            "`flowy tokens list` shows the tasks that it has.",
            fault="NoSuchTask",
        )
    finisher = Finisher(store, _scheduler(given, task.info.domain))
    with waiting(f"Answering activity {task.activity_id}"):
        ended = task.is_open and end(finisher, task)
    if not ended:
        state = "" if task.outcome in (None, TaskOutcome.CLOSED) else f": {task.outcome.value}"
        raise UnknownResourceError(
            f"Activity {task.activity_id} of workflow {task.workflow_id} is closed already{state}.",
            fault="UnknownResourceFault",
        )


def _check_that_one_waits(store: SQLiteTokenStore, given: argparse.Namespace) -> None:
    """Raise an error if the ids match tasks of several runs or domains: answers are final.

    Several tasks of one run are fine: SWF has closed all except the latest one, because a run has
    only one open activity of an id.
    """
    open_tasks = {
        (task.info.domain, task.run_id)
        for task in store.pending(given.domain)
        if [task.workflow_id, task.activity_id] == given.task
        and given.run_id in (None, task.run_id)
    }
    if len(open_tasks) > 1:
        lines = [
            f"\n  --domain {domain} --run-id {run_id}" for domain, run_id in sorted(open_tasks)
        ]
        raise RefusedError(
            f"Cannot tell which task: {len(open_tasks)} tasks with these ids wait. Give one of:"
            + "".join(lines),
            fault="SeveralTasks",
        )


def opened(path: Path, *, allow_group: bool = False) -> SQLiteTokenStore:
    """Open an existing store: a mistyped path must not create one."""
    if not exists(path):
        raise TokenStoreError(
            f"Cannot use the token store {path}: the file does not exist. Check --store."
        )
    return SQLiteTokenStore(path, allow_group=allow_group)


def exists(path: Path) -> bool:
    """Return whether the file of a store exists.

    Raises:
        TokenStoreError: nobody can tell, for example because its folder is not readable.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise TokenStoreError(f"Cannot use the token store {path}: {error.strerror}.") from error
    return True
