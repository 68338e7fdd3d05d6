"""Converts by pydantic; the extra ``pydantic``.

pydantic's errors contain the value, its key and whatever a validator says. So the texts here are
made of the kind of an error and of those parts of its place that come from the types.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError, SchemaSerializer, SchemaValidator
from pydantic_core.core_schema import BytesSchema, DecimalSchema, DictSchema, ErrorType

from ..exception import ConversionError
from ..texts import own_failure
from .converter import INTEGER_KEYS, Converter, Schema
from .misfits import MISSING, ONE_OF_ITS_VALUES, UNKNOWN_FIELD, joined
from .pydantic_schemas import HIDDEN, check_readable, is_strict, travelling

#: The kinds of errors that pydantic itself has; an author's may have a value in their names.
_KINDS = frozenset(get_args(ErrorType))

#: What was expected, by the beginning of the error's kind. The first match counts.
_EXPECTED = {
    "int_": "int", "float_": "float", "finite_": "finite number", "string_type": "str",
    "string_sub_type": "str", "string_unicode": "str", "bool_": "bool", "bytes_": "bytes (base64)",
    "datetime_": "datetime", "date_": "date", "timezone_": "datetime", "time_delta_": "timedelta",
    "time_": "time", "uuid_": "UUID", "decimal_": "Decimal", "list_": "array",
    "tuple_": "array", "set_": "array", "frozen_set_": "array", "iterable_": "array",
    "dict_": "object", "mapping_": "object", "model_": "object", "dataclass_": "object",
    "none_": "null", "url_": "URL", "complex_": "complex",
}  # fmt: skip

#: The same for kinds that are known by their whole name.
_SAID = {
    "missing": MISSING,
    "missing_argument": MISSING,
    "extra_forbidden": UNKNOWN_FIELD,
    "unexpected_keyword_argument": UNKNOWN_FIELD,
    "enum": ONE_OF_ITS_VALUES,
    "literal_error": ONE_OF_ITS_VALUES,
    "union_tag_invalid": ONE_OF_ITS_VALUES,
    "union_tag_not_found": ONE_OF_ITS_VALUES,
}


class PydanticConverter(Converter):
    """Converts pydantic's models, dataclasses, and all other types that pydantic knows.

    Unless a model is strict, it converts as pydantic does: ``"7"`` becomes the number 7. Bytes are
    standard base64, unless their type says otherwise.
    """

    def conversion(self, hint: Any) -> PydanticConversion:
        """Return the conversion of an annotation."""
        adapter = TypeAdapter(hint)
        if not adapter.pydantic_complete:
            adapter.rebuild(force=True, raise_errors=True)  # says which name is not defined
        check_readable(adapter.core_schema)
        return PydanticConversion(adapter)

    def schemas(self, hints: Sequence[Any], *, of_results: bool) -> tuple[list[Schema], Schema]:
        """Return the JSON Schema of each annotation, and their definitions."""
        mode: Any = "serialization" if of_results else "validation"
        found, whole = TypeAdapter.json_schemas(
            [(number, mode, TypeAdapter(hint)) for number, hint in enumerate(hints)],
            schema_generator=_Schemas,
        )
        return [found[number, mode] for number in range(len(hints))], whole.get("$defs", {})


class PydanticConversion:
    """How values of one type travel."""

    def __init__(self, adapter: TypeAdapter[Any]) -> None:
        self._adapter = adapter
        self._validator: Any = adapter.validator
        self._serializer: Any = adapter.serializer
        self._strict = is_strict(adapter.core_schema)
        schema, changed = travelling(adapter.core_schema)
        if changed:  # pydantic would take the validators of the models, which know nothing of it
            self._validator = SchemaValidator(schema, _use_prebuilt=False)
            self._serializer = SchemaSerializer(schema, _use_prebuilt=False)
        self._fields: frozenset[str] | None = None

    def from_wire(self, value: Any, path: str) -> Any:
        """Return the value of a wire value."""
        try:
            if self._strict:
                return self._validator.validate_json(json.dumps(value))
            return self._validator.validate_python(value)
        except ValidationError as error:
            problems = joined(self._problems(error, value, path))
        # Outside the block, so that pydantic's error, with the value, is not its context.
        raise ConversionError(problems)

    def to_wire(self, value: Any, path: str) -> Any:
        """Return the wire value of a value, if it can be read again."""
        # Without warnings, which would show the value: reading it again tells what does not fit.
        try:
            wire = self._serializer.to_python(value, mode="json", by_alias=True, warnings=False)
        except PydanticSerializationError as error:
            problem = _unwritable(error)
        else:
            self.from_wire(wire, path)
            return wire
        raise ConversionError([f"{path}: {problem}"])

    def _problems(self, error: ValidationError, value: Any, path: str) -> Iterator[tuple[str, str]]:
        if self._fields is None:
            self._fields = frozenset(_names(self._adapter))
        for each in error.errors(include_input=False, include_url=False):
            place, kind = each["loc"], each["type"]
            if _SAID.get(kind) is UNKNOWN_FIELD:
                place = place[:-1]  # the name of that field is data
            yield path + self._steps(place, value), _problem(kind, each.get("ctx", {}))

    def _steps(self, place: Sequence[int | str], value: Any) -> str:
        """Return a path that has no key of a dictionary, nor the names of a union's branches."""
        assert self._fields is not None
        text, at = "", value
        for step in place:
            if isinstance(at, list | tuple) and isinstance(step, int):
                text += f"[{step}]"
                at = at[step] if step < len(at) else None
            elif isinstance(at, dict) and step in self._fields:
                text += f".{step}"
                at = at.get(step)
            elif isinstance(at, dict) and (step in at or str(step) in at):
                text += "[...]"
                at = at.get(step, at.get(str(step)))
        return text


