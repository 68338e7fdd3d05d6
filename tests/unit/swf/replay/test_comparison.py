"""When two ends of a task are the same, and how a difference is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowy.invocation import TaskOutcome
from flowy.swf.replay import Replay, RunEnd
from tests.unit.swf.replay.recorded import one


def compared(then: RunEnd, now: RunEnd) -> Replay:
    """Return a replay with these ends."""
    return Replay(one("charge", 7), then, now)


def completed(value: Any) -> RunEnd:
    """Return the end of a task that completed."""
    return RunEnd(TaskOutcome.COMPLETED, 1.0, result=json.dumps(value))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({"a": 1, "b": [1.0]}, {"b": [1], "a": 1}),
        (None, None),
        (float("nan"), float("nan")),
        ([[[["x"]]]], [[[["x"]]]]),
    ],
)
def test_equal(then: Any, now: Any) -> None:
    """Neither the order of keys nor white space counts."""
    assert compared(completed(then), completed(now)).equal


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (1, True, "result was 1 then, and is true now."),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]},
         'result["a"][0]["b"] was "x" then, and is "y" now.'),
        ([1], [1, 2], "result was [1] then, and is [1, 2] now."),
        ({"a": 1}, {"b": 1}, 'result was {"a": 1} then, and is {"b": 1} now.'),
        ("x" * 200, 0, f'result was "{"x" * 96}... then, and is 0 now.'),
    ],
)  # fmt: skip
def test_not_equal(then: Any, now: Any, said: str) -> None:
    """The first place that differs is told, with both values, cut if they are long."""
    replay = compared(completed(then), completed(now))
    assert (replay.equal, replay.verdict) == (False, f"Not equal: {said}")


def test_texts() -> None:
    """Results that are not JSON are compared as texts; so are values nested too deep."""
    plain = RunEnd(TaskOutcome.COMPLETED, result="<xml>")
    assert compared(plain, plain).equal
    other = compared(plain, RunEnd(TaskOutcome.COMPLETED, result="<xml/>"))
    assert other.verdict == 'Not equal: result was "<xml>" then, and is "<xml/>" now.'
    deep, deeper = ("[" * levels + "]" * levels for levels in (3_000, 3_001))
    ends = [RunEnd(TaskOutcome.COMPLETED, result=text) for text in (deep, deeper)]
    assert compared(*ends).verdict.startswith("Not equal: ")
    assert compared(RunEnd(TaskOutcome.COMPLETED), completed(None)).equal


def test_texts_of_ends_stay_out_of_repr() -> None:
    """They may be secrets."""
    end = RunEnd(TaskOutcome.FAILED, 1.0, "a secret", details="a secret")
    assert "secret" not in repr(compared(end, end))
    assert str(end) == "failed after 1.000 s: a secret"
    assert str(RunEnd(None)) == "had not ended"
