"""``flowy types``: list the activity types and workflow types of a domain, and deprecate them.

``flowy types schema`` is in ``type_schemas``.

A type never changes at SWF. A new version takes the place of an old one, and nothing new can be
scheduled of the old one when it is deprecated.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..exception import UnknownResourceError
from ..swf.client import SWFClient
from ..swf.client.registration_calls import STATUSES
from ..swf.values import RegisteredType
from . import arguments
from .changes import Change, add_change_options, carry_out
from .exit_codes import ExitCode
from .moments import table_time
from .reach import swf_of
from .tables import add_json, print_json, print_table
from .type_schemas import add_schema
from .verbs import add_domain, add_group, add_verb
from .waiting import waiting

if TYPE_CHECKING:
    from .verbs import Verbs

_TYPES = """\
List, deprecate and undeprecate the activity types and workflow types of a domain, or print what the
activities of a package take and return.
"""

_TYPES_EXAMPLES = """\
flowy types list --domain shop
flowy types deprecate --domain shop charge 1
flowy types undeprecate --domain shop charge 1
flowy types schema shop.activities
"""

_LIST = """\
List activity types and workflow types, by kind, name and version.
"""

_LIST_EXAMPLES = """\
flowy types list --domain shop
flowy types list --domain shop --kind activity --status registered
flowy types list --domain shop --name charge --json
"""

_DEPRECATE = """\
Deprecate all versions of a type, or the given ones.

A deprecated type cannot be scheduled or started; open tasks and executions go on. `flowy types
undeprecate` undoes it. You are asked first, unless you give --yes.
"""

_UNDEPRECATE = """\
Undeprecate all versions of a type, or the given ones, so that they can be used again.

