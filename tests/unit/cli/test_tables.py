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
from flowy.cli.tables import add_json, print_json, print_table
from flowy.demo import workflow

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def test_a_table_that_is_piped_is_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a terminal has a width, whatever COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "10")
    print_table(("NAME", "NOTE"), [("order-7", "x" * 300)])
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
        "--json instead of the table of --check, print a JSON list of objects with the keys name, "
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
    page = (ROOT / "docs" / "reference" / "command_line.rst").read_text(encoding="utf-8")
    section = page.partition("JSON for programs")[2].partition("Completion in the shell")[0]
    assert [key for key in keys if f"``{key}``" not in section] == []
