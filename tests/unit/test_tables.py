"""Tables for people: columns line up, and fit a terminal."""

from __future__ import annotations

import pytest

from flowy.tables import table_lines

HEADINGS = ("NAME", "NOTE")


def test_a_table_without_a_width_cuts_nothing() -> None:
    """Columns are as wide as their longest cell."""
    assert list(table_lines(HEADINGS, [("a", "x" * 300), ("bcdefg", "")])) == [
        "NAME    NOTE",
        "a       " + "x" * 300,
        "bcdefg",
    ]


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_table_fits_the_width(columns: int) -> None:
    """Long cells lose their middle, short ones lose nothing; both ends tell most ids apart."""
    cells = ("order-7", "".join(map(str, range(10, 100))))
    head, line = table_lines(HEADINGS, [cells], columns)
    assert len(line) == columns
    name, note = line.split("  ")
    assert name == "order-7"
    start, _, end = note.partition("...")
    assert cells[1].startswith(start)
    assert cells[1].endswith(end)
    assert len(start) - len(end) in (0, 1)
    assert head.startswith("NAME     NOTE")


def test_a_table_that_fits_is_not_cut() -> None:
    """To the last column."""
    assert list(table_lines(HEADINGS, [("order-7", "ten chars.")], 19))[1] == "order-7  ten chars."
    assert "..." in list(table_lines(HEADINGS, [("order-7", "ten chars.")], 18))[1]


def test_columns_stay_readable_on_a_narrow_terminal() -> None:
    """No column is narrower than 8; the table is wider than the terminal then."""
    assert list(table_lines(HEADINGS, [("a" * 20, "b" * 20)], 10))[1] == "aaa...aa  bbb...bb"


def test_wide_letters_take_two_columns() -> None:
    """Columns line up, and a cut does not split a letter."""
    rows = [("東京東京東京東京", "x"), ("e\N{COMBINING ACUTE ACCENT}", "y")]
    _, first, second = table_lines(HEADINGS, rows)
    assert first == "東京東京東京東京  x"
    assert second == "e\N{COMBINING ACUTE ACCENT}" + " " * 17 + "y"
    _, first, second = table_lines(HEADINGS, rows, 14)
    assert first == "東...京   x"
    assert second == "e\N{COMBINING ACUTE ACCENT}" + " " * 9 + "y"


def test_a_terminal_obeys_no_cell() -> None:
    """What controls a terminal is shown as an escape."""
    assert list(table_lines(HEADINGS, [("a\x1b[2Jb", "")]))[1] == "a\\x1b[2Jb"


def test_numbers_are_aligned_at_the_right() -> None:
    """Their digits line up, and so does the heading."""
    lines = table_lines(("name", "size", ""), [("a", "1,000", "x"), ("b", "7", "y")], right=[1])
    assert list(lines) == ["name   size", "a     1,000  x", "b         7  y"]
