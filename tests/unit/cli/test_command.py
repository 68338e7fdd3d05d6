"""The command as a whole, as far as it can be seen without a process: help and usage errors."""

from __future__ import annotations

import io
import re
import sys

import pytest

from flowy import __version__
from flowy.cli import ExitCode, main

KEEP = ("tokens", "keep", "--store", "/no/such/folder/tokens.db", "--domain", "d")
NO_DAYS = ("-5", "1.5", "soon", "9999999")
WORKER = ("worker", "--domain", "d", "--task-list", "t")
VERBS = ("worker", "call", "local", "demo", "tokens", "completion")
LONG = "a" * 300


def test_help_shows_the_verbs_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """``flowy --help`` is where the table of exit codes stands."""
    assert main(["--help"]) == ExitCode.FINE
    out = capsys.readouterr().out
    assert [verb for verb in VERBS if not re.search(rf"^    {verb}\s", out, re.MULTILINE)] == []
    assert all(code.meaning in out for code in ExitCode)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """``flowy --version`` tells the version."""
    assert main(["--version"]) == ExitCode.FINE
    assert capsys.readouterr().out == f"flowy {__version__}\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "required: VERB"),
        (["serve"], "invalid choice"),
        (["worker", "--domain", "d", "shop"], "required: --task-list"),
        (["worker", "--domain", "d", "--task-list", "t"], "required: PACKAGE"),
        (["worker", "--task-list", "t", "shop"], "required: --domain"),
        (["worker", "shop"], "required: --domain, --task-list"),
        ([*WORKER, "--json", "shop"], "Give --check too"),
        (["worker", "--dom", "d", "--task-list", "t", "shop"], "unrecognized arguments: --dom"),
        (["worker", "--domain", "d", "--task-list", "t", "shop.py/x"], "dotted name"),
        ([*WORKER, "--concurrency", "0", "shop"], "1 or more"),
        ([*WORKER, "--pollers", "many", "shop"], "1 or more"),
        ([*WORKER, "--processes", "-1", "shop"], "1 or more"),
        (
            [*WORKER, "--processes", "2", "--loop", "5", "shop"],
            "with 2 processes: give",
        ),
        ([*WORKER, "--grace", "-1", "shop"], "0 or more"),
        ([*WORKER, "--grace", "inf", "shop"], "0 or more"),
        ([*WORKER, "--on-stop", "wait", "shop"], "invalid choice"),
        (["call", "--domain", "d", "echo"], "required: VERSION"),
        (["call", "--domain", "a|b", "echo", "1"], "SWF takes"),
        (["call", "--domain", "d", "--timeout", "0", "echo", "1"], "whole seconds"),
        (["local", "--port", "x"], "0 to 65535"),
        *(([*KEEP, f"--drop-after={days}"], "give whole days, 0 to 365,000") for days in NO_DAYS),
        (["demo", "/no/such/folder"], "no such folder"),
        (["demo", "--log-level", "loud"], "invalid choice"),
        (["call", "--domain", "d", "--kw", "a=1", "--kwargs", '{"a": 2}', "echo", "1"], "twice"),
        (["call", "--domain", "d", "--kw", "a=1", "--kw", "a=1", "echo", "1"], "twice"),
        (["local", "--host", "nowhere"], "Cannot "),
        (["demo", LONG], "the name is too long"),
        (["demo", "a/" * 3000], "the name is too long"),
        (["local", "--state", LONG], "the name is too long"),
        (["tokens", "list", "--store", LONG], "the name is too long"),
        (["tokens", "keep", "--domain", "d", "--store", f"{LONG}/b"], "the name is too long"),
        (["tokens", "cancel", "--store", LONG, "w", "a"], "the name is too long"),
    ],
)
def test_a_command_line_that_cannot_be_used_exits_with_2(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told on standard error what is wrong, and nothing is started."""
    assert main(argv) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "argv",
    [
        ["call", "--domain", "d", "echo", "1", "-"],
        ["tokens", "complete", "--domain", "d", "-"],
    ],
)
def test_ctrl_c_while_standard_input_is_read_exits_with_130(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who did not mean to type the input presses it there."""

    class Interrupted(io.StringIO):
        def read(self, size: int | None = -1) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    assert main(argv) == ExitCode.INTERRUPTED
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "flowy: Interrupted.\n")


def test_arguments_that_are_no_text_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard input that is not UTF-8 is a usage error of one line."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1, \xff]"), "utf-8"))
    assert main(["call", "--domain", "d", "echo", "1", "-"]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("flowy: Cannot call: standard input is not text: ")
