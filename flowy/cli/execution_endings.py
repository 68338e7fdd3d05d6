"""``flowy executions terminate`` and ``cancel``: end one execution or many from outside.

A termination closes an execution at once, and what runs in it is cut off. A cancellation is a
request: the decider learns of it and decides what to do.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..exception import UnknownResourceError
from ..swf.client import SWFClient
from ..swf.operating import ExecutionFilter, find_executions
from ..swf.values import ExecutionInfo
from . import arguments
from .changes import Change, add_change_options, carry_out
from .execution_table import HEADINGS, KEYS, row, shown
from .exit_codes import ExitCode
from .moments import add_moment
from .parser import Parser, UsageError
from .reach import swf_of
from .tables import add_json
from .verbs import add_domain, add_verb
from .waiting import waiting

if TYPE_CHECKING:
    from .verbs import Verbs

_TERMINATE = """\
Terminate open executions: one, several, or all that match the filters.

A termination closes an execution at once. Its decider is not asked, and its activities learn by
their heartbeats that the task is closed. You are asked first, unless you give --yes.
"""

_TERMINATE_EXAMPLES = """\
flowy executions terminate --domain shop order-7 --reason "Ordered twice."
flowy executions terminate --domain shop --type order --tag test --dry-run
flowy executions terminate --domain shop --type order --until 7d --yes    # a week old or older
flowy executions terminate --domain shop --all --child-policy abandon
"""

_CANCEL = """\
Request the cancellation of open executions: one, several, or all that match the filters.

The decider of an execution learns of the request and decides what to do; until then the execution
stays open. You are asked first, unless you give --yes.
"""

_CANCEL_EXAMPLES = """\
flowy executions cancel --domain shop order-7
flowy executions cancel --domain shop --tag late --since 24h --dry-run
flowy executions cancel --domain shop --type order --version 1 --yes
"""

_REASON = "Terminated by `flowy executions terminate`"

_NOUNS = ("execution", "executions")

_CHILD_POLICIES = ("terminate", "request-cancel", "abandon")


def add_verbs(verbs: Verbs) -> None:
    """Add ``terminate`` and ``cancel``."""
    terminate = add_verb(
        verbs, "terminate", "close executions at once", _TERMINATE, _TERMINATE_EXAMPLES
    )
    terminate.set_defaults(run=_terminate)
    _add_which(terminate)
    terminate.add_argument(
        "--reason",
        default=_REASON,
        metavar="TEXT",
        help=f"why, for the history; cut to 256 characters (default: {_REASON})",
    )
    terminate.add_argument(
        "--details", metavar="TEXT", help="more text for the history; cut to 32,768 characters"
    )
    terminate.add_argument(
        "--child-policy",
        choices=_CHILD_POLICIES,
        help="what happens to its child executions (default: the one that it was started with)",
    )
    cancel = add_verb(
        verbs, "cancel", "request the cancellation of executions", _CANCEL, _CANCEL_EXAMPLES
    )
    cancel.set_defaults(run=_cancel)
    _add_which(cancel)


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the filters by type, tag and start."""
    parser.add_argument(
        "--type", type=arguments.type_name, metavar="NAME", help="of this workflow type"
    )
    parser.add_argument(
        "--version", type=arguments.type_version, metavar="VERSION", help="of this version"
    )
    parser.add_argument("--tag", type=arguments.tag, metavar="TAG", help="with this tag")
    add_moment(parser, "--since", "started at this time or later")
    add_moment(parser, "--until", "started at this time or before")


def _add_which(parser: Parser) -> None:
    parser.add_argument(
        "workflow_ids",
        nargs="*",
        type=arguments.workflow_id,
        metavar="WORKFLOW",
        help="workflow id of an open execution; repeat for more",
    )
    add_domain(parser, required=True)
    parser.add_argument("--run-id", metavar="ID", help="only if this run is the open one")
    add_filters(parser)
    parser.add_argument("--all", action="store_true", help="all open executions of the domain")
    add_change_options(parser)
    add_json(parser, (*KEYS, "change"))


def _terminate(given: argparse.Namespace) -> ExitCode:
    policy = given.child_policy and given.child_policy.upper().replace("-", "_")

    def terminate(client: SWFClient, execution: ExecutionInfo) -> None:
        """Terminate one execution."""
        client.terminate_workflow_execution(
            given.domain,
            execution.workflow_id,
            given.reason,
            run_id=execution.run_id,
            details=given.details,
            child_policy=policy,
        )

    return _end(given, "Terminate", "Terminated", terminate)


def _cancel(given: argparse.Namespace) -> ExitCode:
    def cancel(client: SWFClient, execution: ExecutionInfo) -> None:
        """Request the cancellation of one execution."""
        client.request_cancel_workflow_execution(
            given.domain, execution.workflow_id, execution.run_id
        )

    return _end(given, "Request to cancel", "Requested to cancel", cancel)


def _end(
    given: argparse.Namespace,
    verb: str,
    done: str,
    call: Callable[[SWFClient, ExecutionInfo], None],
) -> ExitCode:
    _check_which(given)
    with swf_of(given.domain) as client:
        change = Change[ExecutionInfo](
            verb=verb,
            done=done,
            not_needed="had closed already",
            nothing="no open execution fits",
            nouns=_NOUNS,
            call=lambda execution: call(client, execution),
            headings=HEADINGS,
            row=row,
            shown=lambda execution: shown(given.domain, execution),
        )
        with waiting("Reading executions"):
            executions = _which(client, given)
        return carry_out(change, executions, given)


def _check_which(given: argparse.Namespace) -> None:
    filters = [given.type, given.version, given.tag, given.since, given.until]
    filtered = any(each is not None for each in filters)
    if sum((bool(given.workflow_ids), filtered, given.all)) != 1:
        raise UsageError("Cannot tell which executions. Give WORKFLOW ids, filters, or --all.")
    if given.run_id is not None and len(given.workflow_ids) != 1:
        raise UsageError("Cannot use --run-id: it needs the WORKFLOW id of one execution.")


def _which(client: SWFClient, given: argparse.Namespace) -> Sequence[ExecutionInfo]:
    """Return the open executions that were asked for.

    Raises:
        UnknownResourceError: a workflow id has no open execution; nothing is to be changed then.
    """
    if not given.workflow_ids:
        wanted = ExecutionFilter(
            status="open",
            name=given.type,
            version=given.version,
            tag=given.tag,
            since=given.since,
            until=given.until,
        )
        return list(find_executions(client, given.domain, wanted))
    found, missing = [], []
    for workflow_id in dict.fromkeys(given.workflow_ids):
        wanted = ExecutionFilter(status="open", workflow_id=workflow_id)
        run = next(find_executions(client, given.domain, wanted), None)
        if run is None or given.run_id not in (None, run.run_id):
            missing.append(workflow_id)
        else:
            found.append(run)
    if missing:
        run_id = f" with run id {given.run_id}" if given.run_id else ""
        raise UnknownResourceError(
            f"Cannot find an open execution of workflow {', '.join(missing)}{run_id} in domain "
            f"{given.domain!r}. Nothing was changed. `flowy executions list --status open` shows "
            "those that are open; SWF lists an execution a moment after its start.",
            fault="UnknownResourceFault",
        )
    return found
