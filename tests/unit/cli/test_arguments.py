"""What the command line takes as an argument."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from flowy.cli import arguments


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
        ('"7"', "7"),
        ('{"order": [1, 2]}', {"order": [1, 2]}),
        ("red", "red"),
        ("", ""),
        ("{order: 1}", "{order: 1}"),
        ("NaN", "NaN"),
        ("-Infinity", "-Infinity"),
        ("9" * 5000, "9" * 5000),
        ("[" * 100_000, "[" * 100_000),
        ("caf\udce9", "caf\udce9"),
    ],
)
def test_an_argument_is_json_where_it_is_json_and_text_where_it_is_not(
    text: str, value: Any
) -> None:
    """JSON is what every reader of JSON takes: NaN, and what cannot be read, is text."""
    assert arguments.json_or_text(text) == value
    assert type(arguments.json_or_text(text)) is type(value)


def test_a_keyword_argument_has_a_key_and_a_value_as_an_argument() -> None:
    """``key=value``; the value may hold further equals signs."""
    assert arguments.key_and_value("dry_run=true") == ("dry_run", True)
    assert arguments.key_and_value("sum=1=1") == ("sum", "1=1")
    assert arguments.key_and_value("empty=") == ("empty", "")


def test_keyword_arguments_are_a_json_object() -> None:
    """``--kwargs`` takes an object, and nothing else that is JSON."""
    assert arguments.json_object('{"a": 1}') == {"a": 1}


@pytest.mark.parametrize(
    ("check", "text", "said"),
    [
        (arguments.key_and_value, "colour", "key=value"),
        (arguments.key_and_value, "=red", "key=value"),
        (arguments.json_object, "[1]", "JSON object"),
        (arguments.json_object, "{", "JSON object"),
        (arguments.domain, "", "1 to 256 characters"),
        (arguments.domain, " shop", "white space"),
        (arguments.task_list, "a:b", "task list"),
        (arguments.type_name, "a/b", "name"),
        (arguments.type_version, "1" * 65, "1 to 64 characters"),
        (arguments.tag, "", "tag of 0 characters: SWF takes 1 to 256"),
        (arguments.tag, "x" * 257, "tag of 257 characters: SWF takes 1 to 256"),
        (arguments.poll_count, "-2", "-1 for no end"),
        (arguments.poll_count, "many", "-1 for no end"),
        (arguments.poll_count, "9" * 5000, "or a count"),
        (arguments.count, "9" * 19, "at most 1,000,000,000"),
        (arguments.count, "9" * 5000, "at most 1,000,000,000"),
        (arguments.port, "65536", "0 to 65535"),
        (arguments.port, "9" * 5000, "0 to 65535"),
        (arguments.port, "http", "0 to 65535"),
        (arguments.dotted_name, "shop/activities.py", "such as shop.activities"),
        (arguments.dotted_name, "./shop", "such as shop"),
        (arguments.dotted_name, "shop..activities", "dotted name"),
        (arguments.dotted_name, "", "dotted name"),
        (arguments.folder, "/no/such/folder", "no such folder"),
        (arguments.folder, __file__, "no such folder"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_way_out(check: Any, text: str, said: str) -> None:
    """A mistake is a usage error, in a text of ours, before anything is started."""
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        check(text)


def test_what_can_be_used_is_taken(tmp_path: Path) -> None:
    """Names, numbers and folders come out as what they are."""
    assert arguments.domain("shop") == "shop"
    assert arguments.task_list("orders") == "orders"
    assert arguments.type_name("charge card") == "charge card"
    assert arguments.type_version("1.0") == "1.0"
    assert [arguments.poll_count(text) for text in ("-1", "0", "3")] == [-1, 0, 3]
    assert arguments.port("0") == 0
    assert arguments.dotted_name("shop.activities") == "shop.activities"
    assert arguments.folder(str(tmp_path)) == tmp_path
