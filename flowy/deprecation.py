"""Marks names that only old code should use, for type checkers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # type checkers know typing_extensions even if it is not installed
    from typing_extensions import deprecated as deprecated
else:

    def deprecated(_text):
        """Mark a function as deprecated."""
        return lambda function: function
