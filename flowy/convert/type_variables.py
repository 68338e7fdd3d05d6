"""The types that stand for the type variables of a generic class, such as ``Charge(Base[Order])``.

Both libraries take a variable without a type for ``Any``, and would pass its value raw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

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
    if model := _model_variables(hint):
        types_ = tuple(known.get(each, each) for each in model)
        return hint if types_ == model else hint[types_]
    origin, args = get_origin(hint), get_args(hint)
    inner = tuple(with_types(each, known) for each in args)
    if origin is None or all(new is old for new, old in zip(inner, args, strict=True)):
        return hint
    if origin is Annotated:
        return Annotated[inner]
    return Union[inner] if origin in (Union, UnionType) else origin[inner]  # noqa: UP007


def check_known(hint: Any, activity: type) -> None:
    """Check that each type variable of a class has a type.

    Args:
        hint: an annotation after ``with_types``.
        activity: the class.

    Raises:
        TypeError: one has none, and may be any type.
    """
    own = {each for kind in activity.__mro__ for each in getattr(kind, "__parameters__", ())}
    for each in own.intersection(_variables(hint)) if own else ():
        if isinstance(each, TypeVar) and each.__bound__ is None and not each.__constraints__:
            raise TypeError(
                f"no class says what its type variable {each.__name__} is: derive from one that "
                "does, such as Base[Order]"
            )


def _variables(hint: Any) -> Iterator[Any]:
    """Yield the type variables in an annotation; not those of a generic class that is bare."""
    if isinstance(hint, TypeVar):
        yield hint
    yield from _model_variables(hint)
    for each in get_args(hint):
        yield from _variables(each)


def _model_variables(hint: Any) -> tuple[Any, ...]:
    """Return the type variables of a model; one that has its own variables is like a bare one."""
    model = getattr(hint, "__pydantic_generic_metadata__", None)
    return () if model is None else tuple(model["parameters"])
