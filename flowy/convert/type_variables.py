"""The types that stand for the type variables of a generic class, such as ``Charge(Base[Order])``.

Both libraries take a variable without a type for ``Any``, and would pass its value raw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

#: Types by type variables.
Known = Mapping[Any, Any]


def known_in(activity: type, owner: type) -> Known:
    """Return the types that an activity gives to the type variables of one of its base classes.

    Args:
        activity: the class.
        owner: the base class, or the class itself.
    """
    if activity is owner:
        return {each: each for each in getattr(owner, "__parameters__", ())}
    for base in vars(activity).get("__orig_bases__", activity.__bases__):
        kind = get_origin(base) or base
        if isinstance(kind, type) and issubclass(kind, owner):
            given = dict(zip(getattr(kind, "__parameters__", ()), get_args(base), strict=False))
            return {each: with_types(hint, given) for each, hint in known_in(kind, owner).items()}
    return {}


def with_types(hint: Any, known: Known) -> Any:
    """Return an annotation with types instead of type variables, as far as they are known."""
    if isinstance(hint, TypeVar):
        return known.get(hint, hint)
    variables = _variables(hint)
    if not any(each in known for each in variables):
        return hint
    return hint[tuple(known.get(each, each) for each in variables)]


def check_known(hint: Any, activity: type) -> None:
    """Check that each type variable of a class has a type.

    Args:
        hint: an annotation after ``with_types``.
        activity: the class.

    Raises:
        TypeError: one has none, and may be any type.
    """
    own = {each for kind in activity.__mro__ for each in getattr(kind, "__parameters__", ())}
    for each in own.intersection([hint] if isinstance(hint, TypeVar) else _variables(hint)):
        if isinstance(each, TypeVar) and each.__bound__ is None and not each.__constraints__:
            raise TypeError(
                f"no class says what its type variable {each.__name__} is: derive from one that "
                "does, such as Base[Order]"
            )


def _variables(hint: Any) -> tuple[Any, ...]:
    """Return the type variables in an annotation; not those of a generic class that is bare."""
    model = getattr(hint, "__pydantic_generic_metadata__", None)
    if model is not None:  # in its own place, a model's class says the same when it is bare
        return tuple(model["parameters"])
    return () if get_origin(hint) is None else tuple(getattr(hint, "__parameters__", ()))
