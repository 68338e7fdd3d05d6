"""``flowy tokens``: list, end and keep suspended tasks.

SWF knows a task only by its token, so a store keeps the tokens together with the ids that people
know.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..swf.suspended import Keeper
from ..swf.suspended.keeper import DROP_AFTER_SECONDS
from ..swf.suspended.schedule import EVERY_SECONDS
from ..tokens.sqlite import SQLiteTokenStore
from . import arguments
from .codec_options import add_claims, add_codecs
from .durations import add_duration, days, timeout
from .endings import cancel, complete, exists, fail, opened
from .exit_codes import ExitCode
from .tables import MAX_COUNTED, add_json, add_limit, cut, print_json, print_table, say_cut
from .task_table import HEADINGS, KEYS, row, shown
from .verbs import add_domain, add_group, add_store, add_verb

if TYPE_CHECKING:
    from .verbs import Verbs

logger = logging.getLogger(__name__)

_TOKENS = """\
List, end and keep suspended activities.

If `self.suspend(store)` put the task into a store, give its workflow id and its activity id. Or
give - instead of the ids, and write the token to standard input.
"""

_TOKENS_EXAMPLES = """\
flowy tokens list --store tokens.db
flowy tokens complete --store tokens.db order-7 approval --result '{"approved": true}'
flowy tokens fail --store tokens.db order-7 approval --reason "Too expensive."
flowy tokens complete --domain shop - --result 7 < token.txt
flowy tokens keep --store tokens.db --domain shop
"""

_KEEP = """\
Send heartbeats for the suspended tasks of a domain in a store, until Ctrl-C or SIGTERM.

A heartbeat shows whether SWF has closed the task. If so, the keeper marks it in the store, with
the reason from the history. If a cancellation was requested, the keeper answers canceled. The
keeper may be killed and started again, and several may run at the same time.
"""

_KEEP_EXAMPLES = """\
flowy tokens keep --store tokens.db --domain shop
flowy tokens keep --store tokens.db --domain shop --every 1m
flowy tokens keep --store tokens.db --domain shop --on-cancel mark --drop-after 7d
"""

_LIST = """\
List the suspended tasks, oldest first, with the time that is left. Tokens are never shown.

On a terminal, long values are cut in their middle to fit its width. Otherwise they are complete.
"""

_LIST_EXAMPLES = """\
flowy tokens list --store tokens.db
flowy tokens list --store tokens.db --closed    # what has ended, the latest first
flowy tokens list --store tokens.db --json      # for programs
"""

#: Examples of the verbs that end a task.
_ENDING_EXAMPLES = {
    "complete": """\
flowy tokens complete --store tokens.db order-7 approval --result '{"approved": true}'
flowy tokens complete --store tokens.db order-7 approval --run-id 22Gc0lkF2kL0=
flowy tokens complete --domain shop - --result yes < token.txt
flowy tokens complete --store tokens.db order-7 approval --result yes --codec shop.keys:CODECS
""",
    "fail": """\
flowy tokens fail --store tokens.db order-7 approval --reason "Too expensive."
flowy tokens fail --domain shop - --reason "Too expensive." --details "12,000 EUR" < token.txt
""",
    "cancel": """\
