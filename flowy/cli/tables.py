"""Tables for people and JSON for programs: what a verb lists is printed as one of them."""

from __future__ import annotations

import argparse
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .terminal import json_text, printable

#: A column that has to give way is still this wide, in columns of the terminal.
MIN_COLUMNS = 8

_GAP, _CUT = "  ", "..."


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
        help=f"print a JSON list instead of {table}, of objects with the keys {', '.join(keys)}",
    )


def print_json(objects: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON document: a list of objects, one on a line."""
    lines = ",\n ".join(json_text(dict(each)) for each in objects)
    print(f"[{lines}]")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; on a terminal it fits the width, else no value is cut."""
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    for line in table_lines(headings, rows, columns):
        print(line)


def table_lines(
    headings: Sequence[str], rows: Iterable[Sequence[str]], columns: int | None = None
) -> Iterator[str]:
    """Yield the lines of a table, headings first.

    Args:
        headings: one for each column.
        rows: the cells, which are made safe to print.
        columns: the width that the table should fit; long cells lose their middle. None cuts none.
    """
    cells = [tuple(headings), *(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(_columns, column)) for column in zip(*cells, strict=True)]
    if columns is not None:
        room = columns - len(_GAP) * (len(widths) - 1)
        most = next(
            (most for most in range(room, MIN_COLUMNS, -1) if _narrowed(widths, most) <= room),
            MIN_COLUMNS,
        )
        widths = [min(width, most) for width in widths]
    for row in cells:
        fitting = (_cut(cell, width) for cell, width in zip(row, widths, strict=True))
        padded = (
            cell + " " * (width - _columns(cell))
            for cell, width in zip(fitting, widths, strict=True)
        )
        yield _GAP.join(padded).rstrip()


def _narrowed(widths: Iterable[int], most: int) -> int:
    return sum(min(width, most) for width in widths)


def _columns(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 1 + (unicodedata.east_asian_width(each) in "WF")
        for each in text
    )


def _cut(text: str, columns: int) -> str:
    """Return *text* without its middle if it takes more columns."""
    if _columns(text) <= columns:
        return text
    end = (columns - len(_CUT)) // 2
    start = columns - len(_CUT) - end
    return f"{_beginning(text, start)}{_CUT}{_beginning(text[::-1], end)[::-1]}"


def _beginning(text: str, columns: int) -> str:
    taken = ""
    for each in text:
        if _columns(taken + each) > columns:
            break
        taken += each
    return taken
