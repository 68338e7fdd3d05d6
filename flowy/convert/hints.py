"""Resolves the annotations of an activity's ``run``, also those that are text.

With ``from __future__ import annotations`` all are text, and a name in them may be imported for
type checkers alone. A worker learns that when it scans, and not at the first task.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from ..exception import ScanError
from .type_variables import check_known, known_in, with_types

#: Annotations by which a value passes raw; that of a result that never comes is among them.
_RAW = (inspect.Parameter.empty, Any, object, typing.NoReturn, getattr(typing, "Never", Any))

_ONLY_COLLECTS = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})


def typed_signature(activity: type) -> inspect.Signature:
    """Return the signature of ``run`` without its instance, with all annotations resolved.

    A wrapper that takes ``*args, **kwargs`` alone has the signature of what it wraps, according to
    ``functools.wraps``; any other one has its own.

    Raises:
        ScanError: an annotation cannot be resolved.
    """
    function, signature = _signature(activity)
    resolve = _resolver(activity, inspect.unwrap(function))
    parameters = [
        each.replace(annotation=resolve(each.annotation, f"parameter {each.name!r}"))
        for each in signature.parameters.values()
    ]
    result = resolve(signature.return_annotation, "the result")
    return signature.replace(parameters=parameters, return_annotation=result)


def plain_signature(activity: type) -> inspect.Signature:
    """Return the signature of ``run`` without its instance, with its annotations as they are.

    Raises:
        ScanError: it has none.
    """
    return _signature(activity)[1]


def is_raw(annotation: object) -> bool:
    """Return whether values with this annotation are not converted."""
    return any(annotation is each for each in _RAW)


def unusable(activity: type, what: str, annotation: object, why: BaseException) -> ScanError:
    """Return the error for an annotation that cannot be used.

    Args:
        activity: the class.
        what: what is annotated so: a parameter, or the result.
        annotation: the annotation.
        why: what went wrong with it.
    """
    said = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = " ".join(str(why).split()).rstrip(".") or type(why).__name__
    return ScanError(
        f"Cannot convert {what} of {activity.__qualname__}.run at {_place(activity)}: its "
        f"annotation {said} cannot be used ({text}). Correct it, import its names at run time and "
        "not for type checkers alone, or annotate with Any to get the value as it came."
    )


def _signature(activity: type) -> tuple[Callable[..., Any], inspect.Signature]:
    """Return the function of ``run``, and its signature as far as a caller sees it."""
    run = inspect.getattr_static(activity, "run")
    # Binding leaves out `self`; any object will do.
    bound = run.__get__(object(), activity) if hasattr(run, "__get__") else run
    function = getattr(bound, "__func__", bound)
    try:
        signature = inspect.signature(bound, follow_wrapped=False)
        kinds = {each.kind for each in signature.parameters.values()}
        if hasattr(function, "__wrapped__") and kinds == _ONLY_COLLECTS:
            signature = inspect.signature(bound)
    except Exception as error:
        raise unusable(activity, "the signature", "of run", error) from error
    return function, signature


def _resolver(activity: type, function: Callable[..., Any]) -> Callable[[Any, str], Any]:
    names: Mapping[str, Any] = getattr(function, "__globals__", {})
    owner = next((each for each in activity.__mro__ if "run" in vars(each)), activity)
    known = known_in(activity, owner)

    def resolve(annotation: Any, what: str) -> Any:
        """Return an annotation without any text in it."""
        if annotation is inspect.Parameter.empty:
            return annotation
        try:
            try:
                hint = _resolved(annotation, dict(names))
            except NameError:  # a class in the body of the activity, or of one of its bases
                bodies = [vars(each) for each in reversed(activity.__mro__)]
                inner = {name: value for body in bodies for name, value in body.items()}
                hint = _resolved(annotation, {**inner, **names})
            hint = with_types(hint, known)
            check_known(hint, activity)
            return hint
        except Exception as error:
            raise unusable(activity, what, annotation, error) from error

    return resolve


def _resolved(annotation: Any, names: dict[str, Any]) -> Any:
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    return typing.get_type_hints(holder, names, include_extras=True)["it"]


def _place(activity: type) -> str:
    """Return the file and the line of ``run``, or of its module."""
    run = getattr(activity, "run", None)
    code = getattr(inspect.unwrap(getattr(run, "__func__", run)), "__code__", None)  # type: ignore[arg-type]
    return f"{code.co_filename}:{code.co_firstlineno}" if code else activity.__module__