flowy tokens cancel --store tokens.db order-7 approval
flowy tokens cancel --domain shop - --details "Nobody answered." < token.txt
""",
}

#: Closed tasks that are listed without ``--limit``.
_CLOSED_LISTED = 100


def add_verbs(verbs: Verbs) -> None:
    """Add the verb ``tokens`` with verbs of its own."""
    group = add_group(
        verbs, "tokens", "list, end and keep suspended activities", _TOKENS, _TOKENS_EXAMPLES
    )
    _add_keep(group)
    _add_list(group)
    for name, summary, end, option in (
        ("complete", "complete a task", complete, "result"),
        ("fail", "fail a task", fail, "reason"),
        ("cancel", "cancel a task whose cancellation was requested", cancel, None),
    ):
        _add_ending(group, name, summary, end, option)


def _add_keep(verbs: Verbs) -> None:
    parser = add_verb(
        verbs,
        "keep",
        "send heartbeats for suspended tasks",
        _KEEP,
        _KEEP_EXAMPLES,
        log_level="info",
    )
    parser.set_defaults(run=_keep)
    add_store(parser, required=True)
    add_domain(parser, required=True)
    parser.add_argument(
        "--on-cancel",
        choices=("answer", "mark"),
        default="answer",
        help="if a cancellation was requested, answer canceled or only mark it (default: answer)",
    )
    add_duration(
        parser,
        "--every",
        timeout,
        "send a heartbeat at least this often, or every third of the declared heartbeat timeout if "
        "that is less",
        default=int(EVERY_SECONDS),
    )
    add_duration(
        parser,
        "--drop-after",
        days,
        "delete tasks from the store this long after they closed",
        default=int(DROP_AFTER_SECONDS),
    )


def _add_list(verbs: Verbs) -> None:
    parser = add_verb(verbs, "list", "list suspended tasks", _LIST, _LIST_EXAMPLES)
    parser.set_defaults(run=_list)
    add_store(parser, required=True)
    add_domain(parser, help="list only the tasks of this domain (default: all)")
    parser.add_argument(
        "--closed", action="store_true", help="list the tasks that have ended, the latest first"
    )
    add_limit(parser, _CLOSED_LISTED, "tasks that have ended")
    add_json(parser, KEYS)


def _add_ending(
    verbs: Verbs,
    name: str,
    summary: str,
    end: Callable[[argparse.Namespace], ExitCode],
    option: str | None,
) -> None:
    description = f"{summary[0].upper()}{summary[1:]}."
    parser = add_verb(verbs, name, summary, description, _ENDING_EXAMPLES[name])
    parser.set_defaults(run=end)
    parser.add_argument(
        "task",
        nargs="+",
        metavar="WORKFLOW ACTIVITY",
        help="ids of the task in the store, or - to read its token from standard input",
    )
    add_store(parser, required=False)
    add_domain(parser, help="the SWF domain; required with -")
    parser.add_argument("--run-id", metavar="ID", help="run id of the workflow (default: any)")
    _add_values(parser, option)


def _add_values(parser: argparse.ArgumentParser, option: str | None) -> None:
    """Add what is sent with an answer, and how it is encoded."""
    if option == "result":
        parser.add_argument(
            "--result",
            type=arguments.json_or_text,
            metavar="VALUE",
            help="complete with this value: JSON if possible, else text (default: null)",
        )
    elif option == "reason":
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="why, cut to 256 characters"
        )
    if option != "result":
        parser.add_argument("--details", metavar="TEXT", help="more text for the decider")
    add_codecs(parser, "a codec of the activity, or a list of them, to encode what is sent")
    if option == "result":
        add_claims(parser)
    elif option == "reason":
        parser.add_argument(
            "--hide-reasons",
            action="store_true",
            help="send the reason as details, which codecs encrypt",
        )
    parser.set_defaults(
        claims=parser.get_default("claims"), hide_reasons=bool(parser.get_default("hide_reasons"))
    )


def _keep(given: argparse.Namespace) -> ExitCode:
    new = not exists(given.store)
    store = SQLiteTokenStore(given.store, allow_group=given.allow_group)
    if new:  # not an error: the keeper may start before the first task is suspended
        logger.warning(
            "The store %s did not exist: created an empty one. Tasks in any other file get no "
            "heartbeats.",
            given.store,
        )
    Keeper(
        given.domain,
        store,
        on_cancel=given.on_cancel,
        every=given.every,
        drop_after=given.drop_after,
    ).run()
    return ExitCode.FINE


def _list(given: argparse.Namespace) -> ExitCode:
    store = opened(given.store, allow_group=given.allow_group)
    tasks, more = store.pending(given.domain), 0
    if given.closed:
        found = store.closed(given.limit + MAX_COUNTED + 1, given.domain)
        tasks, more = cut(iter(found), given.limit)
    if given.json:
        print_json(map(shown, tasks))
    else:
        print_table(HEADINGS, map(row, tasks))
    if more:
        say_cut(len(tasks), more, "closed tasks")
    return ExitCode.FINE
