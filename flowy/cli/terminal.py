"""Text that is safe to print: values of activities and stores may contain control characters."""

from __future__ import annotations

import json
import re
import sys
from contextlib import suppress
from typing import Any

from ..texts import printable
from .colours import coloured, has_colours

#: Characters that messages and tracebacks need, although they are not printable.
_KEPT = "\n\t"

#: An escape in a JSON string; two for a letter beyond the first 65,536.
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)")


def say(text: str, *, prefix: str = "flowy: ") -> None:
    """Print a message on standard error, even if nobody reads it any more.

    Args:
        text: the message, made safe to print.
        prefix: what it begins with.
    """
    if sys.stderr is None:
        return  # closed from the start: print() would take standard output instead
    if has_colours(sys.stderr):
        prefix = coloured(prefix, "red" if text.startswith("Cannot ") else "bold")
    with suppress(OSError, ValueError):  # closed, or a pipe whose reader has gone
        print(f"{prefix}{printable(text, kept=_KEPT)}", file=sys.stderr)


def json_text(value: Any) -> str:
    """Return *value* as JSON for people: letters as they are, control characters escaped.

    All escapes are JSON's, so that programs can read the text too. If standard output cannot encode
    a letter, all letters beyond ASCII are escaped.
    """
    text = json.dumps(value, ensure_ascii=False)
    # Only strings hold characters that are not printable, so an escape is right anywhere.
    text = "".join(each if each.isprintable() else _json_escape(each) for each in text)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def readable(text: str) -> str:
    """Return the text of a value with letters instead of JSON's escapes for them; else as it is."""
    try:
        json.loads(text)
        letters = _ESCAPE.sub(_letter, text)
        letters.encode(sys.stdout.encoding or "utf-8")
    except (ValueError, RecursionError):  # no JSON, or an output that cannot have the letters
        return text
    return letters


def _letter(found: re.Match[str]) -> str:
    letter: str = json.loads(f'"{found[0]}"')
    return letter if letter.isprintable() and letter not in '"\\' else found[0]


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
