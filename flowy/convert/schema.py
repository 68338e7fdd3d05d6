"""The JSON Schema of what an activity takes and returns, for callers in other languages and for CI.

The arguments are one schema of an object, by the names of the parameters. What JSON Schema has no
word for stands under ``x-by-position``: the names of the parameters that may be given by position,
in their order; ``x-only-by-position``: those that cannot be given by name, if any; and
``x-more-by-position``: the schema of ``*args``.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from .converter import Converter, Schema
from .hints import is_raw, plain_signature, typed_signature


def schemas_of(activity: type, converter: Converter | None) -> tuple[Schema, Schema]:
    """Return the JSON Schema of the arguments of an activity's ``run``, and that of its result.

    Args:
        activity: the class.
        converter: its converter; None says nothing of types, and all of parameters.

    Raises:
        ScanError: the converter cannot use an annotation.
        Exception: the converter has no JSON Schema for a type.
    """
    if converter is None:
        return _arguments(list(plain_signature(activity).parameters.values()), {}, {}), {}
    signature = typed_signature(activity)
    parameters = list(signature.parameters.values())
    typed = [each for each in parameters if not is_raw(each.annotation)]
    found, definitions = converter.schemas([each.annotation for each in typed], of_results=False)
    by_name = {each.name: schema for each, schema in zip(typed, found, strict=True)}
    arguments = _arguments(parameters, by_name, definitions)
    if is_raw(signature.return_annotation):
        return arguments, {}
    (result,), definitions = converter.schemas([signature.return_annotation], of_results=True)
    return arguments, {**result, **_defined(definitions)}


def _arguments(
    parameters: Sequence[inspect.Parameter], schemas: Schema, definitions: Schema
) -> Schema:
    arguments: Schema = {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
        "x-by-position": [],
        "x-more-by-position": False,
    }
    for each in parameters:
        schema: Any = schemas.get(each.name, {})
        if each.kind is each.VAR_POSITIONAL:
            arguments["x-more-by-position"] = schema
            continue
        if each.kind is each.VAR_KEYWORD:
            arguments["additionalProperties"] = schema
            continue
        arguments["properties"][each.name] = schema
        if each.default is each.empty:
            arguments["required"].append(each.name)
        if each.kind is not each.KEYWORD_ONLY:
            arguments["x-by-position"].append(each.name)
        if each.kind is each.POSITIONAL_ONLY:
            arguments.setdefault("x-only-by-position", []).append(each.name)
    return {**arguments, **_defined(definitions)}


def _defined(definitions: Schema) -> Schema:
    return {"$defs": definitions} if definitions else {}
