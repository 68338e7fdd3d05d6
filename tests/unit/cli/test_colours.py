"""Colours: on a terminal alone, and never if somebody does not want them."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from flowy.cli.colours import coloured, has_colours
from flowy.cli.logs import configure_logging
from flowy.cli.tables import print_table
from flowy.cli.terminal import say
from tests.unit.cli.terminals import Terminal

HEADINGS, ROWS = ("NAME", "STATE"), [("a", "completed"), ("bb", "failed: no money")]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_terminal_has_colours_and_a_pipe_has_none(terminal: Terminal) -> None:
    """A file and a closed stream have none either."""
    assert has_colours(terminal)
    assert not has_colours(io.StringIO())
    assert not has_colours(None)
    terminal.close()
    assert not has_colours(terminal)


@pytest.mark.parametrize(
    ("name", "value", "colours"),
    [("NO_COLOR", "1", False), ("NO_COLOR", "", True), ("TERM", "dumb", False)],
)
def test_the_environment_decides(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str, colours: bool
) -> None:
    """``NO_COLOR`` counts if it is not empty, as https://no-color.org says."""
    monkeypatch.setenv(name, value)
    assert has_colours(terminal) is colours


def test_a_table_says_the_same_without_its_colours(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Columns line up in both, headings are bold, outcomes have their colour."""
    print_table(HEADINGS, ROWS)
    plain = capsys.readouterr().out
    monkeypatch.setattr(sys, "stdout", terminal)
    print_table(HEADINGS, ROWS)
    assert terminal.getvalue() == (
        "\x1b[1mNAME\x1b[0m  \x1b[1mSTATE\x1b[0m\n"
        "a     \x1b[32mcompleted\x1b[0m\n"
        "bb    \x1b[31mfailed: no money\x1b[0m\n"
    )
    assert plain == "NAME  STATE\na     completed\nbb    failed: no money\n"


def test_an_error_is_told_from_a_message(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of the command is red before an error, and bold before anything else."""
    monkeypatch.setattr(sys, "stderr", terminal)
    say("Cannot do it: no reason.")
    say("Done.")
    assert terminal.getvalue() == (
        "\x1b[31mflowy:\x1b[0m Cannot do it: no reason.\n\x1b[1mflowy:\x1b[0m Done.\n"
    )


def test_a_log_level_has_its_colour(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only levels of which somebody should take note have one."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(sys, "stderr", terminal)
    level = root.level
    try:
        configure_logging("info")
        for each in (logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger("flowy.test").log(each, "Text.")
    finally:
        root.setLevel(level)
        logging.getLogger("flowy").setLevel(logging.NOTSET)
    info, warning, error = terminal.getvalue().splitlines()
    assert "] INFO flowy.test: Text." in info
    assert "] \x1b[33mWARNING\x1b[0m flowy.test: Text." in warning
    assert "] \x1b[31mERROR\x1b[0m flowy.test: Text." in error


def test_nothing_is_coloured_that_is_empty() -> None:
    """A cell without text stays as it is."""
    assert coloured("  ", "bold") == "  "
