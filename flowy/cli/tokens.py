"""``flowy tokens``: list, end and keep the suspended tasks of a store."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..exception import RefusedError, TokenStoreError, UnknownResourceError
from ..swf.boilerplate import async_scheduler
from ..swf.keeper import DROP_AFTER_SECONDS, EVERY_SECONDS, Keeper
from ..swf.values import MAX_TOKEN_CHARS
from ..tokens import Finisher, SuspendedTask
from ..tokens.sqlite import SQLiteTokenStore
from . import arguments
from .exit_codes import ExitCode
from .remote import add_verb
from .task_table import shown, table

if TYPE_CHECKING:
    from ..swf.scheduler import AsyncScheduler
    from .remote import Verbs

logger = logging.getLogger(__name__)

_TOKENS = """\
List, end and keep suspended activities.

  flowy tokens list --store tokens.db
  flowy tokens complete --store tokens.db order-7 approval --result '{"approved": true}'
  flowy tokens fail --store tokens.db order-7 approval --reason "Too dear."
  flowy tokens complete --domain shop - --result 7 < token.txt
  flowy tokens keep --store tokens.db --domain shop

A task is known by its workflow id and its activity id, as the store has them from
`self.suspend(store)`; or by its token, read from standard input, with - in place of the ids.
"""

_KEEP = """\
Beat for all that a store holds of a domain, until Ctrl-C or SIGTERM.

  flowy tokens keep --store tokens.db --domain shop
  flowy tokens keep --store tokens.db --domain shop --on-cancel mark --drop-after 7

By its heartbeats it learns what SWF has closed, and marks that with the reason read from the
history; where a cancellation was requested it answers canceled. It may be killed and started
again, and several may run side by side.
"""

_LIST = """\
List what waits, oldest first, with the time that is left; tokens are not shown.

  flowy tokens list --store tokens.db
  flowy tokens list --store tokens.db --closed          what has ended lately, and how
  flowy tokens list --store tokens.db --json            a JSON object a line
