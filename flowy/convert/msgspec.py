"""Converts by msgspec; the extra ``msgspec``.

msgspec's own errors name paths and types, but also a value that an enumeration does not have, and
whatever the ``__post_init__`` of a class says. So the texts here are made of those parts alone that
come from the types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.inspect import (
    BoolType,
    CollectionType,
    CustomType,
    DataclassType,
    DictType,
    Metadata,
    NamedTupleType,
    NoneType,
    StructType,
    TupleType,
    TypedDictType,
    type_info,
)

from ..exception import ConversionError
from ..texts import own_failure
from .converter import Converter, Schema
from .misfits import MISSING, ONE_OF_ITS_VALUES, UNKNOWN_FIELD
from .msgspec_schemas import schemas_of

#: How msgspec ends a text: with the path of the misfit.
_AT = re.compile(r" - at `(key` in `)?\$([^`]*)`$")

_MISSING_FIELD = re.compile(r"Object missing required field `(.+)`")

#: How texts begin that name a format; others that begin so have a value in them.
_FORMATS = {
    "Invalid RFC3339 encoded datetime": "datetime",
    "Invalid RFC3339 encoded date": "date",
    "Invalid RFC3339 encoded time": "time",
    "Invalid ISO8601 duration": "timedelta",
    "Invalid UUID": "UUID",
    "Invalid decimal string": "Decimal",
    "Invalid base64 encoded string": "bytes (base64)",
}


#: Types that have no text for a key.
_NO_KEYS = (
    BoolType, CollectionType, DataclassType, DictType, NamedTupleType, NoneType, StructType,
    TupleType, TypedDictType,
)  # fmt: skip


class MsgspecConverter(Converter):
    """Converts dataclasses, msgspec's structs, and all other types that msgspec knows.

    It is strict: it refuses ``"7"`` for a number. It ignores fields that a type does not have,
    unless the type forbids them.
    """

    def conversion(self, hint: Any) -> MsgspecConversion:
        """Return the conversion of an annotation."""
        msgspec.json.Decoder(hint)  # refuses what msgspec cannot decode
        for info in _types_in(type_info(hint), set()):
            _check(info)
        return MsgspecConversion(hint)

    def schemas(self, hints: Sequence[Any], *, of_results: bool) -> tuple[list[Schema], Schema]:
        """Return the JSON Schema of each annotation, and their definitions."""
        return schemas_of(hints, of_results=of_results)


class MsgspecConversion:
    """How values of one type travel."""

    def __init__(self, hint: Any) -> None:
        self._hint = hint

    def from_wire(self, value: Any, path: str) -> Any:
        """Return the value of a wire value."""
        try:
            return msgspec.convert(value, self._hint, str_keys=True)
        except msgspec.ValidationError as error:
            problem = _problem(error, path)
        # Outside the block, so that msgspec's error, with the value, is not its context.
        raise ConversionError([problem])

    def to_wire(self, value: Any, path: str) -> Any:
        """Return the wire value of a value, if it can be read again."""
        try:
            wire = msgspec.to_builtins(value, str_keys=True)
        except TypeError as error:
            problem = _unwritable(error)
        else:
            self.from_wire(wire, path)
            return wire
        raise ConversionError([f"{path}: {problem}"])


def _unwritable(error: TypeError) -> str:
    # The text of any other error may have a value.
    kind = re.fullmatch(r"Encoding objects of type ([\w.<>]+) is unsupported", str(error))
    return f"{kind[1]} has no JSON form" if kind else own_failure(error)


def _problem(error: msgspec.ValidationError, path: str) -> str:
    text, cause = str(error), error.__cause__
    at = _AT.search(text, len(str(cause)) if cause else 0)
    if at:
        text = text[: at.start()]
        path += at[2] + ("[...]" if at[1] else "")
    if cause is not None:
        return f"{path}: {own_failure(cause)}"
    if missing := _MISSING_FIELD.fullmatch(text):
        return f"{path}.{missing[1]}: {MISSING}"
    return f"{path}: {_expectation(text)}"


def _expectation(text: str) -> str:
    """Return what msgspec's *text* says of the type, without any value."""
    if text.startswith("Expected `"):
        return text.replace("`", "").replace("Expected", "expected", 1)
    if text.startswith("Object contains unknown field"):
        return UNKNOWN_FIELD
    if text.startswith(("Invalid enum value", "Invalid value")):
        return ONE_OF_ITS_VALUES
    known = (name for start, name in _FORMATS.items() if text.startswith(start))
    name = next(known, None)
    return "does not fit its type" if name is None else f"expected {name}"


def _check(info: Any) -> None:
    """Raise TypeError if no value of a type can travel."""
    if isinstance(info, CustomType):
        raise TypeError(f"msgspec does not know {info.cls.__module__}.{info.cls.__qualname__}")
    if isinstance(info, DictType):
        key = info.key_type
        while isinstance(key, Metadata):
            key = key.type
        if isinstance(key, _NO_KEYS):
            raise TypeError("msgspec cannot write its keys, which are texts in JSON")


def _types_in(info: Any, seen: set[int]) -> Iterator[Any]:
    """Yield a type and those in it."""
    if id(info) in seen:
        return
    seen.add(id(info))
    if isinstance(info, tuple):
        for each in info:
            yield from _types_in(each, seen)
    elif isinstance(info, msgspec.Struct):
        yield info
        for name in info.__struct_fields__:
            yield from _types_in(getattr(info, name), seen)
