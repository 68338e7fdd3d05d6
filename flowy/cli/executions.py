"""``flowy executions``: list, show, terminate and cancel executions of workflows.

SWF lists open executions and closed ones apart, by one filter at a time, and each list needs a
start time. The options here can be combined, and all executions stand in one list.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..swf.operating import ExecutionFilter, find_executions
from ..swf.operating.executions import CLOSE_STATUSES
from . import arguments, execution_endings, execution_show
from .execution_table import HEADINGS, KEYS, RUN_HEADING, row, row_with_run, shown
from .exit_codes import ExitCode
from .moments import add_moment
from .reach import swf_of
from .tables import add_json, add_limit, cut, print_json, print_table, say_cut
from .verbs import add_domain, add_group, add_verb
from .waiting import waiting

if TYPE_CHECKING:
    from .verbs import Verbs

_EXECUTIONS = """\
List, show, terminate and cancel executions of workflows, at AWS or at a local SWF.

Inputs, results and details are shown only with --values. Tokens are never shown.
"""

_EXECUTIONS_EXAMPLES = """\
flowy executions list --domain shop --status open
flowy executions show --domain shop order-7
flowy executions terminate --domain shop order-7 --reason "Ordered twice."
flowy executions cancel --domain shop --type order --tag late --dry-run
"""

_LIST = """\
List executions, open and closed ones, the latest first.

All filters can be combined. Without a time, the list has everything that SWF still has. SWF deletes
a closed execution when the retention period of its domain is over.
"""

_LIST_EXAMPLES = """\
flowy executions list --domain shop
flowy executions list --domain shop --status open --type order
flowy executions list --domain shop --status failed --closed-since 24h
flowy executions list --domain shop --workflow-id order-7 --runs    # with the ids of its runs
flowy executions list --domain shop --tag late --since 2026-01-31 --until 2026-02-28
flowy executions list --domain shop --limit 100000 --json > executions.json
"""

#: Executions that are listed without ``--limit``.
LIMIT = 100


def add_verbs(verbs: Verbs) -> None:
    """Add the verb ``executions`` with verbs of its own."""
    group = add_group(
        verbs,
        "executions",
        "list, show, terminate and cancel executions",
        _EXECUTIONS,
        _EXECUTIONS_EXAMPLES,
    )
    _add_list(group)
    execution_show.add_verb_show(group)
    execution_endings.add_verbs(group)


def _add_list(verbs: Verbs) -> None:
    parser = add_verb(verbs, "list", "list executions", _LIST, _LIST_EXAMPLES)
    parser.set_defaults(run=_list)
    add_domain(parser, required=True)
    parser.add_argument(
        "--status",
        type=arguments.status,
        choices=("open", "closed", *CLOSE_STATUSES),
        metavar="STATUS",
        help="open, closed, or how the execution closed: "
        + ", ".join(status.replace(" ", "-") for status in CLOSE_STATUSES),
    )
    parser.add_argument(
        "--workflow-id", type=arguments.workflow_id, metavar="ID", help="runs of this workflow id"
    )
    execution_endings.add_filters(parser)
    add_moment(parser, "--closed-since", "closed at this time or later")
    add_moment(parser, "--closed-until", "closed at this time or before")
    add_limit(parser, LIMIT, "executions")
    parser.add_argument("--runs", action="store_true", help="add a column with the run ids")
    add_json(parser, KEYS)


def _list(given: argparse.Namespace) -> ExitCode:
    wanted = ExecutionFilter(
        workflow_id=given.workflow_id,
        name=given.type,
        version=given.version,
        tag=given.tag,
        status=given.status,
        since=given.since,
        until=given.until,
        closed_since=given.closed_since,
        closed_until=given.closed_until,
    )
    with swf_of(given.domain) as client, waiting("Reading executions"):
        found = find_executions(client, given.domain, wanted)
        listed, more = cut(found, given.limit)
    if given.json:
        print_json(shown(given.domain, each) for each in listed)
    elif given.runs:
        print_table((*HEADINGS, RUN_HEADING), map(row_with_run, listed))
    else:
        print_table(HEADINGS, map(row, listed))
    if more:
        say_cut(len(listed), more, "executions")
    return ExitCode.FINE
