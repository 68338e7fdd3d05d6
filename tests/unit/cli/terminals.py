"""A terminal that a test reads."""

from __future__ import annotations

import io


class Terminal(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        super().isatty()  # a ValueError if it is closed
        return True
