"""simpleflow's JSON: its inputs are read, its results written."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest

from flowy.exception import InputError, SerializationError
from flowy.transport.simpleflow import decode_result, encode_input
from flowy.transport.simpleflow.values import decode_input, decode_meta, encode

UTC = datetime.timezone.utc
ODD = datetime.timezone(datetime.timedelta(hours=2))


@pytest.mark.parametrize(
    ("input", "arguments"),
    [
        ('{"args":[1,"two"],"kwargs":{"three":3}}', ([1, "two"], {"three": 3})),
        ('{"args":[],"kwargs":{},"meta":{"anything":1}}', ([], {})),
        ('{"args":[],"kwargs":{},"meta":{"binaries":{}}}', ([], {})),
        ('{"kwargs":{"a":1}}', ([], {"a": 1})),
        ('{"args":[1]}', ([1], {})),
        ('{"args":[1],"kwargs":{},"later":1}', ([1], {})),
        ("{}", ([], {})),
    ],
)
def test_inputs(input: str, arguments: tuple[Any, Any]) -> None:
    """Both members may be missing, as simpleflow's own worker reads them; others are its own."""
    assert decode_input(input) == arguments


@pytest.mark.parametrize(
    ("input", "said"),
    [
        ('[["SECRET"], {}]', 'it is not an object with "args" and "kwargs" but a list. If the'),
        ('"SECRET"', 'it is not an object with "args" and "kwargs" but a string.'),
        ('{"path":"SECRET"}', 'it is an object without "args" and "kwargs".'),
        ('{"args":{"a":"SECRET"}}', '"args" and "kwargs" are not a list and an object, but an obj'),
        ('{"kwargs":["SECRET"]}', '"args" and "kwargs" are not a list and an object, but a list'),
        ('{"args":[],"meta":{"binaries":{"sh":"s3://SECRET"}}}', '"meta" asks for binaries to be'),
        ("SECRET", "it is not JSON ("),
    ],
)
def test_inputs_that_are_refused(input: str, said: str) -> None:
    """Other formats, and binaries to download and run; no text has a value in it."""
    with pytest.raises(InputError) as caught:
        decode_input(input)
    assert str(caught.value).startswith(said)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [None, True, "ä"]}, '{"a":[null,true,"\\u00e4"],"b":1}'),
        (b"raw \xff", '"raw \\ufffd"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 678_901, UTC), '"2026-01-02T03:04:05.678Z"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '"2026-01-02T03:04:05Z"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 678_901, ODD), '"2026-01-02T03:04:05.678+02:00"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 678_901), '"2026-01-02T03:04:05.678"'),  # noqa: DTZ001
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (datetime.time(3, 4, 5, 678_901), '"03:04:05.678"'),
        (datetime.time(3, 4), '"03:04:00"'),
        (uuid.UUID(int=7), '"00000000-0000-0000-0000-000000000007"'),
        ({1}, "[1]"),
        (frozenset({1}), "[1]"),
        ((number for number in (1, 2)), "[1,2]"),
        (float("nan"), "NaN"),
    ],
)
def test_results(value: Any, text: str) -> None:
    """Compact, sorted, and with simpleflow's forms for what JSON lacks."""
    assert encode(value) == text


def _itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"a": object()}, "object has no JSON form in simpleflow."),
        ({1: 1, "1": 1}, "the value has no JSON form in simpleflow (TypeError)."),
        (_itself(), "the value has no JSON form in simpleflow (ValueError)."),
    ],
)
def test_results_that_have_no_form(value: Any, said: str) -> None:
    """The error has the type and no value."""
    with pytest.raises(SerializationError) as caught:
        encode(value)
    assert str(caught.value) == said


def test_a_result_that_is_nested_too_deep() -> None:
    """It is an error like any other, not a RecursionError."""
    value: Any = None
    for _ in range(100_000):
        value = [value]
    with pytest.raises(SerializationError, match="nested too deep"):
        encode(value)
    while value:  # or freeing it would be as deep
        value = value.pop()


@pytest.mark.parametrize(
    ("input", "meta"),
    [
        ('{"args":[],"meta":{"traceparent":"00"}}', {"traceparent": "00"}),
        ('{"args":["meta"],"kwargs":{}}', {}),
        ('{"meta":"text"}', {}),
        ('["meta"]', {}),
        ('simpleflow+s3://bucket/"meta" 70000', {}),
        (None, {}),
    ],
)
def test_meta(input: str | None, meta: dict[str, Any]) -> None:
    """It is an object or counts as empty; a jumbo field is not read for it."""
    assert decode_meta(input) == meta


def test_what_a_decider_does() -> None:
    """For tests of activities: a decider's input and its reading of a result."""
    assert encode_input((1,), {"b": 2}) == '{"args":[1],"kwargs":{"b":2}}'
    assert decode_result('{"a":1}') == {"a": 1}
    with pytest.raises(SerializationError):
        decode_result("{")