"""

#: How many closed tasks are listed.
_CLOSED_LISTED = 100

_DAY_SECONDS = 86_400


def add_verbs(verbs: Verbs) -> None:
    """Add ``tokens`` with its own verbs."""
    parser = verbs.add_parser(
        "tokens",
        help="list, end and keep suspended activities",
        description=_TOKENS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_keep(group)
    _add_list(group)
    for name, summary, end, option in (
        ("complete", "complete a task", _complete, "result"),
        ("fail", "fail a task", _fail, "reason"),
        ("cancel", "answer canceled, where that was requested", _cancel, None),
    ):
        _add_ending(group, name, summary, end, option)


def _add_keep(verbs: Verbs) -> None:
    parser = add_verb(verbs, "keep", "beat for all that waits", _KEEP, log_level="info")
    parser.set_defaults(run=_keep)
    _add_store(parser, required=True)
    parser.add_argument("--domain", required=True, type=arguments.domain, help="the SWF domain")
    parser.add_argument(
        "--on-cancel",
        choices=("answer", "mark"),
        default="answer",
        help="where a cancellation was requested: answer canceled (default), or only mark it",
    )
    parser.add_argument(
        "--every",
        type=arguments.seconds,
        default=int(EVERY_SECONDS),
        metavar="SECONDS",
        help="beat at least so often; more often where a third of a declared heartbeat timeout "
        f"is less (default: {EVERY_SECONDS:.0f})",
    )
    days = int(DROP_AFTER_SECONDS) // _DAY_SECONDS
    parser.add_argument(
        "--drop-after",
        type=arguments.days,
        default=days,
        metavar="DAYS",
        help=f"forget what was closed so long ago (default: {days})",
    )


def _add_list(verbs: Verbs) -> None:
    parser = add_verb(verbs, "list", "list what waits", _LIST)
    parser.set_defaults(run=_list)
    _add_store(parser, required=True)
    parser.add_argument("--domain", type=arguments.domain, help="of this domain alone")
    parser.add_argument("--closed", action="store_true", help="what has ended, the latest first")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")


def _add_ending(
    verbs: Verbs,
    name: str,
    summary: str,
    end: Callable[[argparse.Namespace], ExitCode],
    option: str | None,
) -> None:
    parser = add_verb(verbs, name, summary, f"{summary[0].upper()}{summary[1:]}.")
    parser.set_defaults(run=end)
    parser.add_argument(
        "task",
        nargs="+",
        metavar="WORKFLOW ACTIVITY",
        help="the ids of the task in the store; or - to read its token from standard input",
    )
    _add_store(parser, required=False)
    parser.add_argument("--domain", type=arguments.domain, help="the SWF domain; needed with -")
    parser.add_argument("--run-id", metavar="ID", help="the run of the workflow (default: any)")
    if option == "result":
        parser.add_argument(
            "--result",
            type=arguments.json_or_text,
            metavar="VALUE",
            help="the value, JSON where it is JSON, else text (default: null)",
        )
    elif option == "reason":
        parser.add_argument("--reason", required=True, metavar="TEXT", help="why, cut to 256")
    if option != "result":
        parser.add_argument("--details", metavar="TEXT", help="more, for the decider")


def _add_store(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--store", required=required, type=Path, metavar="FILE", help="the file of the store"
    )


def _keep(given: argparse.Namespace) -> ExitCode:
    new = not given.store.exists()
    store = SQLiteTokenStore(given.store)
    if new:  # the keeper may well be started before the first task is kept
        logger.warning(
            "There was no store %s: a new, empty one was made. What is kept in another file is "
            "not looked after.",
            given.store,
        )
    Keeper(
        given.domain,
        store,
        on_cancel=given.on_cancel,
        every=given.every,
        drop_after=given.drop_after * _DAY_SECONDS,
    ).run()
    return ExitCode.FINE


def _list(given: argparse.Namespace) -> ExitCode:
    store = _opened(given.store)
    tasks = (
        store.closed(_CLOSED_LISTED, given.domain) if given.closed else store.pending(given.domain)
    )
    if given.json:
        for task in tasks:
            print(json.dumps(shown(task)))
    else:
        for line in table(tasks):
            print(line)
    return ExitCode.FINE


def _complete(given: argparse.Namespace) -> ExitCode:
    return _end(
        given,
        lambda finisher, task: finisher.complete(task, given.result),
        lambda scheduler, token: scheduler.complete(token, given.result),
    )


def _fail(given: argparse.Namespace) -> ExitCode:
    return _end(
        given,
        lambda finisher, task: finisher.fail(task, given.reason, given.details),
        lambda scheduler, token: scheduler.fail(token, given.reason, given.details),
    )


def _cancel(given: argparse.Namespace) -> ExitCode:
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
            return _unusable("give --domain with the token of a task")
        # Read from standard input: arguments can be seen by everybody on the machine.
        token = sys.stdin.read(MAX_TOKEN_CHARS + 2).strip()
        if not token:
            raise RefusedError("Cannot use this token: standard input is empty.", fault="NoToken")
        if not by_token(async_scheduler(given.domain), token):
            raise UnknownResourceError(
                "The task of this token is closed already.", fault="UnknownResourceFault"
            )
        return ExitCode.FINE
    if len(given.task) != 2 or given.store is None:
        return _unusable("give --store with the workflow id and the activity id; or --domain and -")
    store = _opened(given.store)
    workflow_id, activity_id = given.task
    _check_that_one_waits(store, given)
    task = store.find(workflow_id, activity_id, given.run_id, domain=given.domain)
    if task is None:
        raise UnknownResourceError(
            f"Cannot find activity {activity_id} of workflow {workflow_id} in {given.store}: "
            "`flowy tokens list` shows what is there.",
            fault="NoSuchTask",
        )
    finisher = Finisher(store, async_scheduler(task.info.domain))
    if not task.is_open or not by_ids(finisher, task):
        said = "" if task.is_open else f": {task.state.value}"
        raise UnknownResourceError(
            f"Activity {task.activity_id} of workflow {task.workflow_id} is closed already{said}.",
            fault="UnknownResourceFault",
        )
    return ExitCode.FINE


def _check_that_one_waits(store: SQLiteTokenStore, given: argparse.Namespace) -> None:
    """Raise where the ids fit tasks of several runs or domains: to end the wrong one is no slip.

    Of several in one run SWF has closed all but the latest: it has one open task of an id.
    """
    waiting = {
        (task.info.domain, task.run_id)
        for task in store.pending(given.domain)
        if [task.workflow_id, task.activity_id] == given.task
        and given.run_id in (None, task.run_id)
    }
    if len(waiting) > 1:
        lines = [f"\n  --domain {domain} --run-id {run_id}" for domain, run_id in sorted(waiting)]
        raise RefusedError(
            f"Cannot tell which task: {len(waiting)} of these ids wait. Give one of:"
            + "".join(lines),
            fault="SeveralTasks",
        )


def _opened(path: Path) -> SQLiteTokenStore:
    """Open a store that is there; one that is mistyped must not be made."""
    if not path.exists():
        raise TokenStoreError(f"Cannot use the token store {path}: there is no such file.")
    return SQLiteTokenStore(path)


def _unusable(why: str) -> ExitCode:
    print(f"flowy: Cannot tell which task: {why}.", file=sys.stderr)
    return ExitCode.USAGE
