"""What a converter is: it prepares one conversion for each annotation of ``run``."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from .conversion import Conversion
from .hints import typed_signature, unusable
from .run_types import RunTypes

#: A JSON Schema, or a part of one.
Schema = dict[str, Any]

#: The schema of a dictionary's keys that are integers: in JSON, all keys are texts.
INTEGER_KEYS: Schema = {"pattern": "^-?[0-9]+$"}


class Converter(ABC):
    """The base class of converters. One object may serve all activities, in several threads."""

    @abstractmethod
    def conversion(self, hint: Any) -> Conversion:
        """Return the conversion of a resolved annotation.

        Raises:
            Exception: the type cannot be converted; the text says why.
        """

    @abstractmethod
    def schemas(self, hints: Sequence[Any], *, of_results: bool) -> tuple[list[Schema], Schema]:
        """Return the JSON Schema of each annotation, and the definitions that they refer to.

        Args:
            hints: resolved annotations.
            of_results: True for results, which activities write; False for arguments, which they
                read.

        Returns:
            The schemas, which refer to a definition by ``#/$defs/NAME``, and the definitions.
        """

    def types_of(self, activity: type) -> RunTypes:
        """Return the types of the arguments and the result of an activity's ``run``.

        Raises:
            ScanError: an annotation cannot be resolved, or cannot be converted; the text has the
                file and the line of ``run``.
        """
        return _types_of(self, activity)


@functools.lru_cache(maxsize=1_000)
def _types_of(converter: Converter, activity: type) -> RunTypes:
    def prepare(hint: Any, what: str) -> Conversion:
        """Return the conversion of one annotation."""
        try:
            return converter.conversion(hint)
        except Exception as error:
            raise unusable(activity, what, hint, error) from error

    return RunTypes(typed_signature(activity), prepare)
