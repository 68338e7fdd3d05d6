"""``flowy worker`` and ``flowy call``: serve activities, and call one."""

from __future__ import annotations

import argparse
import functools
import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..shutdown import terminable
from ..swf.boilerplate import run_worker
from ..swf.options import check_processes
from ..swf.report import StopReport
from ..swf.starter import call_activity
from . import arguments
from .exit_codes import ExitCode
from .logs import configure_logging

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[argparse.ArgumentParser]

LOG_LEVELS = ("debug", "info", "warning", "error")

_WORKER = """\
Serve the activities of packages: poll a task list, and run what comes.

  flowy worker --domain shop --task-list orders shop.activities
  flowy worker --domain shop --task-list orders shop --ignore shop.tests
  flowy worker --domain shop --task-list orders shop --no-register --log-level warning
  flowy worker --domain shop --task-list orders shop --loop 0      register the types, no more
  flowy worker --domain shop --task-list orders shop --concurrency 50 --processes 2 --grace 30

The packages are imported with the current folder on Python's path. AWS's credentials and region
are found as boto3 finds them; the lines of `flowy local` lead to an SWF on this machine.

Ctrl-C or SIGTERM lets running activities finish, waits for the polls that are out (up to 60 s)
and for what they bring. A second one ends the grace: heartbeat() answers False, and what still
runs a moment later is left to its timeout. A third waits for nothing more. The exit code is 8
where something was left; the last log line says what.
"""

_CALL = """\
Let a worker run one activity, wait for its end, and print its value as JSON.

  flowy call --domain shop charge 1 7                 an ARG is JSON where it can be: the number 7
  flowy call --domain shop charge 1 '"7"'             the text 7
  flowy call --domain shop charge 1 '{"order": 7}' now
  flowy call --domain shop charge 1 7 --kw currency=EUR --kw dry_run=true
  flowy call --domain shop charge 1 --kwargs '{"order": 7}'
  flowy call --domain shop --timeout 60 -- charge 1 -x        after --, all are ARGs

It starts a workflow execution of its own and ends with it; interrupted by Ctrl-C or SIGTERM it
terminates it. Where the activity fails, reason and details go to standard error.
"""


def add_verbs(verbs: Verbs) -> None:
    """Add ``worker`` and ``call``."""
    _add_worker(verbs)
    _add_call(verbs)


def add_verb(
    verbs: Verbs, name: str, summary: str, description: str, *, log_level: str = "warning"
) -> argparse.ArgumentParser:
    """Add a verb with what all verbs have: help by example, and ``--log-level``."""
    parser = verbs.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # an option to come must not break a command line of today
    )
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default=log_level,
        help=f"how much to log, on standard error (default: {log_level})",
    )
    return parser


def _add_worker(verbs: Verbs) -> None:
    parser = add_verb(verbs, "worker", "serve activities", _WORKER, log_level="info")
    parser.set_defaults(run=_worker)
    parser.add_argument(
        "packages",
        nargs="+",
        type=arguments.dotted_name,
        metavar="PACKAGE",
        help="what to scan: a dotted name; a package with all below it",
    )
    parser.add_argument(
        "--domain", required=True, type=arguments.domain, help="the SWF domain, which must exist"
    )
    parser.add_argument(
        "--task-list",
        required=True,
        type=arguments.task_list,
        metavar="LIST",
        help="the task list to poll",
    )
    parser.add_argument(
        "--no-register",
        action="store_true",
        help="do not register the activity types at SWF, nor compare them with those there",
    )
    parser.add_argument(
        "--loop",
        type=arguments.poll_count,
        default=-1,
        metavar="N",
        help="end after N polls; 0 registers only, -1 goes on until stopped (default)",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        metavar="NAME",
        help="skip this module or package in the scan; a leading dot means below a PACKAGE; "
        "may be given several times",
    )
    parser.add_argument(
        "--concurrency",
        type=arguments.count,
        default=1,
        metavar="N",
        help="activities at once in a process (default: 1)",
    )
    parser.add_argument(
        "--pollers",
        type=arguments.count,
        metavar="N",
        help="polls out at once in a process (default: 14, or the concurrency where that is less)",
    )
    parser.add_argument(
        "--processes",
        type=arguments.count,
        default=1,
        metavar="N",
        help="worker processes; a supervisor replaces those that die (default: 1)",
    )
    parser.add_argument(
        "--grace",
        type=arguments.grace,
        metavar="SECONDS",
        help="how long running activities may go on after a stop (default: as long as they like)",
    )
    parser.add_argument(
        "--on-stop",
        choices=("abandon", "fail"),
        default="abandon",
        help="what becomes of what still runs then: left to its timeout, or failed "
        "(default: abandon)",
    )
    parser.add_argument(
        "--on-unknown",
        choices=("fail", "abandon"),
        default="fail",
        help="what becomes of a task whose type this worker does not have (default: fail)",
    )


