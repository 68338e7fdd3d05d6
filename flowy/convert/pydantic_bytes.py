"""Bytes as standard base64 in pydantic's types, those within models included.

pydantic takes the text itself for bytes, and its own base64 mode is the URL-safe one and a matter
of each model's configuration. So the schemas of bytes are replaced within the schema of a type.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import (
    no_info_before_validator_function,
    plain_serializer_function_ser_schema,
)

#: Keys of a schema whose values are data of the type instead of schemas.
_DATA = frozenset({"cls", "metadata", "default", "function", "serialization", "config", "expected"})


def with_base64(schema: Any) -> tuple[Any, bool]:
    """Return a schema of pydantic's core whose bytes are base64, and whether that changed it.

    Bytes whose type says how they are written, such as ``Base64Bytes``, stay as they are.
    """
    if isinstance(schema, list | tuple):
        pairs = [with_base64(each) for each in schema]
        return type(schema)(each for each, _ in pairs), any(changed for _, changed in pairs)
    if not isinstance(schema, dict):
        return schema, False
    kind = schema.get("type")
    if not isinstance(kind, str):  # the fields of a type, by name
        return _changed({key: with_base64(each) for key, each in schema.items()}, schema)
    if "serialization" in schema and kind.startswith(("bytes", "function")):
        return schema, False
    if kind == "bytes":
        writes = plain_serializer_function_ser_schema(_written, when_used="unless-none")
        return no_info_before_validator_function(_read, schema, serialization=writes), True
    return _changed(
        {key: (each, False) if key in _DATA else with_base64(each) for key, each in schema.items()},
        schema,
    )


def _changed(parts: dict[str, tuple[Any, bool]], before: Any) -> tuple[Any, bool]:
    if not any(changed for _, changed in parts.values()):
        return before, False
    return {key: part for key, (part, _) in parts.items()}, True


def _read(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        # pydantic's text for it is not used.
        raise PydanticKnownError("bytes_type") from None


def _written(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
