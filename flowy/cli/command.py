"""The ``flowy`` command: it parses the command line, runs a verb, and reports errors.

A mistake in the command line or the set-up, or an SWF out of reach, is one line on standard error
and an exit code. A traceback means a bug, in Flowy or in the module that a worker serves.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

from .._version import __version__
from ..exception import CallError, FlowyError
from . import call, laptop, tokens, worker
from .exit_codes import ExitCode, exit_code_of, exit_code_table
from .logs import configure_logging
from .parser import Parser, UsageError
from .terminal import printable
from .verbs import epilog_of
from .wording import in_options

_DESCRIPTION = "Serve and call the activities of Amazon SWF workflows."

_EXAMPLES = """\
flowy demo                               # see it work, without AWS
flowy local                              # run an SWF on this machine
flowy worker --domain shop --task-list orders shop.activities
flowy call --domain shop charge 1 '{"order": 7}'
flowy tokens list --store tokens.db      # see what waits for people
flowy worker --help                      # each verb shows examples of its own
"""

#: Characters that messages and tracebacks need, although they are not printable.
_KEPT = "\n\t"

Run = Callable[[argparse.Namespace], ExitCode]


def run() -> int:
    """Run the command line of this process, which ends afterwards, and return its exit code."""
    return main(ends_process=True)


def main(argv: Sequence[str] | None = None, *, ends_process: bool = False) -> int:
    """Run a command line and return its exit code.

    Args:
        argv: the arguments after ``flowy``; None for those of the process.
        ends_process: whether the process ends afterwards: then stop signals are ignored once a
            worker has stopped, and nothing that activities left behind holds the process up.
    """
    try:
        arguments = parser().parse_args(argv)
        arguments.ends_process = ends_process
    except SystemExit as done:  # argparse has printed the help or the error
        return int(done.code or 0)
    configure_logging(arguments.log_level)
    try:
        return _answered(arguments.run, arguments)
    except BrokenPipeError:
        # The reader of our output has gone, for example `head`. Python would report that again
        # when it flushes standard output at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR


def _answered(run: Run, arguments: argparse.Namespace) -> ExitCode:
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except UsageError as error:
        _say(str(error))
        return ExitCode.USAGE
    except CallError as error:
        _say(str(error))
        if error.details:
            print(printable(error.details.rstrip(), kept=_KEPT), file=sys.stderr)
        return exit_code_of(error)
    except FlowyError as error:
        _say(in_options(str(error)))
        return exit_code_of(error)
    except KeyboardInterrupt:
        _say("Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit as done:
        # Do not exit with the activity's code: 0 would mean that the worker was asked to stop.
        _say(f"An activity, or what it imports, ended the process: SystemExit({done.code!r}).")
        return ExitCode.ERROR
    except Exception:
        traceback.print_exc()
        return ExitCode.ERROR


def parser() -> Parser:
    """Return the parser of the whole command line."""
    whole = Parser(
        prog="flowy",
        description=_DESCRIPTION,
        epilog=f"{epilog_of(_EXAMPLES)}\n\n{exit_code_table()}",
    )
    whole.add_argument("--version", action="version", version=f"flowy {__version__}")
    verbs = whole.add_subparsers(title="verbs", metavar="VERB", required=True)
    for group in (worker, call, laptop, tokens):
        group.add_verbs(verbs)
    return whole


def _say(text: str) -> None:
    print(f"flowy: {printable(text, kept=_KEPT)}", file=sys.stderr)
