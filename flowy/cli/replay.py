"""``flowy replay``: run a recorded task again, on this machine."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..concurrency.cli_signals import prompting, terminable
from ..concurrency.process_end import EXIT_SECONDS, end_within
from ..context import entered_replay
from ..importing import imported
from ..middleware import Middleware
from ..swf.replay import (
    UNKNOWN,
    RecordedTask,
    Recording,
    history_in,
    recording_of,
    replayed,
    save,
)
from ..swf.values import ActivityType
from ..swf.worker import WorkerOptions
from . import arguments
from .execution_show import described
from .exit_codes import ExitCode
from .import_errors import import_from_here, importing, making_options
from .parser import Parser, UsageError
from .reach import swf_of
from .replay_text import HEADINGS, heading_of, lines_of, print_heartbeat, row
from .tables import print_table
from .terminal import say
from .values import text_of
from .verbs import add_domain, add_packages, add_verb
from .waiting import waiting
from .worker import add_option

if TYPE_CHECKING:
    from .verbs import Verbs

_DESCRIPTION = """\
Run a recorded task again on this machine, with its real input, and compare how it ends.

Nothing changes at SWF: Flowy reads the history, and the run has no client that can write. Claims
are read but not stored, and suspended tasks are not stored. Everything else that the activity does
is real. If something must not happen twice, check flowy.context.replaying() in the activity.

Heartbeats are printed and accepted. With --as-recorded, they report a cancellation or the end of
the task at the same time after the start as in the history. Inputs, results and details are printed
in clear text. The exit code is 9 if the task ends differently now.
"""

_EXAMPLES = """\
flowy replay --domain shop --workflow-id order-7 shop.activities
flowy replay --domain shop --workflow-id order-7 --activity-id charge --pdb shop.activities
flowy replay --domain shop --workflow-id order-7 --event-id 11 --as-recorded shop.activities
flowy replay --domain shop --workflow-id order-7 --input input.json shop.activities
flowy replay --domain shop --workflow-id order-7 --save order-7.json shop.activities
flowy replay --history order-7.json shop.activities    # without SWF; also the JSON of the AWS CLI
"""

#: The options of a worker that a replay has, too.
_WORKER_OPTIONS = ("middleware", "codecs", "claims")

#: Stands for the task list of the options; a replay polls none.
_NO_LIST = "none"


def add_verbs(verbs: Verbs) -> None:
    """Add ``replay``."""
    parser = add_verb(verbs, "replay", "run a recorded task again", _DESCRIPTION, _EXAMPLES)
    parser.set_defaults(run=_replay)
    add_packages(parser)
    _add_which(parser)
    _add_how(parser)
    for option in fields(WorkerOptions):
        if option.name in _WORKER_OPTIONS:
            add_option(parser, option)


def _add_which(parser: Parser) -> None:
    """Add the options that name the recorded task."""
    add_domain(parser, help="the SWF domain (required without --history)")
    parser.add_argument(
        "--workflow-id",
        type=arguments.workflow_id,
        metavar="ID",
        help="workflow id of the execution (required without --history)",
    )
    parser.add_argument(
        "--run-id", metavar="ID", help="run id (default: the open run or the latest one)"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--activity-id", metavar="ID", help="the task with this activity id")
    which.add_argument(
        "--event-id",
        type=arguments.count,
        metavar="N",
        help="the task of this event, such as the one that scheduled it",
    )
    parser.add_argument(
        "--history",
        action="append",
        metavar="FILE",
        help="read the history from a file instead of SWF; --save or `aws swf "
        "get-workflow-execution-history --output json` writes one; repeat for each page; - reads "
        "standard input",
    )


def _add_how(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how the task is run, and what is kept of it."""
    parser.add_argument(
        "--input", metavar="FILE", help="read the input from a file, encoded as it would be at SWF"
    )
    parser.add_argument(
        "--as-recorded",
        action="store_true",
        help="answer heartbeats as recorded: report a cancellation and the end of the task",
    )
    parser.add_argument(
        "--pdb",
        action="store_true",
        help="start Python's debugger at the first line of run, and where run raises",
    )
    parser.add_argument(
        "--save",
        type=arguments.file,
        metavar="FILE",
        help="write the history of the task to a file for --history; only you can read the file",
    )


