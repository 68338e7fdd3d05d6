"""pydantic's schemas, changed so that its types travel as those of the other converters do.

pydantic takes the text itself for bytes, and its own base64 mode is the URL-safe one and a matter
of each model's configuration. It writes durations with years, which others do not read, checks an
``Iterable`` only as ``run`` reads it, and writes stars for a ``SecretStr``. So these schemas are
replaced within the schema of a type, those within models included.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import enum
from collections.abc import Sequence
from typing import Any

from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import (
    no_info_before_validator_function,
    plain_serializer_function_ser_schema,
)

#: What the error of a value says that pydantic hides.
HIDDEN = "has a secret, which pydantic writes as stars: give its type a serializer"

#: The method of enumerations that do not find members themselves.
_FINDS_NONE = enum.Enum._missing_.__func__  # type: ignore[attr-defined]

#: Kinds of schemas that never accept a text, so JSON objects cannot have such keys.
_NO_KEYS = frozenset(
    {"call", "dataclass", "dict", "frozenset", "list", "model", "none", "set", "tuple"}
)

#: Keys of a schema whose values are data of the type instead of schemas.
_DATA = frozenset({"cls", "metadata", "default", "function", "config", "expected"})

#: How pydantic's functions are called that write stars.
_WRITES_STARS = "_serialize_secret"


def travelling(schema: Any) -> tuple[Any, bool]:
    """Return a schema of pydantic's core as it travels, and whether that changed it.

    Bytes whose type says how they are written, such as ``Base64Bytes``, stay as they are.
    """
    if isinstance(schema, list | tuple):
        pairs = [travelling(each) for each in schema]
        return type(schema)(each for each, _ in pairs), any(changed for _, changed in pairs)
    if not isinstance(schema, dict):
        return schema, False
    kind = schema.get("type")
    if not isinstance(kind, str):  # the fields of a type, by name
        return _changed({key: travelling(each) for key, each in schema.items()}, schema)
    own = schema.get("serialization")
    if own is not None and _hides(own):
        own = plain_serializer_function_ser_schema(_refuse, when_used="unless-none")
        return travelling({**schema, "serialization": own})[0], True
    if own is not None and kind.startswith(("bytes", "function")):
        return schema, False
    if own is None and kind in _WRITTEN:
        return {**schema, "serialization": _WRITTEN[kind]}, True
    if kind == "generator":  # it would be checked in `run`
        return travelling({**schema, "type": "list"})[0], True
    if kind == "bytes":
        return no_info_before_validator_function(_read, schema, serialization=_BASE64), True
    return _changed({key: _part(key, each) for key, each in schema.items()}, schema)


def is_strict(schema: Any) -> bool:
    """Return whether a schema of pydantic's core, or one in it, is strict.

    A strict schema takes the text of a date, for example, only out of JSON text.
    """
    if isinstance(schema, list | tuple):
        return any(map(is_strict, schema))
    if not isinstance(schema, dict):
        return False
    if schema.get("type") == "lax-or-strict":
        return is_strict(schema["lax_schema"])
    return schema.get("strict") is True or any(
        is_strict(each) for key, each in schema.items() if key == "config" or key not in _DATA
    )


def check_readable(schema: Any) -> None:
    """Check that all keys, enumerations and literals in a schema can be read from JSON.

    An author's own function may read them, so what such a function stands before is not checked.

    Raises:
        TypeError: a value equals no JSON value, or a key cannot be a text.
    """
    if isinstance(schema, list | tuple):
        for each in schema:
            check_readable(each)
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    if isinstance(kind, str) and kind.startswith("function"):
        return
    if kind == "dict" and schema.get("keys_schema", {}).get("type") in _NO_KEYS:
        raise TypeError("pydantic does not read its keys, which are texts in JSON")
    for value in _declared(schema):
        if not isinstance(value, str | int | float | None):
            raise TypeError(f"pydantic reads no {type(value).__qualname__} in it from JSON")
    for key, each in schema.items():
        if key not in _DATA:
            check_readable(each)


def _declared(schema: Any) -> Sequence[Any]:
    """Return the values of an enumeration or a literal."""
    if schema.get("type") == "literal":
        return schema["expected"]  # type: ignore[no-any-return]
    if schema.get("type") != "enum" or schema["cls"]._missing_.__func__ is not _FINDS_NONE:
        return ()  # an enumeration may find its members itself
    return [each.value for each in schema["members"]]


def _part(key: str, schema: Any) -> tuple[Any, bool]:
    if key in _DATA:
        return schema, False
    if key == "serialization":  # of a sequence, whose function calls the one of its items
        if "schema" not in schema:
            return schema, False
        inner, changed = travelling(schema["schema"])
        return {**schema, "schema": inner}, changed
    return travelling(schema)


def _changed(parts: dict[str, tuple[Any, bool]], before: Any) -> tuple[Any, bool]:
    if not any(changed for _, changed in parts.values()):
        return before, False
    return {key: part for key, (part, _) in parts.items()}, True


def _hides(serialization: Any) -> bool:
    function = serialization.get("function")
    return (
        getattr(function, "__module__", "") == "pydantic.types"
        and getattr(function, "__name__", "").startswith(_WRITES_STARS)
    )  # fmt: skip


def _refuse(value: Any) -> Any:
    raise TypeError(HIDDEN)


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


def _duration(value: Any) -> Any:
    """Return a duration in days and seconds: a year, or a month, is not the same everywhere."""
    if not isinstance(value, datetime.timedelta):
        return value
    sign, value = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
    days = f"{value.days}D" if value.days or seconds == "0" else ""
    return f"{sign}P{days}" + ("" if seconds == "0" else f"T{seconds}S")


_BASE64 = plain_serializer_function_ser_schema(_written, when_used="unless-none")

#: How the values of a schema are written in JSON, if their type does not say.
_WRITTEN = {
    "timedelta": plain_serializer_function_ser_schema(_duration, when_used="json-unless-none")
}