class _Schemas(GenerateJsonSchema):
    """Says what travels: base64 and decimals, and all fields of results that have a default."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Return whether a field is always there."""
        if self.mode == "serialization" and field["type"] != "typed-dict-field":
            return field.get("serialization_exclude_if") is None
        return super().field_is_required(field, total)

    def dict_schema(self, schema: DictSchema) -> Schema:
        """Return the schema of a dictionary."""
        found = super().dict_schema(schema)
        if schema.get("keys_schema", {}).get("type") == "int":
            found.setdefault("propertyNames", dict(INTEGER_KEYS))
        return found

    def decimal_schema(self, schema: DecimalSchema) -> Schema:
        """Return the schema of a decimal."""
        found = super().decimal_schema(schema)
        for each in (found, *found.get("anyOf", ())):
            if each.get("type") == "string":
                each.pop("pattern", None)  # which older versions of pydantic give
                each["format"] = "decimal"
        return found

    def bytes_schema(self, schema: BytesSchema) -> Schema:
        """Return the schema of bytes."""
        return {"type": "string", "contentEncoding": "base64"}


def _unwritable(error: PydanticSerializationError) -> str:
    if HIDDEN in str(error):
        return HIDDEN
    # The text of any other error may have a value.
    kind = re.fullmatch(r"Unable to serialize unknown type: (<class '[\w.<>]+'>)", str(error))
    return f"{kind[1]} has no JSON form" if kind else own_failure(error)


def _problem(kind: str, context: Mapping[str, Any]) -> str:
    """Return what a kind of error says; of the context, only the exception of a validator."""
    if said := _SAID.get(kind):
        return said
    cause = context.get("error")
    if isinstance(cause, Exception):
        return own_failure(cause)
    expected = next((name for start, name in _EXPECTED.items() if kind.startswith(start)), None)
    if kind not in _KINDS:
        return "fails a check of its own"
    return f"does not fit ({kind})" if expected is None else f"expected {expected}"


def _names(adapter: TypeAdapter[Any]) -> Iterator[str]:
    """Yield the names of all fields in a type, as its JSON Schema has them."""
    todo: list[Any] = []
    try:
        todo.append(adapter.json_schema())
    except Exception:
        return  # a type without a JSON Schema: its paths will lack names
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            properties = part.get("properties")
            if isinstance(properties, dict):
                yield from properties
            todo.extend(part.values())
        elif isinstance(part, list):
            todo.extend(part)
