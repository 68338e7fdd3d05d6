"""Lays out tables for people: columns that line up, and fit a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from .texts import printable

#: A column that has to give way is still this wide, in columns of the terminal.
MIN_COLUMNS = 8

_GAP, _CUT = "  ", "..."


def table_lines(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    columns: int | None = None,
    *,
    right: Collection[int] = (),
    paint: Callable[[int, str], str] = lambda _row, cell: cell,
) -> Iterator[str]:
    """Yield the lines of a table, headings first.

    Args:
        headings: one for each column.
        rows: the cells, which are made safe to print.
        columns: the width that the table should fit; long cells lose their middle. None cuts none.
        right: the indexes of columns that are aligned at the right, such as numbers.
        paint: called with the number of a row and each of its padded cells: returns the cell with
            codes that take no room. Row 0 has the headings.
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
    for number, row in enumerate(cells):
        padded = (
            paint(number, _padded(cut_middle(cell, width), width, right=index in right))
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield _GAP.join(padded).rstrip()


def cut_middle(text: str, columns: int) -> str:
    """Return *text* without its middle if it takes more *columns* of a terminal."""
    if _columns(text) <= columns:
        return text
    end = (columns - len(_CUT)) // 2
    start = columns - len(_CUT) - end
    return f"{_beginning(text, start)}{_CUT}{_beginning(text[::-1], end)[::-1]}"


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


def _padded(text: str, columns: int, *, right: bool) -> str:
    space = " " * (columns - _columns(text))
    return space + text if right else text + space


def _beginning(text: str, columns: int) -> str:
    taken = ""
    for each in text:
        if _columns(taken + each) > columns:
            break
        taken += each
    return taken
