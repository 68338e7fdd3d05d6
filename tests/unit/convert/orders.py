"""Types that both converters know; the golden file and other tests use them."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Optional
from uuid import UUID

import msgspec
import pydantic
import pytest

from flowy.convert import Converter
from flowy.convert.msgspec import MsgspecConverter
from flowy.convert.pydantic import PydanticConverter


class Colour(enum.Enum):
    RED = "red"


@dataclass
class Line:
    sku: str
    price: Decimal
    scan: bytes = b""


@dataclass
class Node:
    name: str
    inner: list[Node] = field(default_factory=list)


@dataclass
class Checked:
    """Its own check quotes the value, as such checks do."""

    card: str

    def __post_init__(self) -> None:
        raise ValueError(f"no card: {self.card} - at `$.{self.card}`")


class StrictStruct(msgspec.Struct, forbid_unknown_fields=True):
    one: int


class StrictModel(pydantic.BaseModel, extra="forbid"):
    one: int


TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "None": None,
    "datetime": datetime,
    "date": date,
    "timedelta": timedelta,
    "UUID": UUID,
    "Decimal": Decimal,
    "bytes": bytes,
    "Colour": Colour,
    "Literal": Literal["a", "b"],
    "int | None": Optional[int],  # noqa: UP045 - as older code has it
    "int | str": int | str,
    "list[date]": list[date],
    "tuple": tuple[int, str],
    "dict[int, Decimal]": dict[int, Decimal],
    "dict[str, list[bytes]]": dict[str, list[bytes]],
    "Sequence[bytes]": Sequence[bytes],
    "dict[str, Any]": dict[str, Any],
    "set[int]": set[int],
    "Line": Line,
    "Line | None": Line | None,
    "Node": Node,
    "Checked": Checked,
    "list[Checked]": list[Checked],
}

#: One of each for all tests.
CONVERTERS: dict[str, Converter] = {"msgspec": MsgspecConverter(), "pydantic": PydanticConverter()}

#: Runs a test with each converter.
BOTH = pytest.mark.parametrize("converter", CONVERTERS.values(), ids=CONVERTERS)


def hint_of(name: str, converter: Converter) -> Any:
    """Return the annotation that the golden file calls so."""
    if name == "Strict":
        return StrictStruct if isinstance(converter, MsgspecConverter) else StrictModel
    return TYPES[name]
