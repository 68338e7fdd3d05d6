"""The ``flowy`` command: it parses the command line, runs a verb, and reports errors.

A mistake in the command line or the set-up, or an SWF out of reach, is one line on standard error
and an exit code. A traceback means a bug, in Flowy or in the module that a worker serves.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .._version import __version__
from ..exception import CallError, FlowyError
from .exit_codes import ExitCode, exit_code_of, exit_code_table
from .logs import configure_logging
from .parser import Parser, UsageError
from .terminal import say
from .verbs import epilog_of
from .wording import in_options

if TYPE_CHECKING:
    from .verbs import Verbs

_DESCRIPTION = "Serve and call the activities of Amazon SWF workflows."

_EXAMPLES = """\
flowy demo                               # see it work, without AWS
flowy local                              # run an SWF on this machine
flowy worker --domain shop --task-list orders shop.activities
flowy call --domain shop charge 1 '{"order": 7}'
flowy executions list --domain shop      # see what runs and what has ended
flowy replay --domain shop --workflow-id order-7 shop.activities    # run a task again, here
flowy types list --domain shop           # see what is registered
flowy decode result.json --codec shop.keys:CODECS    # see what is encrypted
flowy tokens list --store tokens.db      # see what waits for people
flowy status --url http://127.0.0.1:8080    # see what a worker does
flowy worker --help                      # each verb shows examples of its own
"""

#: The module of each verb but ``completion``, which needs all of them; in the order of the help.
MODULES = {
    "worker": "worker",
    "call": "call",
    "demo": "laptop",
    "local": "laptop",
    "executions": "executions",
    "replay": "replay",
    "types": "registered_types",
    "tokens": "tokens",
    "decode": "values",
    "claims": "values",
    "health": "health",
    "status": "health",
}

#: Numbers of the errors by which a write fails that is not to a pipe.
_LOST_OUTPUT = frozenset({errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC})

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
    if sys.stdout is None:  # it was closed before the start
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may know only ASCII
    try:
        code = _parsed_and_run(argv, ends_process)
    except KeyboardInterrupt:
        say("Interrupted.")
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, for example `head`
        code = ExitCode.ERROR
    return _written(code)


def _parsed_and_run(argv: Sequence[str] | None, ends_process: bool) -> int:
    argv = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser_for(argv).parse_args(argv)
    except SystemExit as done:  # argparse has printed the help or the error
        return int(done.code or 0)
    arguments.ends_process = ends_process
    try:
        configure_logging(arguments.log_level, arguments.log_format)
    except ImportError as error:
        say(str(error))
        return ExitCode.REFUSED
    return _answered(arguments.run, arguments)


def _answered(run: Run, arguments: argparse.Namespace) -> ExitCode:
    try:
        return run(arguments)
    except UsageError as error:
        say(str(error))
        return error.code
    except CallError as error:
        say(str(error))
        if error.details:
            say(error.details.rstrip(), prefix="")
        return exit_code_of(error)
    except FlowyError as error:
        say(in_options(str(error)))
        return exit_code_of(error)
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno not in _LOST_OUTPUT or error.filename is not None:
            traceback.print_exc()
        else:  # standard output has no buffer, as with PYTHONUNBUFFERED in a container
            say(f"Cannot write the output: {error.strerror}.")
        return ExitCode.ERROR
    except SystemExit as done:
        # Do not exit with the activity's code: 0 would mean that the worker was asked to stop.
        say(f"An activity, or what it imports, ended the process: SystemExit({done.code!r}).")
        return ExitCode.ERROR
    except Exception:
        traceback.print_exc()
        return ExitCode.ERROR


def _written(code: int) -> int:
    """Write what is still buffered, and return the exit code: ``ERROR`` if output is lost."""
    for stream in (sys.stdout, sys.stderr):
        try:
            # None: closed before the start; closed: an activity did that.
            if stream is not None and not stream.closed:
                stream.flush()
        except OSError as error:
            # Python would flush it again at exit, fail, and exit with a code of its own.
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if stream is sys.stdout:
                code = code or ExitCode.ERROR
                if not isinstance(error, BrokenPipeError):
                    say(f"Cannot write the output: {error.strerror}.")
    return code


def parser() -> Parser:
    """Return the parser of the whole command line."""
    from . import completion

    whole, verbs = _empty_parser()
    for name in dict.fromkeys(MODULES.values()):
        _add_verbs(name, verbs)
    completion.add_verbs(verbs, whole)
    return whole


def _parser_for(argv: Sequence[str]) -> Parser:
    """Return a parser that knows the verb of a command line.

    Without the modules of all other verbs, boto3 among them, many verbs take half the time, and a
    probe a tenth.
    """
    first = argv[0] if argv else ""
    if first not in MODULES and first != "--version":
        return parser()
    light, verbs = _empty_parser()
    if first in MODULES:
        _add_verbs(MODULES[first], verbs)
    return light


def _add_verbs(module: str, verbs: Verbs) -> None:
    importlib.import_module(f"{__package__}.{module}").add_verbs(verbs)


def _empty_parser() -> tuple[Parser, Verbs]:
    whole = Parser(
        prog="flowy",
        description=_DESCRIPTION,
        epilog=f"{epilog_of(_EXAMPLES)}\n\n{exit_code_table()}",
    )
    whole.add_argument("--version", action="version", version=f"flowy {__version__}")
    return whole, whole.add_subparsers(title="verbs", metavar="VERB", required=True)
