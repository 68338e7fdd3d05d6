"""``flowy types schema``: what the activities of packages take and return, as JSON Schema."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..exception import ScanError
from ..swf.scanner import Scanner
from ..swf.values import ActivityImplementation
from . import arguments
from .exit_codes import ExitCode
from .import_errors import import_from_here, importing
from .parser import UsageError
from .verbs import add_packages, add_verb

if TYPE_CHECKING:
    from .verbs import Verbs

_SCHEMA = """\
Print the JSON Schema of what the activities of packages take and return.

The packages are imported with the current folder on Python's path; SWF is not called. With
--against, print only the changes that break callers: a removed type or argument, a new required
argument, an argument that takes fewer values, a result that may have more. The exit code is 3 if
there are any.
"""

_EXAMPLES = """\
flowy types schema shop.activities > types.json
flowy types schema shop.activities --against types.json
"""


def add_schema(verbs: Verbs) -> None:
    """Add ``schema`` to the verbs of ``types``."""
    summary = "print the JSON Schema of activities"
    parser = add_verb(verbs, "schema", summary, _SCHEMA, _EXAMPLES)
    parser.set_defaults(run=_schema)
    add_packages(parser)
    parser.add_argument(
        "--against",
        type=arguments.file,
        metavar="FILE",
        help="print the changes since this file that break callers",
    )


def _schema(given: argparse.Namespace) -> ExitCode:
    old = None if given.against is None else _read(given.against)
    # What modules print when they are imported is not part of the JSON.
    with importing(given.packages, import_from_here()), redirect_stdout(sys.stderr):
        found = Scanner(given.packages, given.ignore).scan()
    new = [_described(found[type_]) for type_ in sorted(found)]
    if old is None:
        print(json.dumps(new, indent=2))
        return ExitCode.FINE
    return _compared(old, new, given.against)


def _described(activity: ActivityImplementation) -> dict[str, Any]:
    from ..convert.schema import schemas_of

    try:
        taken, returned = schemas_of(activity.factory, activity.converter)  # type: ignore[arg-type]
    except Exception as error:
        raise ScanError(
            f"Cannot describe {activity.class_name} at {activity.place}: {error}"
        ) from error
    name, version = activity.type
    return {"name": name, "version": version, "arguments": taken, "result": returned}


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"Cannot compare with {file}: {error}.") from None


def _compared(old: Any, new: Any, file: Path) -> ExitCode:
    from ..convert.compatibility import breaking_changes

    try:
        breaks = breaking_changes(old, new)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UsageError(
            f"Cannot compare with {file}: `flowy types schema` has not printed it."
        ) from None
    for each in breaks:
        print(each)
    if not breaks:
        print("Nothing breaks callers.")
    return ExitCode.REFUSED if breaks else ExitCode.FINE
