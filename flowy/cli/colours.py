"""Colours on a terminal: they help the eye, and never carry what the text does not say.

There are none in a pipe or a file, none if the variable ``NO_COLOR`` is set and not empty
(https://no-color.org), and none on a terminal that calls itself ``dumb``.
"""

from __future__ import annotations

import os
from typing import Any, Literal

Colour = Literal["bold", "green", "red", "yellow"]

#: The numbers of SGR, the terminal's "select graphic rendition".
_SGR: dict[Colour, int] = {"bold": 1, "green": 32, "red": 31, "yellow": 33}

#: The words of a table's cell that tell how something ended, by their colour.
_WORDS: dict[str, Colour] = {
    "completed": "green",
    "live": "green",
    "failed": "red",
    "timed": "red",
    "terminated": "red",
    "differs": "red",
    "lost": "red",
    "canceled": "yellow",
    "deprecated": "yellow",
    "open": "yellow",
}


def has_colours(stream: Any) -> bool:
    """Return whether what is written to *stream* may be coloured."""
    return not os.environ.get("NO_COLOR") and is_terminal(stream)


def is_terminal(stream: Any) -> bool:
    """Return whether *stream* is a terminal that can do more than print lines."""
    if os.environ.get("TERM") == "dumb":
        return False
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):  # None, or closed
        return False


def coloured(text: str, colour: Colour) -> str:
    """Return *text* in a colour, with white space around it left as it is."""
    inner = text.strip()
    return text.replace(inner, f"\x1b[{_SGR[colour]}m{inner}\x1b[0m", 1) if inner else text


def coloured_cell(row: int, cell: str) -> str:
    """Return the cell of a table in its colour: headings are bold, outcomes green or red."""
    if row == 0:
        return coloured(cell, "bold")
    word = cell.strip().partition(" ")[0].rstrip(":")
    colour = _WORDS.get(word)
    return coloured(cell, colour) if colour else cell
