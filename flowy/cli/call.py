"""``flowy call``: let a worker run one activity."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ..concurrency.signals import terminable
from ..swf.calling import call_activity
from . import arguments
from .exit_codes import ExitCode
from .terminal import json_text
from .verbs import add_verb

if TYPE_CHECKING:
    from .verbs import Verbs

_CALL = """\
Call one activity, wait until a worker has run it, and print its result as JSON.

  flowy call --domain shop charge 1 7                 an ARG is JSON if possible: the number 7
  flowy call --domain shop charge 1 '"7"'             the text 7
  flowy call --domain shop charge 1 '{"order": 7}' now
  flowy call --domain shop charge 1 7 --kw currency=EUR --kw dry_run=true
  flowy call --domain shop charge 1 --kwargs '{"order": 7}'
  flowy call --domain shop --timeout 60 -- charge 1 -x        after --, everything is an ARG

The call starts a workflow execution of its own and ends with it. Ctrl-C or SIGTERM cancels the
activity; a second one terminates the execution at once. If the activity fails, its reason and
details go to standard error.
"""


def add_verbs(verbs: Verbs) -> None:
    """Add ``call``."""
    parser = add_verb(verbs, "call", "call one activity and print its result", _CALL)
    parser.set_defaults(run=_call)
    parser.add_argument("name", type=arguments.type_name, metavar="NAME", help="name of the type")
    parser.add_argument(
        "version", type=arguments.type_version, metavar="VERSION", help="version of the type"
    )
    parser.add_argument(
        "args",
        nargs="*",
        type=arguments.json_or_text,
        metavar="ARG",
        help="positional argument: read as JSON if possible, else as text",
    )
    parser.add_argument("--domain", required=True, type=arguments.domain, help="the SWF domain")
    _add_keyword_arguments(parser)
    parser.add_argument(
        "--task-list",
        type=arguments.task_list,
        metavar="LIST",
        help="schedule the activity here (default: the default task list of its type)",
    )
    parser.add_argument(
        "--timeout",
        type=arguments.seconds,
        default=3600,
        metavar="SECONDS",
        help="cancel the activity after this time (default: 3600)",
    )


def _add_keyword_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--kw",
        action="append",
        default=[],
        type=arguments.key_and_value,
        metavar="KEY=VALUE",
        help="pass a keyword argument, its value read like an ARG; repeat for more",
    )
    parser.add_argument(
        "--kwargs",
        type=arguments.json_object,
        default={},
        metavar="JSON",
        help="pass keyword arguments, as a JSON object",
    )


def _call(given: argparse.Namespace) -> ExitCode:
    kwargs: dict[str, Any] = dict(given.kwargs)
    for key, value in given.kw:
        if key in kwargs:
            print(
                f"flowy: Cannot call: {key!r} is given twice. Give each keyword argument once.",
                file=sys.stderr,
            )
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
    print(json_text(value))
    return ExitCode.FINE
