"""``flowy call``: run one activity on a worker, without a workflow of the caller's own."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, TextIO

from ..concurrency.cli_signals import terminable
from ..swf.calling import CallOptions, call_with, start_with
from ..task import Activity
from . import arguments
from .codec_options import imported_here
from .durations import add_duration, timeout
from .exit_codes import ExitCode
from .parser import UsageError
from .terminal import json_text
from .verbs import add_domain, add_task_list, add_verb
from .waiting import waiting

if TYPE_CHECKING:
    from .verbs import Verbs

_CALL = """\
Call one activity, wait until a worker has run it, and print its result as JSON.

The call starts its own workflow execution and ends with it. Ctrl-C or SIGTERM cancels the
activity; a second one terminates the execution at once. If the activity fails, its reason and
details go to standard error.
"""

_EXAMPLES = """\
flowy call --domain shop charge 1 7          # an ARG is JSON if possible: the number 7
flowy call --domain shop charge 1 '"7"'      # the text 7
flowy call --domain shop charge 1 '{"order": 7}' now
flowy call --domain shop charge 1 7 --kw currency=EUR --kw dry_run=true
flowy call --domain shop charge 1 --kwargs '{"order": 7}'
flowy call --domain shop charge 1 - < arguments.json    # a list of ARGs, or an object as --kwargs
flowy call --domain shop --no-wait charge 1 7           # print the ids of its execution, and end
flowy call --domain shop --class shop.activities:Charge charge 1 7    # with its codecs and format
flowy call --domain shop --timeout 5m -- charge 1 -x    # after --, everything is an ARG
"""


def add_verbs(verbs: Verbs) -> None:
    """Add ``call``."""
    parser = add_verb(verbs, "call", "call one activity and print its result", _CALL, _EXAMPLES)
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
        help="positional argument: read as JSON if possible, else as text; a single - reads all "
        "from standard input, as a JSON list or object",
    )
    add_domain(parser, required=True)
    _add_keyword_arguments(parser)
    add_task_list(
        parser, help="schedule the activity here (default: the default task list of its type)"
    )
    parser.add_argument(
        "--class",
        dest="activity",
        type=arguments.object_path,
        metavar="MODULE:CLASS",
        help="use the format, codecs and store of this class. On the command line, values are "
        "still JSON, and are not converted",
    )
    add_duration(parser, "--timeout", timeout, "cancel the activity after this time", default=3600)
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="print the workflow id and the run id as JSON, and do not wait for the end",
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
    args, kwargs = _arguments_of(given)
    options = {"kwargs": kwargs, "task_list": given.task_list, "timeout": given.timeout}
    written_by, args = _class_of(given.activity), [given.version, *args]
    with terminable():
        try:
            with waiting(f"Waiting for {given.name} {given.version}"):
                if given.no_wait:
                    ids = start_with(given.domain, given.name, args, options, written_by)
                    value: Any = dict(zip(("workflow_id", "run_id"), ids, strict=True))
                else:
                    value = call_with(
                        given.domain, given.name, args, options, CallOptions(), written_by
                    )
        except TypeError as error:
            if given.activity is None:
                raise
            raise UsageError(str(error)) from None
    print(json_text(value))
    return ExitCode.FINE


def _class_of(path: str | None) -> type[Activity]:
    """Return the class that an option names; ``Activity`` if it names none."""
    if path is None:
        return Activity
    (found,) = imported_here([path])
    if not (isinstance(found, type) and issubclass(found, Activity)):
        raise UsageError(f"Cannot call by {path}: it is not a class of activities.")
    return found


def _arguments_of(given: argparse.Namespace) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of the activity, by position and by keyword.

    Raises:
        UsageError: they cannot be read, or a keyword argument is given twice.
    """
    args: list[Any] = list(given.args)
    read: dict[str, Any] = {}
    if args == ["-"]:
        args, read = _arguments_from(sys.stdin)
    kwargs: dict[str, Any] = {}
    for key, value in [*given.kwargs.items(), *read.items(), *given.kw]:
        if key in kwargs:
            raise UsageError(
                f"Cannot call: {key!r} is given twice. Give each keyword argument once."
            )
        kwargs[key] = value
    return args, kwargs


def _arguments_from(source: TextIO) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments that a JSON text has.

    Raises:
        UsageError: it is not a JSON list or object.
    """
    try:
        value = arguments.json_or_text(source.read())
    except UnicodeDecodeError as error:
        raise UsageError(f"Cannot call: standard input is not text: {error}.") from None
    if isinstance(value, list):
        return value, {}
    if isinstance(value, dict):
        return [], value
    raise UsageError(
        "Cannot call: standard input has no JSON list of arguments, nor a JSON object of keyword "
        "arguments. Write one of them."
    )
