"""simpleflow's JSON: compact, with sorted keys, and with forms for some types that JSON lacks.

simpleflow's deciders read it with Python's ``json``, so NaN and the infinities may travel here.
"""

from __future__ import annotations

import datetime
import json
import types
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ...exception import InputError, SerializationError
from ..json import decode_result as decode_json
from ..json import json_type, read_json, type_name

#: The members of simpleflow's inputs.
_MEMBERS = frozenset({"args", "kwargs", "meta"})


def encode_input(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the input that a decider of simpleflow writes for these arguments.

    Raises:
        SerializationError: simpleflow cannot write an argument as JSON.
    """
    return encode({"args": list(args), "kwargs": dict(kwargs)})


def decode_result(text: str | None) -> Any:
    """Return the value of a result, as a decider of simpleflow reads it.

    Raises:
        SerializationError: the text is not JSON.
    """
    return decode_json(text)


def decode_input(text: str) -> tuple[list[Any], dict[str, Any]]:
    """Return ``(args, kwargs)`` from an input of simpleflow's.

    Raises:
        InputError: it is not JSON or not ``{"args": [...], "kwargs": {...}}``; or its ``meta`` asks
            for binaries, which simpleflow's workers download and run.
    """
    value = read_json(text)
    if not isinstance(value, dict):
        raise InputError(
            f'it is not an object with "args" and "kwargs" but {json_type(value)}. If the decider '
            "is not simpleflow's, use another base class."
        )
    if value and not _MEMBERS & value.keys():
        raise InputError('it is an object without "args" and "kwargs".')
    args, kwargs, meta = value.get("args", []), value.get("kwargs", {}), value.get("meta")
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise InputError(
            f'"args" and "kwargs" are not a list and an object, but {json_type(args)} and '
            f"{json_type(kwargs)}."
        )
    if isinstance(meta, dict) and meta.get("binaries"):
        raise InputError(
            '"meta" asks for binaries to be downloaded, which Flowy does not do. Install them '
            "where the worker runs."
        )
    return args, kwargs


def decode_meta(text: str | None) -> dict[str, Any]:
    """Return ``meta`` of an input of simpleflow's; empty if there is none."""
    if not text or '"meta"' not in text:
        return {}
    try:
        value = read_json(text)
    except InputError:
        return {}
    meta = value.get("meta") if isinstance(value, dict) else None
    return meta if isinstance(meta, dict) else {}


def encode(value: Any) -> str:
    """Return the JSON text of *value* as simpleflow writes it.

    Raises:
        SerializationError: the value, or something in it, has no JSON form in simpleflow.
    """
    try:
        return json.dumps(value, default=_encoded, separators=(",", ":"), sort_keys=True)
    except SerializationError:
        raise
    except RecursionError:
        raise SerializationError("the value is nested too deep for JSON.") from None
    except Exception as error:  # keys of several types, a value that contains itself
        raise SerializationError(
            f"the value has no JSON form in simpleflow ({type(error).__name__})."
        ) from None


def _encoded(value: Any) -> Any:
    """Return what stands for a value of a type that JSON lacks."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, datetime.datetime):
        text = value.isoformat()
        if value.microsecond:
            text = text[:23] + text[26:]  # milliseconds
        return text[:-6] + "Z" if text.endswith("+00:00") else text
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat()[:12] if value.microsecond else value.isoformat()
    if isinstance(value, types.GeneratorType | set | frozenset):
        return list(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    raise SerializationError(f"{type_name(value)} has no JSON form in simpleflow.")
