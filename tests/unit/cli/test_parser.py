"""The parser: environment variables for options, and suggestions for what is misspelled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowy.cli import main
from flowy.cli.command import parser
from tests.unit.cli.verbs import VERBS, options_of, parser_of

CALL = ("call", "echo", "1")


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away the variables of whoever runs the tests."""
    for name in ("FLOWY_DOMAIN", "FLOWY_TASK_LIST", "FLOWY_STORE"):
        monkeypatch.delenv(name, raising=False)


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Parse a command line that cannot be used, and return what is said of it."""
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(argv)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


# The module of each verb


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_verb_alone_is_as_in_the_whole(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the modules of the other verbs, a verb has the same options and the same verbs."""
    assert main([*verb, "--help"]) == 0
    assert capsys.readouterr().out == parser_of(verb).format_help()


# Environment variables


@pytest.mark.parametrize(
    ("argv", "flag", "variable", "value"),
    [
        (CALL, "--domain", "FLOWY_DOMAIN", "shop"),
        (("worker", "shop"), "--domain", "FLOWY_DOMAIN", "shop"),
        (("worker", "shop"), "--task-list", "FLOWY_TASK_LIST", "shop"),
        ((*CALL, "--domain", "d"), "--task-list", "FLOWY_TASK_LIST", "shop"),
        (("local",), "--domain", "FLOWY_DOMAIN", ["shop"]),
        (("tokens", "list"), "--store", "FLOWY_STORE", Path("shop")),
        (("tokens", "complete", "w", "a"), "--store", "FLOWY_STORE", Path("shop")),
        (("tokens", "list", "--store", "s"), "--domain", "FLOWY_DOMAIN", "shop"),
        (("tokens", "keep", "--store", "s"), "--domain", "FLOWY_DOMAIN", "shop"),
    ],
)
def test_a_variable_stands_in_for_an_option(
    argv: tuple[str, ...],
    flag: str,
    variable: str,
    value: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The value is read as the option's is; the option wins."""
    monkeypatch.setenv(variable, "shop")
    dest = flag.removeprefix("--").replace("-", "_")
    assert vars(parser().parse_args(argv))[dest] == value
    other = [Path("other")] if dest == "store" else ["other"]
    given = vars(parser().parse_args([*argv, flag, "other"]))[dest]
    assert given == (other if isinstance(value, list) else other[0])


def test_a_variable_that_is_empty_counts_as_unset(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a script leaves it that unsets one by assigning nothing."""
    monkeypatch.setenv("FLOWY_DOMAIN", "")
    assert "required: --domain" in refused(capsys, *CALL)
    assert parser().parse_args(["local"]).domain is None


def test_a_variable_is_checked_as_its_option_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names the variable."""
    monkeypatch.setenv("FLOWY_DOMAIN", "a|b")
    said = refused(capsys, *CALL)
    assert "flowy call: error: environment variable FLOWY_DOMAIN: Cannot use 'a|b' as" in said


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_help_names_the_variables(verb: tuple[str, ...]) -> None:
    """Whichever verb has such an option takes its variable."""
    variables = {
        "--domain": "FLOWY_DOMAIN",
        "--task-list": "FLOWY_TASK_LIST",
        "--store": "FLOWY_STORE",
    }
    for action in options_of(verb):
        for flag in action.option_strings:
            if flag in variables:
                assert f"[environment: {variables[flag]}]" in str(action.help)


# Durations


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_duration_takes_units(verb: tuple[str, ...]) -> None:
    """No option of any verb takes bare seconds or days only."""
    for action in options_of(verb):
        assert action.metavar not in ("SECONDS", "MINUTES", "HOURS", "DAYS", "TIME")
        if action.metavar == "DURATION":
            assert callable(action.type)
            assert action.type("5m") == 300
    if verb == ("worker",):
        assert parser().parse_args(["worker", "shop", "--grace", "1m"]).grace == 60


# Suggestions


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["wroker"], "flowy: error: argument VERB: invalid choice: 'wroker' (choose from "),
        (["wroker"], "Did you mean worker?\n"),
        (["tokens", "lst"], "Did you mean list?\n"),
        (["tokens", "compleet"], "Did you mean complete?\n"),
        (["worker", "shop", "--on-stop", "abandom"], "Did you mean abandon?\n"),
        (["demo", "--log-level", "inof"], "Did you mean info?\n"),
        (["call", "--domian=shop", "echo", "1"], "unrecognized arguments: --domian. Did you mean"),
        (["call", "--domian", "shop", "echo", "1"], "Did you mean --domain?\n"),
        (["call", "--domian", "shop", "echo", "1"], "usage: flowy call "),
        (["--versoin"], "Did you mean --version?\n"),
        (["tokens", "--halp"], "Did you mean --help?\n"),
    ],
)
def test_what_is_misspelled_is_met_with_a_suggestion(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verbs, verbs in a group, choices and options."""
    assert said in refused(capsys, *argv)


@pytest.mark.parametrize("argv", [["x"], ["demo", "--qqq"], ["demo", "--log-level", "loud"]])
def test_what_is_like_nothing_gets_no_suggestion(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong guess is worse than none."""
    assert "Did you mean" not in refused(capsys, *argv)


def test_too_many_arguments_show_the_usage_of_the_verb(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Not that of the whole command."""
    said = refused(capsys, "demo", ".", "again")
    assert said.startswith("usage: flowy demo ")
    assert said.endswith("flowy demo: error: unrecognized arguments: again\n")


@pytest.mark.parametrize(
    "argv",
    [
        ["call", "--domain", "d", "echo", "1", "--", "--unknown", "-x"],
        ["call", "--domain", "d", "--kw", "--a b=1", "echo", "1"],
        ["call", "--domain", "d", "--kw=a=--b", "echo", "1"],
    ],
)
def test_what_only_looks_like_an_option_is_taken(argv: list[str]) -> None:
    """After ``--``, with a space in it, or after an equals sign, as argparse has it."""
    assert parser().parse_args(argv).domain == "d"
