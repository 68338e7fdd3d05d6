"""The examples of every ``--help``: each is a command line that can be pasted."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest

from flowy.cli.command import parser
from tests.unit.cli.verbs import VERBS, parser_of


def examples_of(verb: tuple[str, ...]) -> list[str]:
    """Return the examples that the help of a verb shows."""
    shown = parser_of(verb).format_help()
    found = re.search(r"^examples:\n((?:  .+\n)+)", shown, re.MULTILINE)
    assert found, f"flowy {' '.join(verb)} --help shows no examples"
    return [line.strip() for line in found[1].splitlines()]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_help_has_examples_that_parse(
    verb: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each example is a line of this verb, with a comment at most, and its command line parses."""
    (tmp_path / "notes").mkdir()
    monkeypatch.chdir(tmp_path)
    for name in ("FLOWY_DOMAIN", "FLOWY_TASK_LIST", "FLOWY_STORE"):
        monkeypatch.delenv(name, raising=False)
    for example in examples_of(verb):
        words = shlex.split(example, comments=True)
        assert words[: len(verb) + 1] == ["flowy", *verb]
        words = list(takewhile(lambda word: word not in ("<", ">"), words))
        if words[-1] == "--help":
            words.pop()
            assert tuple(words[1:]) in VERBS
        else:
            parser().parse_args(words[1:])


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_help_fits_a_terminal(verb: tuple[str, ...]) -> None:
    """What argparse does not wrap, description and examples, is at most 100 characters wide."""
    shown = parser_of(verb)
    for line in f"{shown.description}\n{shown.epilog}".splitlines():
        assert len(line) <= 100, line
