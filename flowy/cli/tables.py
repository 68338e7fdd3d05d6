"""Tables for people and JSON for programs: what a verb lists is printed as one of them."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TextIO, TypeVar

from ..tables import table_lines
from . import arguments
from .colours import coloured_cell, has_colours
from .terminal import json_text, say

T = TypeVar("T")

#: Things that are counted after those that are listed, at most: SWF returns 1,000 a call.
MAX_COUNTED = 5_000


def add_json(
    parser: argparse.ArgumentParser, keys: Sequence[str], *, table: str = "the table"
) -> None:
    """Add ``--json`` and document the keys of its objects, which must not change.

    Args:
        parser: the parser of a verb that prints a table without ``--json``.
        keys: the keys of each object, in their order.
        table: what the list stands for.
    """
    parser.add_argument(
        "--json",
        action="store_true",
        help=f"instead of {table}, print a JSON list of objects with the keys {', '.join(keys)}",
    )


def add_limit(parser: argparse.ArgumentParser, limit: int, nouns: str) -> None:
    """Add ``--limit``, which is *limit* by default."""
    parser.add_argument(
        "--limit",
        type=arguments.count,
        default=limit,
        metavar="N",
        help=f"list at most N {nouns} (default: {limit})",
    )


def cut(things: Iterator[T], limit: int) -> tuple[list[T], int]:
    """Return the first things, and how many more there are, for ``say_cut``."""
    return list(islice(things, limit)), sum(1 for _ in islice(things, MAX_COUNTED + 1))


def say_cut(listed: int, more: int, nouns: str) -> None:
    """Print a note below a list that does not have everything, with a count of it all.

    Args:
        listed: how many things the list has, the latest.
        more: how many it has not; more than ``MAX_COUNTED`` if they were not counted to the end.
        nouns: what they are, such as ``executions``.
    """
    total = f"{listed + more:,}"
    if more > MAX_COUNTED:
        total = f"more than {listed + MAX_COUNTED:,}"
    latest = "latest" if listed == 1 else f"latest {listed:,}"
    verb = "is" if listed == 1 else "are"
    say(f"Only the {latest} of {total} {nouns} {verb} listed. Give --limit, or more filters.")


def print_json(objects: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON document: a list of objects, one on a line."""
    lines = ",\n ".join(json_text(dict(each)) for each in objects)
    print(f"[{lines}]")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; on a terminal it fits the width and has colours, else no value is cut."""
    print_table_to(sys.stdout, headings, rows)


def print_table_to(stream: TextIO, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to a stream, as ``print_table`` does."""
    columns = shutil.get_terminal_size().columns if stream.isatty() else None
    options: dict[str, Any] = {"paint": coloured_cell} if has_colours(stream) else {}
    for line in table_lines(headings, rows, columns, **options):
        print(line, file=stream)
