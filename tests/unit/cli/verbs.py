"""All verbs of the command line, as its parser has them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from flowy.cli.command import parser
from flowy.cli.parser import Parser


def parsers(one: Parser | None = None) -> Iterator[tuple[tuple[str, ...], Parser]]:
    """Yield each verb with its parser: the whole command, groups and the verbs in them."""
    one = parser() if one is None else one
    yield tuple(one.prog.split()[1:]), one
    for action in one._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def parser_of(verb: tuple[str, ...]) -> Parser:
    """Return the parser of a verb."""
    return dict(parsers())[verb]


def options_of(verb: tuple[str, ...]) -> list[argparse.Action]:
    """Return the options and arguments of a verb."""
    return parser_of(verb)._actions


#: Each verb, groups and the whole command included.
VERBS = [verb for verb, _ in parsers()]
