"""The types of an activity's ``run``: they convert the arguments and the results of calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..exception import ConversionError
from ..texts import own_failure
from .conversion import Conversion
from .hints import is_raw

_Step = Callable[[Conversion, Any, str], Any]


class RunTypes:
    """The types of the arguments and the result of one ``run``.

    Defaults of parameters are never converted.

    Args:
        signature: that of ``run`` without its instance, with resolved annotations.
        prepare: returns the conversion of an annotation; the text names the annotation in errors.
    """

    def __init__(
        self, signature: inspect.Signature, prepare: Callable[[Any, str], Conversion]
    ) -> None:
        self.signature = signature
        parameters = signature.parameters.values()
        self._conversions = {
            each.name: prepare(each.annotation, f"parameter {each.name!r}")
            for each in parameters
            if not is_raw(each.annotation)
        }
        hint = signature.return_annotation
        self._result = None if is_raw(hint) else prepare(hint, "the result")
        self._by_position = [each.name for each in parameters if each.kind < each.VAR_POSITIONAL]
        self._by_name = {
            each.name
            for each in parameters
            if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        }
        # The names of *args and **kwargs, if it has them.
        self._rest = _name_of(parameters, inspect.Parameter.VAR_POSITIONAL)
        self._more = _name_of(parameters, inspect.Parameter.VAR_KEYWORD)

    def from_wire(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments for wire values, each by position or by name as it came.

        Raises:
            TypeError: they do not fit the signature.
            ConversionError: some do not fit their types; it names all of them.
        """
        return self._all(args, kwargs, _read)

    def to_wire(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the wire values of arguments; the errors are those of ``from_wire``."""
        return self._all(args, kwargs, _write)

    def result_from_wire(self, value: Any) -> Any:
        """Return the result for a wire value; a ConversionError if it does not fit its type."""
        return value if self._result is None else _read(self._result, value, "result")

    def result_to_wire(self, value: Any) -> Any:
        """Return the wire value of a result; a ConversionError if it does not fit its type."""
        return value if self._result is None else _write(self._result, value, "result")

    def _all(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], step: _Step
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        self.signature.bind(*args, **kwargs)
        problems: list[str] = []

        def converted(name: str, path: str, value: Any) -> Any:
            """Return one argument, or note why there is none."""
            conversion = self._conversions.get(name)
            if conversion is None:
                return value
            try:
                return step(conversion, value, path)
            except ConversionError as error:
                problems.extend(error.problems)
                return None

        by_position = tuple(converted(*self._at(index), value) for index, value in enumerate(args))
        by_name = {key: converted(*self._named(key), value) for key, value in kwargs.items()}
        if problems:
            raise ConversionError(problems)
        return by_position, by_name

    def _at(self, index: int) -> tuple[str, str]:
        """Return the parameter of a positional argument, and the path of that argument."""
        count = len(self._by_position)
        if index < count:
            name = self._by_position[index]
            return name, name
        return self._rest, f"{self._rest}[{index - count}]"

    def _named(self, key: str) -> tuple[str, str]:
        # A name that is not a parameter's is data of the caller's, and may be a secret.
        return (key, key) if key in self._by_name else (self._more, f"{self._more}[...]")


def _name_of(parameters: Iterable[inspect.Parameter], kind: object) -> str:
    return next((each.name for each in parameters if each.kind is kind), "")


def _read(conversion: Conversion, value: Any, path: str) -> Any:
    return _guarded(conversion.from_wire, value, path)


def _write(conversion: Conversion, value: Any, path: str) -> Any:
    return _guarded(conversion.to_wire, value, path)


def _guarded(convert: Callable[[Any, str], Any], value: Any, path: str) -> Any:
    """Convert; replace an exception of the author's own code by one that has no value in it."""
    try:
        return convert(value, path)
    except ConversionError:
        raise
    except Exception as error:
        failed = own_failure(error)
    # Outside the block, so that the exception with the value is not its context.
    raise ConversionError([f"{path}: {failed}"])
