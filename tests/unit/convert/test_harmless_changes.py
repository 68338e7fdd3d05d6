"""What is called no break is none: values of random types are read as types that came after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

import pytest

from flowy.convert import Converter
from flowy.convert.compatibility import breaking_changes
from flowy.exception import ConversionError
from tests.unit.convert.orders import BOTH, Colour
from tests.unit.convert.test_compatibility import Two, a_class, of_types

#: Types that have no others in them, and some of their values.
PLAIN: dict[Any, list[Any]] = {
    int: [0, -3, 10**12],
    float: [1.5, 2.0],
    bool: [True],
    str: ["", "7", "2024-01-01", "a"],
    bytes: [b"", b"\xff"],
    datetime: [
        datetime.fromisoformat("2024-01-02T03:00"),
        datetime(2024, 1, 2, tzinfo=timezone.utc),
    ],
    date: [date(2024, 1, 1)],
    time: [time(1, 2, 3)],
    timedelta: [timedelta(days=400, seconds=3)],
    Decimal: [Decimal("1.50")],
    UUID: [UUID(int=7)],
    Colour: list(Colour),
    Two: list(Two),
    Literal["a", "c"]: ["a", "c"],
}
_CLASSES: dict[str, dict[str, Any]] = {
    "One": {"a": int},
    "Default": {"a": (int, 0)},
    "Both": {"a": int, "b": int},
    "More": {"a": int, "b": (int, 0)},
}
for _name, _fields in _CLASSES.items():
    _kind = a_class(_name, **_fields)
    PLAIN[_kind] = [_kind(*range(len(_fields)))]

KEYS = [str, int, UUID, Colour, Two]


def of(kind: Any, *inner: Any) -> Any:
    """Return a type that has others in it."""
    return kind[inner]


def a_type(random: Random, depth: int) -> Any:
    """Return a type."""
    if depth == 0 or random.random() < 0.3:
        return random.choice(list(PLAIN))
    inner, other = a_type(random, depth - 1), a_type(random, depth - 1)
    key, maybe = random.choice(KEYS), of(Union, inner, None)
    of_one = [of(list, inner), of(dict, key, inner), of(tuple, inner, ...), maybe]
    return random.choice([*of_one, of(tuple, inner, other)])


def changed(random: Random, hint: Any) -> Any:
    """Return a type that is like another one, more or less."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind is None or kind is Literal or random.random() < 0.2:
        return random.choice([hint, of(Union, hint, None), a_type(random, 1)])
    one = changed(random, inner[0])
    if kind is dict:
        return of(dict, random.choice([inner[0], *KEYS]), changed(random, inner[1]))
    if kind is Union:
        return random.choice([one, of(Union, one, None)])
    pair = of(tuple, one, one if inner[-1] is Ellipsis else inner[-1])
    return random.choice([of(list, one), of(tuple, one, ...), pair])


def a_value(random: Random, hint: Any) -> Any:
    """Return a value of a type."""
    if hint in PLAIN:
        return random.choice(PLAIN[hint])
    kind, inner = get_origin(hint), get_args(hint)
    if kind is Union:
        return random.choice([None, a_value(random, inner[0])])
    several = range(random.randrange(3))
    if kind is dict:
        return {a_value(random, inner[0]): a_value(random, inner[1]) for _ in several}
    if kind is tuple and Ellipsis not in inner:
        return tuple(a_value(random, each) for each in inner)
    return kind(a_value(random, inner[0]) for _ in several)


def refused(random: Random, converter: Converter, was: Any, now: Any) -> Iterator[Any]:
    """Yield values of a type that another one does not take."""
    write, read = converter.conversion(was), converter.conversion(now)
    for _ in range(10):
        value = a_value(random, was)
        wire = json.loads(json.dumps(write.to_wire(value, "it")))
        try:
            read.from_wire(wire, "it")
        except ConversionError:
            yield wire


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_what_breaks_nothing_is_read(converter: Converter, seed: int) -> None:
    """As an argument of the new type, and as a result by those who know the old one."""
    random, harmless = Random(seed), 0
    for _ in range(200):
        was = a_type(random, 2)
        now = changed(random, was)
        takes = breaking_changes([of_types(was, None, converter)], [of_types(now, None, converter)])
        gives = breaking_changes([of_types(None, now, converter)], [of_types(None, was, converter)])
        if not (takes and gives):
            harmless += was is not now
            found = list(refused(random, converter, was, now))
            assert found == [], f"{was} became {now}: {takes} {gives}"
    assert harmless > 20
