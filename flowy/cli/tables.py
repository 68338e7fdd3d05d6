"""Tables for people and JSON for programs: what a verb lists is printed as one of them."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from ..tables import table_lines
from .colours import coloured_cell, has_colours
from .terminal import json_text


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
