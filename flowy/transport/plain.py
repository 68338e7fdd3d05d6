"""Activities for deciders that were written by hand: their input is one object, value or text.

SWF's input and result are texts without a format. A decider that was written without a framework
puts one thing into each; the first Flowy has ``[args, kwargs]``. Each class here reads one
such input. What is read may be a secret, so no error shows a value.
"""

from __future__ import annotations

from typing import Any

from ..exception import InputError, SerializationError
from ..task import Activity
from .json import json_type, read_json, type_name


class ObjectActivity(Activity):
    """The base class of activities whose input is one JSON object: the keyword arguments.

    ``{"path": "a.png"}`` calls ``run(path="a.png")``; a task without input, or with an empty one,
    has no arguments. The result is the JSON text of the value, as ``Activity`` writes it.
    """

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        """Return the members of the object as keyword arguments."""
        if not input:
            return (), {}
        value = read_json(input)
        if not isinstance(value, dict):
            raise InputError(f"it is not a JSON object but {json_type(value)}.")
        return (), value


class ValueActivity(Activity):
    """The base class of activities whose input is one JSON value: the only argument.

    ``[1, 2]`` calls ``run([1, 2])``; a task without input, or with an empty one, has no argument,
    and ``null`` has the argument None. The result is the JSON text of the value.
    """

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        """Return the value as the only argument."""
        return ((read_json(input),) if input else ()), {}


class TextActivity(Activity):
    """The base class of activities whose input and result are text as it is.

    ``a.png`` calls ``run("a.png")``; a task without input has no argument. ``run`` returns text, or
    None for an empty result.
    """

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        """Return the input as the only argument."""
        return (() if input is None else (input,)), {}

    @staticmethod
    def _serialize_result(result: Any) -> str:
        """Return the text that ``run`` returned."""
        if result is None:
            return ""
        if not isinstance(result, str):
            raise SerializationError(
                f"{type_name(result)} at result is not text. Return text or None."
            )
        return result
