"""Durations: a number, or numbers with units, on every option that takes one."""

from __future__ import annotations

import argparse

import pytest

from flowy.cli.durations import Read, add_duration, any_time, days, in_units, timeout


@pytest.mark.parametrize(
    ("read", "text", "seconds"),
    [
        (timeout, "90", 90),
        (timeout, "60s", 60),
        (timeout, "5m", 300),
        (timeout, "2h", 7_200),
        (timeout, "1h30m", 5_400),
        (timeout, "1d2h3m4s", 93_784),
        (timeout, "99999999", 99_999_999),
        (any_time, "0", 0),
        (any_time, "1.5", 1.5),
        (any_time, "0.5h", 1_800),
        (any_time, "1m0.5s", 60.5),
        (days, "0", 0),
        (days, "7", 604_800),
        (days, "36h", 129_600),
        (days, "365000", 365_000 * 86_400),
    ],
)
def test_a_duration_is_a_number_or_has_units(read: Read, text: str, seconds: float) -> None:
    """It is seconds; a whole number of them if SWF takes no other."""
    assert read(text) == seconds
    assert isinstance(read(text), float if read is any_time else int)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-1", "-5m", "5 m", "5x", "m", "30m1h", "1h30", "\N{ARABIC-INDIC DIGIT ONE}"],
)
@pytest.mark.parametrize(
    ("read", "rule"),
    [
        (timeout, "whole seconds from 1 to 99999999, such as 90, or units, such as 5m, 2h or"),
        (any_time, "seconds, 0 or more, such as 90, or units, such as 5m, 2h or 1h30m"),
        (days, "whole days, 0 to 365,000, such as 90, or units, such as 36h or 90d"),
    ],
)
def test_what_is_no_duration_is_refused_by_example(read: Read, rule: str, text: str) -> None:
    """The error says what can be given."""
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        read(text)
    assert str(caught.value).startswith(f"Cannot use {text!r}: give {rule}")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (timeout, "0"),
        (timeout, "0h"),
        (timeout, "1.5"),
        (timeout, "1.5h"),
        (timeout, "100000000"),
        (timeout, "1200d"),
        (timeout, "9" * 5000),
        (any_time, "inf"),
        (any_time, "nan"),
        (any_time, "9" * 5000),
        (days, "365001"),
        (days, "8760001h"),
        (days, "1.5"),
    ],
)
def test_ranges_are_checked_with_and_without_units(read: Read, text: str) -> None:
    """Out of the range, or a fraction of a second if only whole ones are taken."""
    with pytest.raises(argparse.ArgumentTypeError, match="^Cannot use "):
        read(text)


def test_the_help_says_how_to_write_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Each option tells the unit of a number, the units that it takes, and its default."""
    parser = argparse.ArgumentParser()
    add_duration(parser, "--long", days, "how long", default=30 * 86_400)
    add_duration(parser, "--short", any_time, "how short")
    assert vars(parser.parse_args([])) == {"long": 30 * 86_400, "short": None}
    parser.print_help()
    words = " ".join(capsys.readouterr().out.split())
    assert "--long DURATION how long; give days, or units as in 36h (default: 30d)" in words
    assert "--short DURATION how short; give seconds, or units as in 1h30m" in words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (90, "1m30s"), (3_600, "1h"), (5_400, "1h30m"), (2_592_000, "30d")],
)
def test_seconds_in_units(seconds: int, text: str) -> None:
    """The shortest text that the options take for it."""
    assert in_units(seconds) == text
    if seconds:
        assert timeout(text) == seconds
