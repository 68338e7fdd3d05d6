"""``flowy worker``: serve the activities of packages."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext, redirect_stdout
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any, get_args

from .._version import __version__
from ..concurrency.cli_signals import reporting, terminable
from ..concurrency.process_end import EXIT_SECONDS, end_now, end_within
from ..health import HealthOptions
from ..nouns import counted
from ..swf.boilerplate import run_worker
from ..swf.worker import StopReport, WorkerOptions
from ..swf.worker.serving_options import Choice
from . import arguments
from .check import KEYS, check
from .durations import add_duration, any_time
from .exit_codes import ExitCode
from .import_errors import import_from_here, importing, making_options
from .local_swf import DOMAIN, led_to_local_swf
from .logs import configure_logging, say_if_silenced
from .parser import UsageError
from .tables import add_json
from .verbs import add_domain, add_packages, add_task_list, add_verb
from .waiting import waiting

if TYPE_CHECKING:
    from .verbs import Verbs

#: The domain and the task list of a check without them: options must have both.
_NONE_YET = "none"

_DESCRIPTION = """\
Serve the activities of packages: poll a task list, and run the tasks that come.

The packages are imported with the current folder on Python's path. boto3 finds the AWS
credentials and the region as usual. To use an SWF on this machine, paste the lines of `flowy local`
into the shell, or give --local, which uses a running local SWF or starts one.

