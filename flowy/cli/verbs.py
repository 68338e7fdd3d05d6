"""What verbs have in common: examples, ``--log-level``, and options that several of them take."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from . import arguments
from .logs import LOG_FORMATS
from .parser import Parser

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[Parser]

LOG_LEVELS = ("debug", "info", "warning", "error")


def add_verb(
    verbs: Verbs,
    name: str,
    summary: str,
    description: str,
    examples: str,
    *,
    log_level: str = "warning",
) -> Parser:
    """Add a verb with the options of all verbs: ``--help`` with examples, and those of logging.

    Args:
        verbs: the verbs that it joins.
        name: what is typed.
        summary: its line in the list of verbs.
        description: what it does.
        examples: command lines, each with a comment if it needs one; tests parse them.
        log_level: the level without ``--log-level``.
    """
    parser = _add_parser(verbs, name, summary, description, examples)
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default=log_level,
        help=f"log to standard error at this level and above (default: {log_level})",
    )
    parser.add_argument(
        "--log-format",
        choices=LOG_FORMATS,
        default="text",
        help="log as text, or as JSON, which needs python-json-logger (default: text)",
    )
    return parser


def add_group(verbs: Verbs, name: str, summary: str, description: str, examples: str) -> Verbs:
    """Add a verb that has verbs of its own, and return those; the arguments are ``add_verb``'s."""
    parser = _add_parser(verbs, name, summary, description, examples)
    return parser.add_subparsers(title="verbs", metavar="VERB", required=True)


def _add_parser(verbs: Verbs, name: str, summary: str, description: str, examples: str) -> Parser:
    return verbs.add_parser(name, help=summary, description=description, epilog=epilog_of(examples))


def epilog_of(examples: str) -> str:
    """Return the examples as ``--help`` shows them."""
    return "\n".join(["examples:", *(f"  {line}" for line in examples.strip().splitlines())])


def add_domain(
    parser: Parser, *, help: str = "the SWF domain", required: bool = False, **options: Any
) -> None:
    """Add ``--domain``, which ``FLOWY_DOMAIN`` gives too."""
    parser.add_with_variable(
        "--domain",
        "FLOWY_DOMAIN",
        required=required,
        help=help,
        type=arguments.domain,
        metavar="DOMAIN",
        **options,
    )


def add_task_list(parser: Parser, *, help: str) -> None:
    """Add ``--task-list``, which ``FLOWY_TASK_LIST`` gives too."""
    parser.add_with_variable(
        "--task-list", "FLOWY_TASK_LIST", help=help, type=arguments.task_list, metavar="LIST"
    )


def add_store(parser: Parser, *, required: bool) -> None:
    """Add ``--store``, which ``FLOWY_STORE`` gives too, and ``--allow-group``."""
    parser.add_with_variable(
        "--store",
        "FLOWY_STORE",
        required=required,
        help="file of the token store",
        type=arguments.file,
        metavar="FILE",
    )
    parser.add_argument(
        "--allow-group",
        action="store_true",
        help="accept a file that root owns, or that a group of this process can read and write, as "
        "with Kubernetes' fsGroup (default: only a file of this user alone)",
    )


def add_packages(parser: argparse.ArgumentParser) -> None:
    """Add the packages to scan, and what to skip in them."""
    parser.add_argument(
        "packages",
        nargs="+",
        type=arguments.dotted_name,
        metavar="PACKAGE",
        help="what to scan: the dotted name of a module, or of a package with all its modules",
    )
    parser.add_argument(
        "--ignore",
        action="append",
        metavar="NAME",
        help="do not scan this module or package; a leading dot means below a PACKAGE; repeat "
        "for more",
    )
