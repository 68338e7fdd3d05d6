"""A generic base class: its type variables are what the activity says that they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pydantic
import pytest

from flowy import Activity
from flowy.convert import Converter
from flowy.exception import ScanError
from tests.unit.convert.orders import BOTH, CONVERTERS, Line

T = TypeVar("T")
U = TypeVar("U")
Y = TypeVar("Y")
Bound = TypeVar("Bound", bound=Line)


@dataclass
class Box(Generic[T]):
    """A generic dataclass."""

    value: T


class Envelope(pydantic.BaseModel, Generic[T]):
    """A generic model."""

    value: T


class Base(Activity, Generic[T]):
    def run(self, one: T, box: Box[T], by: dict[str, list[T]], maybe: T | None, *rest: T) -> Box[T]:
        return box


class Lines(Base[list[U]], Generic[U]):
    """In between, with another variable."""


class OfLine(Base[Line]):
    """Knows the type."""


class OfLines(Lines[Line]):
    """Knows it by two steps."""


class Unknown(Lines):  # type: ignore[type-arg]
    """Forgets to say it."""


class Models(Activity, Generic[T]):
    def run(self, it: Envelope[T], each: dict[str, list[Envelope[T]] | None]) -> None:
        """Do nothing."""


class OfModels(Models[Line]):
    """Knows the type."""


class Limited(Activity, Generic[Bound]):
    def run(self, one: Bound, any_of_this_call: Y, bare: Box) -> None:  # type: ignore[type-arg]
        """Do nothing."""


WIRE = {"sku": "a", "price": "1.50", "scan": ""}
LINE = CONVERTERS["msgspec"].conversion(Line).from_wire(WIRE, "it")


@BOTH
@pytest.mark.parametrize(
    ("kind", "wire", "value"), [(OfLine, WIRE, LINE), (OfLines, [WIRE], [LINE])]
)
def test_types_of_the_activity(converter: Converter, kind: type, wire: Any, value: Any) -> None:
    """They are converted wherever the variable stands, instead of passing raw."""
    types_ = converter.types_of(kind)
    args = [wire, {"value": wire}, {"k": [wire]}, wire, wire]
    taken, _ = types_.from_wire(args, {})
    assert taken == (value, Box(value), {"k": [value]}, value, value)
    assert types_.to_wire(taken, {})[0] == tuple(args)
    assert types_.result_to_wire(Box(value)) == {"value": wire}


def test_models() -> None:
    """A generic model of pydantic, too."""
    one = {"value": WIRE}
    types_ = CONVERTERS["pydantic"].types_of(OfModels)
    (taken, several), _ = types_.from_wire([one, {"k": [one]}], {})
    assert taken.value == several["k"][0].value == LINE


@BOTH
@pytest.mark.parametrize("kind", [Base, Lines, Unknown, Models])
def test_no_type(converter: Converter, kind: type) -> None:
    """Flowy never falls back to raw values: the scan refuses it."""
    with pytest.raises(ScanError, match=r"no class says what its type variable [TU] is"):
        converter.types_of(kind)


@BOTH
def test_variables_that_need_no_type(converter: Converter) -> None:
    """A limited one is its limit; one of the function alone may be anything."""
    args = [WIRE, {"value": WIRE}, {"value": WIRE}]
    assert converter.types_of(Limited).from_wire(args, {})[0] == (LINE, args[1], Box(WIRE))
