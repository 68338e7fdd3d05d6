"""The line that says what a command waits for: on a terminal, and gone at the end."""

from __future__ import annotations

import io
import sys

import pytest

from flowy.cli import waiting as module
from flowy.cli.waiting import waiting
from tests.patience import until
from tests.unit.cli.terminals import Terminal


def test_the_line_is_replaced_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each begins where the one before did, and blanks take the place of the last."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.001)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with waiting("Waiting for charge 1"):
        until(lambda: terminal.getvalue().count("\r") > 1, "two lines")
    *lines, blank, end = terminal.getvalue().split("\r")
    assert all(line.startswith("Waiting for charge 1: ") for line in lines)
    assert (blank, end) == (" " * len(lines[-1]), "")


def test_a_long_name_stays_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A carriage return goes only to the beginning of the last line of the terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.001)
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with waiting(f"Waiting for {'x' * 256} 1"):
        until(lambda: "\r" in terminal.getvalue(), "a line")
    line, *_ = terminal.getvalue().split("\r")
    assert len(line) == 39
    assert line.endswith("x 1: 0 s")


def test_a_pipe_has_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log file would have one line for each second."""
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(sys, "stderr", pipe := io.StringIO())
    with waiting("Waiting for charge 1"):
        pass
    assert pipe.getvalue() == ""


def test_what_is_fast_has_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing flickers."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with waiting("Waiting for charge 1"):
        pass
    assert terminal.getvalue() == ""


def test_an_error_of_the_block_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes out as it was raised."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(LookupError), waiting("Waiting for charge 1"):
        raise LookupError
