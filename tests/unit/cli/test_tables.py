"""Tables for people and JSON for programs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from flowy.cli import (
    activity_table,
    check,
    execution_show,
    execution_table,
    registered_types,
    task_table,
)
from flowy.cli.tables import add_json, print_json, print_table, table_lines
from flowy.demo import workflow

ROOT = Path(__file__).resolve().parent.parent.parent.parent
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
    """Long cells lose their middle, short ones nothing; both ends tell most ids apart."""
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


def test_a_table_that_is_piped_is_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a terminal has a width, whatever COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "10")
    print_table(HEADINGS, [("order-7", "x" * 300)])
    assert capsys.readouterr().out.splitlines()[1] == "order-7  " + "x" * 300


@pytest.mark.parametrize("objects", [[], [{"a": 1}], [{"a": "Zoë\x1b"}, {"a": None}]])
def test_json_is_one_document(
    objects: list[dict[str, object]], capsys: pytest.CaptureFixture[str]
) -> None:
    """A list of objects, an empty one too; one object on a line, for people who look at it."""
    print_json(objects)
    out = capsys.readouterr().out
    assert json.loads(out) == objects
    assert len(out.splitlines()) == max(1, len(objects))


def test_the_help_documents_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, in their order."""
    parser = argparse.ArgumentParser()
    add_json(parser, ["name", "version"], table="the table of --check")
    parser.print_help()
    words = " ".join(capsys.readouterr().out.split())
    assert (
        "--json print a JSON list instead of the table of --check, of objects with the keys name, "
        "version" in words
    )


@pytest.mark.parametrize(
    "keys",
    [
        check.KEYS,
        task_table.KEYS,
        workflow.KEYS,
        (*execution_table.KEYS, *execution_show.MORE_KEYS, *activity_table.KEYS),
        (*registered_types.KEYS, "change"),
    ],
)
def test_the_reference_documents_the_keys(keys: tuple[str, ...]) -> None:
    """Whoever writes a program finds them all on one page."""
    page = (ROOT / "docs" / "reference.rst").read_text(encoding="utf-8")
    section = page.partition("**JSON.**")[2].partition("**Completion.**")[0]
    assert [key for key in keys if f"``{key}``" not in section] == []