You are asked first, unless you give --yes.
"""

#: Examples of the two verbs that change types.
_CHANGE_EXAMPLES = """\
flowy types {verb} --domain shop charge 1
flowy types {verb} --domain shop charge --dry-run       # all versions
flowy types {verb} --domain shop charge --except 3      # all versions but this one
flowy types {verb} --domain shop --kind workflow order 1 2 --yes
"""

_KINDS = ("activity", "workflow")

_HEADINGS = ("KIND", "NAME", "VERSION", "STATUS", "CREATED", "DEPRECATED", "DESCRIPTION")

#: The keys of a type in ``--json``; programs rely on them.
KEYS = (
    "domain",
    "kind",
    "name",
    "version",
    "status",
    "description",
    "created_at",
    "deprecated_at",
)


def add_verbs(verbs: Verbs) -> None:
    """Add the verb ``types`` with verbs of its own."""
    group = add_group(verbs, "types", "list, deprecate and describe types", _TYPES, _TYPES_EXAMPLES)
    _add_list(group)
    for verb, summary, description in (
        ("deprecate", "stop new uses of a type", _DEPRECATE),
        ("undeprecate", "allow new uses of a deprecated type", _UNDEPRECATE),
    ):
        _add_change(group, verb, summary, description)
    add_schema(group)


def _add_list(verbs: Verbs) -> None:
    parser = add_verb(verbs, "list", "list types", _LIST, _LIST_EXAMPLES)
    parser.set_defaults(run=_list)
    add_domain(parser, required=True)
    parser.add_argument("--kind", choices=_KINDS, help="types of this kind (default: both)")
    statuses = [status.lower() for status in STATUSES]
    parser.add_argument("--status", choices=statuses, help="types with this status (default: both)")
    parser.add_argument(
        "--name", type=arguments.type_name, metavar="NAME", help="versions of this type"
    )
    add_json(parser, KEYS)


def _add_change(verbs: Verbs, verb: str, summary: str, description: str) -> None:
    examples = _CHANGE_EXAMPLES.format(verb=verb)
    parser = add_verb(verbs, verb, summary, description, examples)
    parser.set_defaults(run=_change, verb=verb)
    parser.add_argument("name", type=arguments.type_name, metavar="NAME", help="name of the type")
    parser.add_argument(
        "versions",
        nargs="*",
        type=arguments.type_version,
        metavar="VERSION",
        help="versions (default: all)",
    )
    add_domain(parser, required=True)
    parser.add_argument(
        "--kind", choices=_KINDS, default="activity", help="kind of the type (default: activity)"
    )
    parser.add_argument(
        "--except",
        dest="spared",
        action="append",
        default=[],
        type=arguments.type_version,
        metavar="VERSION",
        help="leave this version as it is; repeat for more",
    )
    add_change_options(parser)
    add_json(parser, (*KEYS, "change"))


def _list(given: argparse.Namespace) -> ExitCode:
    with swf_of(given.domain) as client, waiting("Reading types"):
        found = sorted(
            _types(
                client,
                given.domain,
                given.kind,
                status=given.status and given.status.upper(),
                name=given.name,
            ),
            key=lambda each: (each.kind, each.name, each.version),
        )
    if given.json:
        print_json(_shown(given.domain, each) for each in found)
    else:
        print_table(_HEADINGS, map(_row, found))
    return ExitCode.FINE


def _change(given: argparse.Namespace) -> ExitCode:
    deprecate = given.verb == "deprecate"
    with swf_of(given.domain) as client:
        change = Change[RegisteredType](
            verb=given.verb.capitalize(),
            done=f"{given.verb.capitalize()}d",
            not_needed="needed no change",
            nothing=f"these versions are {'' if deprecate else 'not '}deprecated",
            nouns=(f"{given.kind} type", f"{given.kind} types"),
            call=lambda type_: _call(client, given, type_),
            headings=_HEADINGS,
            row=_row,
            shown=lambda type_: _shown(given.domain, type_),
        )
        with waiting("Reading types"):
            types = [each for each in _wanted(client, given) if each.deprecated is not deprecate]
        return carry_out(change, types, given)


def _call(client: SWFClient, given: argparse.Namespace, type_: RegisteredType) -> None:
    calls = {
        ("deprecate", "activity"): client.deprecate_activity_type,
        ("deprecate", "workflow"): client.deprecate_workflow_type,
        ("undeprecate", "activity"): client.undeprecate_activity_type,
        ("undeprecate", "workflow"): client.undeprecate_workflow_type,
    }
    calls[given.verb, type_.kind](given.domain, type_.name, type_.version)


def _wanted(client: SWFClient, given: argparse.Namespace) -> list[RegisteredType]:
    """Return the versions that were asked for.

    Raises:
        UnknownResourceError: SWF does not have the type, or not one of the versions; nothing is to
            be changed then.
    """
    found = list(_types(client, given.domain, given.kind, name=given.name))
    versions = sorted(each.version for each in found)
    unknown = [version for version in given.versions if version not in versions]
    if unknown or not found:
        known = f"SWF has {', '.join(versions)}" if found else "SWF has none"
        raise UnknownResourceError(
            f"Cannot find {given.kind} type {given.name} {', '.join(unknown)}".rstrip()
            + f" in domain {given.domain!r}: {known}. Nothing was changed. `flowy types list` "
            "shows all types.",
            fault="UnknownResourceFault",
        )
    return [
        each
        for each in found
        if each.version in (given.versions or versions) and each.version not in given.spared
    ]


def _types(
    client: SWFClient, domain: str, kind: str | None, **wanted: Any
) -> Iterator[RegisteredType]:
    if kind in (None, "activity"):
        yield from client.list_activity_types(domain, **wanted)
    if kind in (None, "workflow"):
        yield from client.list_workflow_types(domain, **wanted)


def _shown(domain: str, type_: RegisteredType) -> dict[str, Any]:
    return {
        "domain": domain,
        "kind": type_.kind,
        "name": type_.name,
        "version": type_.version,
        "status": "deprecated" if type_.deprecated else "registered",
        "description": type_.description,
        "created_at": type_.created_at,
        "deprecated_at": type_.deprecated_at,
    }


def _row(type_: RegisteredType) -> tuple[str, ...]:
    return (
        type_.kind,
        type_.name,
        type_.version,
        "deprecated" if type_.deprecated else "registered",
        table_time(type_.created_at),
        table_time(type_.deprecated_at),
        type_.description or "",
    )
