"""Activities for deciders that were written by hand: their input is one object, value or text.

SWF's input and result are texts without a format. A decider that was written without a framework
puts one thing into each; the first Flowy has ``[args, kwargs]``. Each class here reads one
such input. What is read may be a secret, so no error shows a value.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from ..exception import InputError, SerializationError
from ..task import Activity
from .json import encode_result, json_type, read_json, type_name


class ObjectActivity(Activity):
    """The base class of activities with one JSON object as input: the keyword arguments.

    ``{"path": "a.png"}`` calls ``run(path="a.png")``. If a task has no input, or an empty one,
    ``run`` gets no arguments. The result is the JSON text of the value, as ``Activity`` writes it.
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

    @classmethod
    def _serialize_arguments(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """Return the object of the arguments, each with the name that ``run`` gives it.

        Raises:
            TypeError: they do not fit ``run``, or one cannot be passed by its name.
        """
        return encode_result(_named(cls, args, kwargs))


class ValueActivity(Activity):
    """The base class of activities with one JSON value as input: the only argument.

    ``[1, 2]`` calls ``run([1, 2])``, and ``null`` calls ``run(None)``. If a task has no input, or
    an empty one, ``run`` gets no argument. The result is the JSON text of the value.
    """

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        """Return the value as the only argument."""
        return ((read_json(input),) if input else ()), {}

    @classmethod
    def _serialize_arguments(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """Return the JSON text of the only argument; None without one.

        Raises:
            TypeError: there are several.
        """
        given = _only(cls, args, kwargs)
        return encode_result(given[0]) if given else None


class TextActivity(Activity):
    """The base class of activities with plain text as input and result.

    ``a.png`` calls ``run("a.png")``. If a task has no input, ``run`` gets no argument. ``run``
    returns text, or None for an empty result.
    """

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        """Return the input as the only argument."""
        return (() if input is None else (input,)), {}

    @classmethod
    def _serialize_arguments(cls, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """Return the only argument; None without one.

        Raises:
            TypeError: there are several, or it is not text.
        """
        given = _only(cls, args, kwargs)
        if given and not isinstance(given[0], str):
            raise TypeError(f"Cannot call {cls.__qualname__}: {type_name(given[0])} is not text.")
        return given[0] if given else None

    @classmethod
    def _deserialize_result(cls, text: str | None) -> Any:
        """Return the text; an empty one if the task completed without."""
        return text or ""

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


def _named(
    activity: type[Activity], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by their names."""
    found = inspect.getattr_static(activity, "run")
    own = () if isinstance(found, staticmethod | classmethod) else (None,)
    signature = inspect.signature(activity.run, follow_wrapped=False)
    try:
        bound = signature.bind(*own, *args, **kwargs)
    except TypeError as error:
        raise TypeError(f"Cannot call {activity.__qualname__}: run() {error}.") from None
    named: dict[str, Any] = {}
    for each in list(signature.parameters.values())[len(own) :]:
        if each.name not in bound.arguments:
            continue
        if each.kind in (each.VAR_POSITIONAL, each.POSITIONAL_ONLY):
            raise TypeError(
                f"Cannot call {activity.__qualname__}: an argument of its {each.name!r} has no "
                "name, and its input is an object of names."
            )
        value = bound.arguments[each.name]
        named.update(value if each.kind is each.VAR_KEYWORD else {each.name: value})
    return named


def _only(
    activity: type[Activity], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, ...]:
    """Return the only argument of a call, or none."""
    given = (*args, *kwargs.values())
    if len(given) > 1:
        raise TypeError(
            f"Cannot call {activity.__qualname__} with {len(given)} arguments: its input is one."
        )
    return given