def _worker(given: argparse.Namespace) -> ExitCode:
    try:
        check_processes(given.processes, given.loop)
    except ValueError as error:
        print(f"flowy: {error}", file=sys.stderr)
        return ExitCode.USAGE
    here = str(Path.cwd())
    sys.path.insert(0, here)  # the command `flowy` starts with its own folder there instead
    try:
        with terminable():  # until the worker handles signals itself; as PID 1 it would get none
            report = run_worker(
                given.domain,
                given.task_list,
                reg_remote=not given.no_register,
                loop=given.loop,
                package=given.packages,
                ignore=given.ignore,
                concurrency=given.concurrency,
                pollers=given.pollers,
                processes=given.processes,
                grace=given.grace,
                on_stop=given.on_stop,
                on_unknown=given.on_unknown,
                leave=_leave,
                initialize=functools.partial(_initialize, here, given.log_level),
            )
    except ImportError as error:
        print(f"flowy: {_import_text(error, given.packages, here)}", file=sys.stderr)
        return ExitCode.REFUSED
    return _code_of(report)


def _code_of(report: StopReport) -> ExitCode:
    return ExitCode.FINE if report.clean else ExitCode.LEFT_OVER


def _leave(report: StopReport) -> None:
    """End the process although its main thread hangs in an activity."""
    logging.shutdown()
    os._exit(_code_of(report))


def _initialize(here: str, log_level: str) -> None:
    """Make a worker process what this one is."""
    sys.path.insert(0, here)
    configure_logging(log_level)


def _import_text(error: ImportError, packages: list[str], here: str) -> str:
    """Return what is missing, and whether it was asked for or by whom it was imported."""
    said = f"Cannot import {', '.join(packages)}: {error}."
    asked_for = any(f"{package}.".startswith(f"{error.name}.") for package in packages)
    if isinstance(error, ModuleNotFoundError) and asked_for:
        return f"{said} Looked in {here} and on Python's path."
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame for frame in frames if not frame.filename.startswith("<frozen")]
    return f"{said} See {lines[-1].filename}, line {lines[-1].lineno}."


def _add_call(verbs: Verbs) -> None:
    parser = add_verb(verbs, "call", "call one activity and print its value", _CALL)
    parser.set_defaults(run=_call)
    parser.add_argument("name", type=arguments.type_name, metavar="NAME", help="the type's name")
    parser.add_argument(
        "version", type=arguments.type_version, metavar="VERSION", help="the type's version"
    )
    parser.add_argument(
        "args",
        nargs="*",
        type=arguments.json_or_text,
        metavar="ARG",
        help="a positional argument: JSON where it is JSON, else text",
    )
    parser.add_argument("--domain", required=True, type=arguments.domain, help="the SWF domain")
    parser.add_argument(
        "--kw",
        action="append",
        default=[],
        type=arguments.key_and_value,
        metavar="KEY=VALUE",
        help="a keyword argument, its value as an ARG; may be given several times",
    )
    parser.add_argument(
        "--kwargs",
        type=arguments.json_object,
        default={},
        metavar="JSON",
        help="keyword arguments, as a JSON object",
    )
    parser.add_argument(
        "--task-list",
        type=arguments.task_list,
        metavar="LIST",
        help="where to schedule it (default: the type's default task list)",
    )
    parser.add_argument(
        "--timeout",
        type=arguments.seconds,
        default=3600,
        metavar="SECONDS",
        help="how long the whole call may take (default: 3600)",
    )


def _call(given: argparse.Namespace) -> ExitCode:
    kwargs: dict[str, Any] = dict(given.kwargs)
    for key, value in given.kw:
        if key in kwargs:
            print(f"flowy: The keyword argument {key!r} is given twice.", file=sys.stderr)
            return ExitCode.USAGE
        kwargs[key] = value
    with terminable():
        value = call_activity(
            given.domain,
            given.name,
            given.version,
            *given.args,
            kwargs=kwargs,
            task_list=given.task_list,
            timeout=given.timeout,
        )
    print(json.dumps(value))
    return ExitCode.FINE