After Ctrl-C, SIGTERM or SIGHUP, the worker waits for running activities, for its open polls (up to
60 s) and for the tasks that they bring. A second signal ends the grace: heartbeat() returns False,
and --on-stop says what happens to tasks that still run 2 s later. After a third signal, the worker
waits for nothing. The exit code is 8 if it left a task open; the last log line says which.
"""

_EXAMPLES = """\
flowy worker --domain shop --task-list orders shop.activities
flowy worker --domain shop --task-list orders shop --ignore shop.tests
flowy worker --domain shop --task-list orders shop --no-register --log-level warning
flowy worker --domain shop --task-list orders shop --loop 0    # only register the types
flowy worker --local --task-list orders shop.activities        # without AWS
flowy worker --check shop                    # show what would be served
flowy worker --check --domain shop shop      # compare it with SWF, register nothing
flowy worker --check --json shop             # for programs
flowy worker --domain shop --task-list orders shop --concurrency 50 --processes 2 --grace 30s
flowy worker --domain shop --task-list orders shop --middleware shop.errors:REPORTER
flowy worker --domain shop --task-list orders shop --http 8080    # serve /live, /ready, /status
"""


def add_verbs(verbs: Verbs) -> None:
    """Add ``worker``."""
    parser = add_verb(
        verbs, "worker", "serve activities", _DESCRIPTION, _EXAMPLES, log_level="info"
    )
    parser.set_defaults(run=_worker)
    add_packages(parser)
    add_domain(parser, help="the SWF domain, which must exist (required, except with --local)")
    add_task_list(parser, help="the task list to poll (required)")
    parser.add_argument(
        "--local",
        action="store_true",
        help="use a running local SWF, or start one that ends with this worker; register the "
        f"domain if it is missing (default: {DOMAIN})",
    )
    _add_check(parser)
    parser.add_argument(
        "--no-register",
        action="store_true",
        help="neither register the activity types nor compare them with those that SWF has",
    )
    parser.add_argument(
        "--loop",
        type=arguments.poll_count,
        default=-1,
        metavar="N",
        help="end after N polls; 0 only registers the types, -1 runs until stopped (default)",
    )
    for option in (*_options(), *fields(HealthOptions)):
        add_option(parser, option)


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check",
        action="store_true",
        help="scan, show what the worker would serve, and end; with --domain, also compare it with "
        "SWF, if SWF can be reached",
    )
    add_json(parser, KEYS, table="the table of --check")


def _options() -> Iterator[Field[Any]]:
    """Yield the options of a worker that the command line takes as they are declared."""
    for option in fields(WorkerOptions):
        if option.metadata.get("kind"):
            yield option


def add_option(parser: argparse.ArgumentParser, option: Field[Any]) -> None:
    """Add an option of ``WorkerOptions`` or ``HealthOptions`` as it is declared."""
    flag = option.metadata["flag"] or f"--{option.name.replace('_', '-')}"
    help_text = option.metadata["help"].rstrip(".")
    shown: dict[str, Any] = {"help": help_text, "default": option.default}
    kind = option.metadata["kind"]
    if kind == "seconds":
        add_duration(parser, flag, any_time, help_text, default=option.default)
        return
    if kind == "text":
        shown["metavar"] = option.metadata["metavar"]
    elif kind == "choice":
        shown["choices"] = get_args(Choice)
    elif kind == "objects":
        flag = {"observers": "--observer", "codecs": "--codec"}.get(option.name, flag)
        shown |= {"action": "append", "default": [], "dest": option.name}
        shown |= {"type": arguments.object_path, "metavar": option.metadata["metavar"]}
        shown["help"] += "; repeat for more"
    elif kind == "number":
        shown |= {"type": arguments.number, "metavar": option.metadata["metavar"]}
    elif kind == "flag":
        shown = {"help": help_text, "action": "store_true"}
    else:
        shown |= {"type": arguments.count, "metavar": option.metadata["metavar"]}
    if kind not in ("objects", "flag") and option.default is not None:
        shown["help"] += f" (default: {option.default})"
    parser.add_argument(flag, **shown)


def _worker(given: argparse.Namespace) -> ExitCode:
    if given.local:
        given.domain = given.domain or DOMAIN
    _refuse_unusable(given)
    here = import_from_here()
    # The worker handles signals later; until then, a process with the id 1 would ignore them.
    local = led_to_local_swf(given.domain) if given.local else nullcontext()
    with reporting(_print_stacks), terminable(last=given.ends_process), local:
        # What modules print when they are imported is not part of the JSON.
        with redirect_stdout(sys.stderr if given.json else sys.stdout):
            options = _options_of(given)
            with importing(given.packages, here):
                activities = options.implementations() if given.check else options.load()
        say_if_silenced()
        if given.check:
            return check(activities, given.domain, as_json=given.json)
        report = run_worker(
            options,
            activities=activities,
            registering=waiting(f"Registering {counted(len(activities), 'activity type')}"),
            leave=_leave,
            initialize=functools.partial(_initialize, here, given.log_level, given.log_format),
            last=given.ends_process,
        )
    code = _code_of(report)
    if given.ends_process:
        end_within(EXIT_SECONDS, code)  # activities may have left threads and exit hooks behind
    return code


def _print_stacks() -> None:
    """Write the stacks of a command that has not started its worker to standard error."""
    from ..health.stacks import print_state  # needs asyncio

    status = {"version": __version__, "pid": os.getpid(), "phase": "starting"}
    print_state(lambda: status, None)


def _refuse_unusable(given: argparse.Namespace) -> None:
    """Raise a UsageError if the options do not fit together."""
    if given.check:
        return
    if given.json:
        raise UsageError("Cannot use --json: a worker prints no table. Give --check too.")
    needed = {"--domain": given.domain, "--task-list": given.task_list}
    missing = ", ".join(flag for flag, value in needed.items() if value is None)
    if missing:
        raise UsageError(f"Cannot start a worker: options are required: {missing}.")


@making_options()
def _options_of(given: argparse.Namespace) -> WorkerOptions:
    values = {option.name: getattr(given, option.name) for option in _options()}
    return WorkerOptions(
        given.domain or _NONE_YET,
        given.task_list or _NONE_YET,
        reg_remote=not given.no_register,
        loop=given.loop,
        package=given.packages,
        ignore=given.ignore,
        health=health_of(given),
        **values,
    )


def health_of(given: argparse.Namespace) -> HealthOptions | None:
    """Return how the health is to be shown; None if nobody asks for it, systemd included."""
    if given.http is None and given.health_file is None and not os.environ.get("NOTIFY_SOCKET"):
        return None
    return HealthOptions(
        http=given.http,
        file=given.health_file,
        max_block=given.max_block,
        max_silence=given.max_silence,
    )


def _code_of(report: StopReport) -> ExitCode:
    return ExitCode.FINE if report.clean else ExitCode.LEFT_OVER


def _leave(report: StopReport) -> None:
    """End the process although its main thread hangs in an activity."""
    end_now(_code_of(report))


def _initialize(here: str, log_level: str, log_format: str) -> None:
    """Give a worker process the path and the logging of this one."""
    sys.path.insert(0, here)
    configure_logging(log_level, log_format)
