"""Options that are declared once, as the fields of a dataclass.

What a field says of itself is its documentation, and makes the option of the command line.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import fields
from typing import Any


def about(
    help: str, *, metavar: str | None = None, kind: str = "", flag: str | None = None
) -> dict[str, Any]:
    """Describe an option: the metadata of its field.

    Args:
        help: what it means, for the docstring and the command line.
        metavar: how the command line shows its value.
        kind: how the command line reads its value: "count", "seconds", "choice", "objects",
            "text"; empty if the command line has no option of this name.
        flag: what the command line calls it; None if that follows from its name.
    """
    return {"help": help, "metavar": metavar, "kind": kind, "flag": flag}


def documented(doc: str | None, options: type[Any]) -> str:
    """Return a docstring whose line ``{options}`` describes the options of a dataclass."""
    entries = (
        textwrap.fill(
            f"{each.name}: {each.metadata['help']}",
            width=96,
            initial_indent=" " * 4,
            subsequent_indent=" " * 8,
        )
        for each in sorted(fields(options), key=lambda each: bool(each.kw_only))
    )
    return inspect.cleandoc(doc or "").replace("    {options}", "\n".join(entries))
