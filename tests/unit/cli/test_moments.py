"""How moments and spans are given and shown."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from flowy.cli.moments import local_time, moment, span, span_between, table_time


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time without an offset is this machine's own."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31", datetime(2026, 1, 30, 23, tzinfo=timezone.utc)),
        ("2026-01-31T10:30", datetime(2026, 1, 31, 9, 30, tzinfo=timezone.utc)),
        ("2026-01-31 10:30:05", datetime(2026, 1, 31, 9, 30, 5, tzinfo=timezone.utc)),
        ("2026-01-31T10:30Z", datetime(2026, 1, 31, 10, 30, tzinfo=timezone.utc)),
        ("2026-01-31T10:30+05:00", datetime(2026, 1, 31, 5, 30, tzinfo=timezone.utc)),
    ],
)
def test_a_date(text: str, utc: datetime) -> None:
    """With a time or without, in local time unless it says otherwise."""
    assert moment(text) == utc.timestamp()


@pytest.mark.parametrize(("text", "ago"), [("0", 0), ("90", 90), ("5m", 300), ("1h30m", 5400)])
def test_how_long_ago(text: str, ago: float) -> None:
    """A duration is counted back from now."""
    assert moment(text) == pytest.approx(time.time() - ago, abs=5)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "-5m", "0001-01-01", "nan"])
def test_what_is_no_moment(text: str) -> None:
    """The error says what can be given."""
    with pytest.raises(argparse.ArgumentTypeError, match="Cannot use .*: give a date, "):
        moment(text)


def test_moments_are_shown_in_local_time() -> None:
    """A table shows what tells a moment apart; the long form is for one thing."""
    noon = datetime.now().astimezone().replace(hour=12, minute=5, second=7)
    assert local_time(noon.timestamp()) == f"{noon:%Y-%m-%d} 12:05:07"
    assert table_time(noon.timestamp()) == "12:05:07"
    earlier = noon - timedelta(days=30)
    assert table_time(earlier.timestamp()) == f"{earlier:%b %d} 12:05"
    long_ago = noon - timedelta(days=365)
    assert table_time(long_ago.timestamp()) == f"{long_ago:%Y-%m-%d}"
    assert table_time(None) == local_time(None) == ""


def test_spans() -> None:
    """In the largest unit; without an end until now, never below zero."""
    assert [span(each) for each in (0.4, 59, 90, 5400, 200_000)] == [
        "0 s", "59 s", "1.5 min", "1.5 h", "2.3 d",
    ]  # fmt: skip
    assert span_between(100.0, 190.0) == "1.5 min"
    assert span_between(100.0, 90.0) == "0 s"
    assert span_between(time.time() - 7200, None) == "2.0 h"
    assert span_between(None, 5.0) == ""