def _replay(given: argparse.Namespace) -> ExitCode:
    _check(given)
    here = import_from_here()
    # Modules may ask whether this is a replay while they are imported.
    with entered_replay(process=True), terminable(last=given.ends_process):
        options = _options_of(given)
        with importing(given.packages, here):
            activities = options.implementations()
        task = _task_of(given, activities)
        own_input = None if given.input is None else text_of(given.input)
        if given.save is not None:
            _save(task, given.save)
        print(heading_of(task), flush=True)
        if cut_off := task.recording.cut_off:
            say(cut_off)
        say("The activity runs for real, with its side effects. Only SWF is not changed.")
        with prompting() if given.pdb else nullcontext():
            replay = replayed(
                task,
                activities[task.record.type],
                input=own_input,
                as_recorded=given.as_recorded,
                coalesce=True,
                middleware=_middleware_of(given, options),
                on_heartbeat=print_heartbeat,
            )
    for line in lines_of(replay):
        print(line)
    code = ExitCode.DIFFERS if replay.equal is False else ExitCode.FINE
    if given.ends_process:
        end_within(EXIT_SECONDS, code)  # the activity may have left threads and exit hooks behind
    return code


def _check(given: argparse.Namespace) -> None:
    if given.history is None and None in (given.domain, given.workflow_id):
        raise UsageError(
            "Cannot tell which history: give --domain and --workflow-id, or --history."
        )
    reads = (given.input, *(given.history or ())).count("-")
    if given.pdb and reads:
        raise UsageError("Cannot read standard input, which --pdb needs: give files.")
    if reads > 1:
        raise UsageError("Cannot read standard input twice: give files.")


def _task_of(given: argparse.Namespace, activities: Iterable[ActivityType]) -> RecordedTask:
    tasks = _recording_of(given).fitting(
        list(activities), activity_id=given.activity_id, event_id=given.event_id
    )
    if len(tasks) > 1:
        print_table(HEADINGS, map(row, tasks))
        raise UsageError("Several tasks fit: give --event-id, or --activity-id.")
    return tasks[0]


@making_options()
def _options_of(given: argparse.Namespace) -> WorkerOptions:
    """Return the options of a worker that would run the task."""
    values = {name: getattr(given, name) for name in _WORKER_OPTIONS}
    return WorkerOptions(
        given.domain or UNKNOWN,
        _NO_LIST,
        package=given.packages,
        ignore=given.ignore,
        **values,
    )


def _recording_of(given: argparse.Namespace) -> Recording:
    """Return the recording in the files, or that of SWF."""
    if given.history is not None:
        pages = [page for file in given.history for page in history_in(text_of(file), file)]
        return recording_of(
            pages, domain=given.domain, workflow_id=given.workflow_id, run_id=given.run_id
        )
    with swf_of(given.domain) as client, waiting(f"Reading the history of {given.workflow_id}"):
        info = described(client, given).info
        events = client.get_workflow_execution_history(given.domain, info.workflow_id, info.run_id)
    return Recording(given.domain, info.workflow_id, info.run_id, events)


def _save(task: RecordedTask, path: Path) -> None:
    try:
        save(task, path)
    except OSError as error:
        raise UsageError(f"Cannot write the history to {path}: {error.strerror}.") from None


def _middleware_of(given: argparse.Namespace, options: WorkerOptions) -> Sequence[Middleware]:
    """Return the middleware of a worker, and the debugger if it is wanted."""
    middleware: Sequence[Middleware] = imported(options.middleware)
    if not given.pdb:
        return middleware
    from .debugger import Debugger  # needed only here

    return (*middleware, Debugger())
