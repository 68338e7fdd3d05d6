"""JSON Schemas by msgspec, with what they leave out.

msgspec gives a time the format that JSON Schema knows only if it must have a zone, and calls a
field with a default one that may be missing, although it is always written. Without these, changes
that break callers would not be seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import msgspec
from msgspec import inspect

from .converter import INTEGER_KEYS, Schema

#: Formats of types that get none from msgspec, by JSON Schema's names.
_FORMATS = {inspect.DateTimeType: "date-time", inspect.TimeType: "time"}

#: Formats of types that get none as keys.
_KEY_FORMATS = {
    **_FORMATS,
    inspect.DateType: "date",
    inspect.DecimalType: "decimal",
    inspect.TimeDeltaType: "duration",
    inspect.UUIDType: "uuid",
}


def schemas_of(hints: Sequence[Any], *, of_results: bool) -> tuple[list[Schema], Schema]:
    """Return the JSON Schema of each annotation, and the definitions that they refer to."""
    found, definitions = msgspec.json.schema_components(hints)
    completion = _Completion(definitions, of_results=of_results)
    for info, schema in zip(inspect.multi_type_info(hints), found, strict=True):
        completion.add(info, schema)
    return list(found), dict(definitions)


class _Completion:
    def __init__(self, definitions: Schema, *, of_results: bool) -> None:
        self._definitions = definitions
        self._of_results = of_results
        self._seen: set[str] = set()

    def add(self, info: Any, schema: Any) -> None:
        """Add what the schema of a type lacks, and those of the types in it."""
        info = _bare(info)
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/$defs/")
            if name in self._seen:
                return
            self._seen.add(name)
            schema = self._definitions[name]
        if type(info) in _FORMATS:
            schema.setdefault("format", _FORMATS[type(info)])
        if isinstance(info, inspect.DictType) and (keys := _keys(info.key_type)):
            schema.setdefault("propertyNames", keys)
        if self._of_results and isinstance(info, inspect.DataclassType | inspect.StructType):
            _require_what_is_written(info, schema)
        for inner, part in _parts(info, schema):
            self.add(inner, part)


def _keys(info: Any) -> Schema:
    """Return the schema of a dictionary's keys, which are all texts; empty if that is all."""
    info = _bare(info)
    if isinstance(info, inspect.EnumType | inspect.LiteralType):
        values = [each.value for each in info.cls] if hasattr(info, "cls") else info.values
        return {"enum": sorted(map(str, values))}
    if isinstance(info, inspect.IntType):
        return dict(INTEGER_KEYS)
    return {"format": _KEY_FORMATS[type(info)]} if type(info) in _KEY_FORMATS else {}


def _require_what_is_written(info: Any, schema: Schema) -> None:
    config = getattr(info.cls, "__struct_config__", None)
    if "properties" in schema and not (config is not None and config.omit_defaults):
        required = schema.setdefault("required", [])
        names = (each.encode_name for each in info.fields if _is_written(each))
        required.extend(name for name in names if name not in required)


def _is_written(field: inspect.Field) -> bool:
    """Return whether a field is always there: not if its default is UNSET."""
    defaults = (field.default, field.default_factory)
    return field.required or any(each is not msgspec.NODEFAULT for each in defaults)


def _parts(info: Any, schema: Schema) -> Iterator[tuple[Any, Any]]:
    """Yield the types in a type, each with its schema."""
    if isinstance(info, inspect.UnionType):
        # A union with Any may have a struct twice.
        yield from zip(_in_order(info.types), _branches(schema), strict=False)
    elif isinstance(info, inspect.CollectionType):
        yield from _pair(info.item_type, schema.get("items"))
    elif isinstance(info, inspect.DictType):
        yield from _pair(info.value_type, schema.get("additionalProperties"))
    elif isinstance(info, inspect.TupleType):
        yield from zip(info.item_types, schema.get("prefixItems", ()), strict=False)
    elif hasattr(info, "fields"):
        properties, items = schema.get("properties", {}), schema.get("prefixItems", ())
        for field, item in zip_longest(info.fields, items[: len(info.fields)]):
            yield from _pair(field.type, properties.get(field.encode_name, item))


def _pair(info: Any, schema: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(schema, dict):
        yield info, schema


def _in_order(infos: Sequence[Any]) -> Iterator[Any]:
    """Yield the members of a union but null, as its schema has them: structs after others."""

    def is_struct(info: Any) -> bool:
        """Return whether the schema has it after others."""
        return isinstance(info, inspect.StructType) and not info.array_like

    for each in sorted(map(_bare, infos), key=is_struct):
        if isinstance(each, inspect.UnionType):  # within an Annotated
            yield from _in_order(each.types)
        elif not isinstance(each, inspect.NoneType):
            yield each


def _bare(info: Any) -> Any:
    while isinstance(info, inspect.Metadata):
        info = info.type
    return info


def _branches(schema: Any) -> Iterator[Any]:
    for each in schema["anyOf"]:
        if "anyOf" in each:
            yield from _branches(each)
        elif each.get("type") != "null":
            yield each
