"""How the command line's log lines look: as text and as JSON."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flowy.logs import ActivityFilter, log_keys
from flowy.logs.json_lines import JSONFormatter
from flowy.logs.text_lines import TextFormatter
from tests.suspended import an_info

#: 2026-11-28 13:03:07.125 UTC.
AT = 1_795_870_987.125


def record(message: str = "Charged.", level: int = logging.INFO, **has: Any) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "shop.orders", "levelno": level, "levelname": logging.getLevelName(level),
         "msg": message, "args": (), "created": AT, "process": 4711, **has}
    )  # fmt: skip
    ActivityFilter().filter(made)
    return made


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local time that is ahead of UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_text(zone: None) -> None:
    """A line has the local time with its zone, the process, the level and the logger."""
    line = TextFormatter().format(record())
    assert line == "2026-11-28 14:03:07.125+0100 [4711] INFO shop.orders: Charged."


def test_json() -> None:
    """A line has five keys, the time in UTC; keys of Flowy that are empty are left out."""
    assert json.loads(JSONFormatter().format(record())) == {
        "time": "2026-11-28T13:03:07.125Z",
        "level": "INFO",
        "logger": "shop.orders",
        "message": "Charged.",
        "pid": 4711,
    }


def test_json_has_the_keys_of_flowy() -> None:
    """As they are: a number is a number."""
    keys: dict[str, Any] = log_keys(
        "task_ended", an_info(), outcome="failed", seconds=1.5, fault="KeyError"
    )
    line = json.loads(JSONFormatter().format(record(**keys)))
    assert line.keys() - {"time", "level", "logger", "message", "pid"} == keys.keys()
    assert (line["flowy_started_event_id"], line["flowy_seconds"]) == (6, 1.5)


def test_json_has_what_the_caller_gave() -> None:
    """Any ``extra``, whatever it is; but none replaces one of the five keys."""
    line = json.loads(
        JSONFormatter().format(record(order=7, what={1}, time="never", pid="mine", other=object))
    )
    assert (line["order"], line["what"]) == (7, "{1}")
    assert (line["time"], line["pid"]) == ("2026-11-28T13:03:07.125Z", 4711)
    assert "object" in line["other"]


@pytest.mark.parametrize(("message", "shown"), [({}, ""), ({"message": "Charged."}, "Charged.")])
def test_json_of_a_dict_as_message(message: dict[str, str], shown: str) -> None:
    """Its keys are keys of the line, ``message`` included."""
    made = record()
    made.msg = {**message, "order": 7}
    line = json.loads(JSONFormatter().format(made))
    assert (line["message"], line["order"]) == (shown, 7)


def test_json_of_an_exception() -> None:
    """The traceback is one value, and the line stays one line."""
    try:
        raise ValueError("two\nlines\u2028\ud800")
    except ValueError:
        text = JSONFormatter().format(record("It\nbroke.", exc_info=sys.exc_info()))
    assert len(text.splitlines()) == 1
    line = json.loads(text)
    assert line["message"] == "It\nbroke."
    assert line["exc_info"].startswith("Traceback (most recent call last):")
    assert "ValueError: two\nlines" in line["exc_info"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        ([1, math.nan], "[1, nan]"),
        ({(1, 2): 3}, "{(1, 2): 3}"),
    ],
    ids=repr,
)
def test_json_of_what_json_does_not_have(value: object, shown: str) -> None:
    """It is text: a log store would refuse the line. The other values stay what they are."""
    text = JSONFormatter().format(record(value=value, order=7))
    line = json.loads(text, parse_constant=pytest.fail)
    assert (line["value"], line["order"]) == (shown, 7)


def test_json_of_a_key_that_is_no_text() -> None:
    """It is written as text, in the caller's extra and in a dict as message."""
    made = record()
    made.msg = {(1, 2): "a pair", 7: "a number"}
    numbered: dict[Any, str] = {8: "eight"}
    made.__dict__.update(numbered)
    line = json.loads(JSONFormatter().format(made))
    assert (line["(1, 2)"], line["7"], line["8"]) == ("a pair", "a number", "eight")


def test_json_of_a_value_that_has_itself_inside() -> None:
    """It costs neither the line nor the other values."""
    endless: list[object] = []
    endless.append(endless)
    line = json.loads(JSONFormatter().format(record(value=endless, order=7)))
    assert (line["value"], line["order"]) == ("[[...]]", 7)
