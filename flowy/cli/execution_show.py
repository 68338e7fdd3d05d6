"""``flowy executions show``: one execution and its activities, as its history tells them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..exception import UnknownResourceError
from ..swf.client import SWFClient
from ..swf.history import Event, activity_records, attributes, closes_execution, ending_of
from ..swf.operating import find_run
from ..swf.values import ExecutionDescription
from . import activity_table, arguments
from .execution_table import KEYS, shown
from .execution_text import lines_of
from .exit_codes import ExitCode
from .reach import swf_of
from .tables import print_table
from .terminal import json_text
from .verbs import add_domain, add_verb
from .waiting import waiting

if TYPE_CHECKING:
    from .verbs import Verbs

_SHOW = """\
Show one execution: its status, and its activities with outcome, reason, times and worker.

With --values, it also prints inputs, results and details, and the details of the last heartbeat,
which SWF shows only if the activity timed out.
"""

_SHOW_EXAMPLES = """\
flowy executions show --domain shop order-7
flowy executions show --domain shop order-7 --values
flowy executions show --domain shop order-7 --run-id 22tZ7CnGSM7ulRQn --json
"""

#: The keys in ``--json`` that lists do not have.
MORE_KEYS = (
    "task_list",
    "child_policy",
    "timeout",
    "decision_timeout",
    "open_counts",
    "events",
    "reason",
    "next_run_id",
    "input",
    "result",
    "details",
    "activities",
)


def add_verb_show(verbs: Verbs) -> None:
    """Add ``show``."""
    parser = add_verb(verbs, "show", "show one execution", _SHOW, _SHOW_EXAMPLES)
    parser.set_defaults(run=_show)
    parser.add_argument(
        "workflow_id",
        type=arguments.workflow_id,
        metavar="WORKFLOW",
        help="workflow id of the execution",
    )
    add_domain(parser, required=True)
    parser.add_argument(
        "--run-id", metavar="ID", help="run id (default: the open run or the latest one)"
    )
    parser.add_argument(
        "--values", action="store_true", help="print inputs, results, details and heartbeats too"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help=f"print a JSON object with the keys {', '.join((*KEYS, *MORE_KEYS))}; each activity "
        f"has the keys {', '.join(activity_table.KEYS)}. Values are null without --values",
    )


def _show(given: argparse.Namespace) -> ExitCode:
    with swf_of(given.domain) as client, waiting(f"Reading the history of {given.workflow_id}"):
        description = described(client, given)
        events = client.get_workflow_execution_history(
            given.domain, description.info.workflow_id, description.info.run_id
        )
    execution = {**shown(given.domain, description.info), **_more(description, events)}
    records = activity_records(events)
    activities = [activity_table.shown(each) for each in records]
    for values in () if given.values else (execution, *activities):
        values.update(dict.fromkeys(values.keys() & activity_table.VALUES))
    if given.json:
        print(json_text({**execution, "activities": activities}))
        return ExitCode.FINE
    for line in lines_of(execution):
        print(line)
    if activities:
        print()
        print_table(activity_table.HEADINGS, map(activity_table.row, records))
    for activity in activities:
        for line in activity_table.value_lines(activity):
            print(line)
    return ExitCode.FINE


def described(client: SWFClient, given: argparse.Namespace) -> ExecutionDescription:
    """Return the description of the run that the options name.

    Raises:
        UnknownResourceError: SWF does not have it.
    """
    run_id = given.run_id
    if run_id is None and (run := find_run(client, given.domain, given.workflow_id)):
        run_id = run.run_id
    if run_id is not None:
        with suppress(UnknownResourceError):
            return client.describe_workflow_execution(given.domain, given.workflow_id, run_id)
    raise UnknownResourceError(
        f"Cannot find an execution of workflow {given.workflow_id}"
        + (f" with run id {run_id}" if run_id else "")
        + f" in domain {given.domain!r}. SWF has none, or has forgotten it at the end of the "
        "domain's retention period. `flowy executions list` shows those that it has.",
        fault="UnknownResourceFault",
    )


def _more(description: ExecutionDescription, events: Sequence[Event]) -> dict[str, Any]:
    """Return the fields that lists do not have."""
    began = attributes(events[0]) if events else {}
    last = events[-1] if events and closes_execution(events[-1]) else None
    end = {} if last is None else attributes(last)
    ending = None if last is None else ending_of(last)
    return {
        "task_list": description.task_list,
        "child_policy": description.child_policy.lower().replace("_", " "),
        "timeout": description.timeout,
        "decision_timeout": description.decision_timeout,
        "open_counts": dict(description.open_counts),
        "events": len(events),
        "reason": (ending.reason or None) if ending else None,
        "next_run_id": end.get("newExecutionRunId"),
        "input": began.get("input"),
        "result": end.get("result"),
        "details": end.get("details"),
    }
