"""``flowy``: one command, its verbs, and what becomes of an error.

A mistake in the command line, the set-up or the way to SWF is one line on standard error and an
exit code; a traceback means a bug, Flowy's or that of the module that was to be served.
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
from . import laptop, remote, tokens
from .exit_codes import ExitCode, exit_code_of, exit_code_table
from .logs import configure_logging

_DESCRIPTION = """\
Serve and call the activities of Amazon SWF workflows.

  flowy demo                                              see it work, without AWS
  flowy local                                             an SWF on this machine
  flowy worker --domain shop --task-list orders shop.activities
  flowy call --domain shop charge 1 '{"order": 7}'
  flowy tokens list --store tokens.db                     what waits for people

flowy VERB --help shows more, by example.
"""

Run = Callable[[argparse.Namespace], ExitCode]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (None: that of the process) and return its exit code."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as done:  # argparse has written the help, or what is wrong
        return int(done.code or 0)
    configure_logging(arguments.log_level)
    try:
        return _answered(arguments.run, arguments)
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does; Python would complain once more when
        # it flushes standard output at exit.
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR


def _answered(run: Run, arguments: argparse.Namespace) -> ExitCode:
    try:
        code = run(arguments)
        sys.stdout.flush()
        return code
    except CallError as error:
        _say(str(error))
        if error.details:
            print(_harmless(error.details.rstrip()), file=sys.stderr)
        return exit_code_of(error)
    except FlowyError as error:
        _say(str(error))
        return exit_code_of(error)
    except KeyboardInterrupt:
        _say("Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit as done:
        # Its code is none of the table's: 0 would say that a worker had been asked to stop.
        _say(f"An activity, or what it imports, ended the process: SystemExit({done.code!r}).")
        return ExitCode.ERROR
    except Exception:
        traceback.print_exc()
        return ExitCode.ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flowy",
        description=_DESCRIPTION,
        epilog=exit_code_table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"flowy {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for group in (remote, laptop, tokens):
        group.add_verbs(verbs)
    return parser


def _say(text: str) -> None:
    print(f"flowy: {_harmless(text)}", file=sys.stderr)


def _harmless(text: str) -> str:
    """Return *text* without what a terminal would obey: it may come from any activity."""
    return "".join(
        character
        if character.isprintable() or character in "\n\t"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
