"""The first Flowy's JSON, with errors that name types, paths and positions, never a value.

Inputs and results may be secrets, and the texts of errors end up in logs and histories.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..exception import InputError, SerializationError
from ..writing import is_encrypted_later

#: How many items are searched at most for the one that has no JSON form.
_MAX_LOOKED_INTO = 100_000

#: How many levels of nesting are searched at most; json gives up at about 1,000.
_MAX_DEPTH = 200


#: What errors call NaN, Infinity and -Infinity. Python's json could write them, but parsers in
#: other languages would refuse the whole text.
_NOT_FINITE = "float that is NaN or infinite"

#: What errors call an int that Python refuses to write, and to read.
_TOO_LONG = "int of too many digits"

_PLAIN = "Return dicts, lists, strings, numbers, booleans and None."
_STRICT = "Return None or a string for it, or write your own JSON: override _serialize_result."


def encode_input(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """Return the wire text of a call's arguments.

    Raises:
        SerializationError: an argument has no JSON form (NaN has none, either), or two keys of a
            dictionary in it are the same key in JSON.
    """
    return _encode([list(args), dict(kwargs)], "argument", "input")


def decode_input(text: str | None) -> tuple[list[Any], dict[str, Any]]:
    """Return ``(args, kwargs)`` from the wire text of a task's input.

    Raises:
        InputError: the input is missing, not JSON, not ``[args, kwargs]``, or nested too deep to
            be read.
    """
    if text is None or text == "":
        raise InputError("the task has no input. Schedule it with the JSON text of [args, kwargs].")
    value = read_json(text)
    if not isinstance(value, list) or len(value) != 2:
        what = f"a list of {len(value)}" if isinstance(value, list) else json_type(value)
        raise InputError(f"it is not [args, kwargs] but {what}.")
    args, kwargs = value
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise InputError(
            "it is not [args, kwargs], a list and an object, but "
            f"[{json_type(args)}, {json_type(kwargs)}]."
        )
    return args, kwargs


def read_json(text: str) -> Any:
    """Return the value of an input that is one JSON text.

    Raises:
        InputError: it is not JSON, or nested too deep to be read.
    """
    if not isinstance(text, str):
        raise InputError(f"it is not text but {type_name(text)}.")
    try:
        return json.loads(text)
    except RecursionError:
        raise InputError("it is nested too deep to be read.") from None
    except ValueError as error:
        raise InputError(f"it is not JSON ({_place(error)}).") from None


def encode_result(value: Any) -> str:
    """Return the wire text of a result.

    Raises:
        SerializationError: the value, or something in it, has no JSON form (NaN has none, either),
            or two keys of a dictionary in it are the same key in JSON.
    """
    return _encode(value, "value", "result")


def encode_details(details: object) -> str | None:
    """Return the wire text of a heartbeat's details: text as it is, None for none, else JSON.

    Raises:
        SerializationError: the details are not JSON-serializable.
    """
    return details if details is None or isinstance(details, str) else encode_result(details)


def decode_details(text: str | None) -> Any:
    """Return the value of a heartbeat's details that SWF kept; text that is not JSON stays text.

    Details that were cut to SWF's limit are text, too.
    """
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def decode_result(text: str | None) -> Any:
    """Return the value of a result's wire text; None if the task completed without one.

    Raises:
        SerializationError: the text is not JSON.
    """
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = _place(error) if isinstance(error, ValueError) else "nested too deep"
        raise SerializationError(f"Cannot read the result: it is not JSON ({where}).") from None


def _encode(value: Any, noun: str, path: str) -> str:
    try:
        text = json.dumps(value, allow_nan=False)
    except RecursionError:
        raise SerializationError(f"the {noun} is nested too deep for JSON.") from None
    except Exception as error:  # a subclass of dict, list or int may raise anything at all
        found = _first_misfit(value, path)
        what = found[1] if found else type_name(value)
        raise SerializationError(
            f"{what} at {found[0] if found else path} has no JSON form ({type(error).__name__}). "
            + (_STRICT if what in (_NOT_FINITE, _TOO_LONG) else _PLAIN)
        ) from None
    collision = _first_collision(value, path)
    if collision is not None:
        at, keys = collision
        raise SerializationError(
            f"keys {keys} at {at} are the same key in JSON, so one value would be lost. "
            "Make all keys strings."
        )
    return text


def _first_misfit(value: Any, path: str) -> tuple[str, str] | None:
    """Return the path and the type of the first thing in *value* that has no JSON form."""
    for item, at, above in _items(value, path):
        if id(item) in above:
            return at, f"{type_name(item)} that contains itself"
        if isinstance(item, dict):
            for key in item:
                if not isinstance(key, str | int | float | bool | None):
                    return at, f"key of type {type_name(key)}"
                if number := _misfit_number(key):
                    return at, number
        elif number := _misfit_number(item):
            return at, number
        elif not isinstance(item, list | tuple):
            try:
                json.dumps(item)
            except Exception:
                return at, type_name(item)
    return None


def _misfit_number(item: Any) -> str:
    """Return what errors call a number that has no JSON form; empty for anything else."""
    if isinstance(item, float) and not math.isfinite(item):
        return _NOT_FINITE
    if isinstance(item, int):
        try:
            int.__repr__(item)
        except ValueError:
            return _TOO_LONG
    return ""


def _first_collision(value: Any, path: str) -> tuple[str, str] | None:
    """Return the path of the first dictionary with two keys that are the same in JSON, and them."""
    if not _has_other_keys(value):
        return None
    for item, at, _above in _items(value, path):
        if isinstance(item, dict):
            seen: dict[str, Any] = {}
            for key in dict.keys(item):
                said = str.__str__(key) if isinstance(key, str) else json.dumps(key)
                if said in seen:
                    return at, f"{_key(seen[said])} and {_key(key)}"
                seen[said] = key
    return None


def _has_other_keys(value: Any) -> bool:
    """Return whether a dictionary in *value* has keys that are not strings, which is rare."""
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if not all(isinstance(key, str) for key in dict.keys(item)):
                return True
            todo.extend(dict.values(item))
        elif isinstance(item, list | tuple):
            todo.extend(item)
    return False


def _items(value: Any, path: str) -> Iterator[tuple[Any, str, frozenset[int]]]:
    """Yield *value* and everything in it, in order, each with its path and its containers' ids.

    A container that contains itself is yielded once more, but not searched again.
    """
    todo: list[tuple[Any, str, frozenset[int]]] = [(value, path, frozenset())]
    for _ in range(_MAX_LOOKED_INTO):
        if not todo:
            return
        item, at, above = todo.pop()
        yield item, at, above
        if isinstance(item, dict):
            # dict.items, because a subclass's own method may raise anything.
            children = [(child, f"{at}[{_key(key)}]") for key, child in dict.items(item)]
        elif isinstance(item, list | tuple):
            children = [(child, f"{at}[{number}]") for number, child in enumerate(item)]
        else:
            continue
        if len(above) < _MAX_DEPTH and id(item) not in above:
            inner = above | {id(item)}
            todo.extend((child, where, inner) for child, where in reversed(children))


def _key(key: Any) -> str:
    # Keys are the author's names, not values, unless the value is encrypted: then everything is.
    if is_encrypted_later():
        return "..."
    # A very long one would hide the path.
    text = repr(key)
    return text if len(text) <= 40 else text[:37] + "..."


def _place(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos}"
    return "a number in it has too many digits"


def json_type(value: Any) -> str:
    """Return what JSON calls the type of a value that was read from JSON."""
    if value is None:
        return "null"
    names: dict[type, str] = {
        bool: "a boolean", int: "a number", float: "a number", str: "a string",
        list: "a list", dict: "an object",
    }  # fmt: skip
    return names[type(value)]


def type_name(value: Any) -> str:
    """Return the name of a value's type, with its module unless it is built in."""
    kind = type(value)
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
