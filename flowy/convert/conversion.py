"""What a conversion is: how the values of one type become wire values, and back."""

from __future__ import annotations

from typing import Any, Protocol


class Conversion(Protocol):
    """How the values of one type become wire values, and back.

    Its errors must never contain a value, because they end up in histories and logs.
    """

    def from_wire(self, value: Any, path: str) -> Any:
        """Return the value of a wire value.

        Args:
            value: the value as it was decoded from the wire format.
            path: its place, such as ``order`` or ``rest[0]``; paths in errors begin with it.

        Raises:
            ConversionError: it does not fit the type. Of any other exception, the worker reports
                only the class and the place.
        """

    def to_wire(self, value: Any, path: str) -> Any:
        """Return the wire value of a value: dicts, lists, strings, numbers, booleans and None.

        Raises:
            ConversionError: it does not fit the type, or ``from_wire`` would not read it.
        """
