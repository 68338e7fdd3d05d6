"""Text for people: letters as they are, and escapes for what controls a terminal."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

from flowy.cli.terminal import json_text, readable

#: A value with letters of several scripts.
LETTERS = {"name": "Zoë", "city": "東京", "face": "\N{GRINNING FACE}", "plain": ["a", 1, None]}


def test_letters_are_not_escaped() -> None:
    """A person reads ``Zoë``, not ``Zo\\u00eb``."""
    assert json_text(LETTERS) == json.dumps(LETTERS, ensure_ascii=False)
    assert "Zoë" in json_text(LETTERS)


@pytest.mark.parametrize(
    "text",
    ["\x1b]0;owned\x07", "\x9b31m", "\x7f", "\u202e", "\u2028", "\U000e0001", "\ud800", "\n"],
)
def test_a_terminal_obeys_nothing(text: str) -> None:
    """Whatever is not printable is escaped, and the text is still the JSON of the value."""
    shown = json_text([text])
    assert shown.isprintable()
    assert shown.isascii()
    assert json.loads(shown) == [text]


@pytest.mark.parametrize("value", [LETTERS, "Zoë"])
def test_an_output_that_cannot_encode_a_letter(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets JSON's escapes instead of an error."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert json_text(value).isascii()
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize(
    ("wire", "shown"),
    [
        (json.dumps(LETTERS), json.dumps(LETTERS, ensure_ascii=False)),
        (
            r'["\u00FC \u001b \n \" \\u00fc \ud800 \u0022"]',
            r'["ü \u001b \n \" \\u00fc \ud800 \u0022"]',
        ),
        (r"no JSON: \u00fc", r"no JSON: \u00fc"),
        ('{"twice": 1.10, "twice": 1e5}', '{"twice": 1.10, "twice": 1e5}'),
    ],
)
def test_wire_text_for_people(wire: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters instead of escapes, and nothing else is changed."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    assert readable(wire) == shown
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert readable(wire) == wire
