"""Options that are declared once, as the fields of a dataclass.

The metadata of a field is its documentation, and also defines its option on the command line.
"""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import Field, fields
from typing import Any


def about(
    help: str,
    *,
    in_python: str = "",
    metavar: str | None = None,
    kind: str = "",
    flag: str | None = None,
) -> dict[str, Any]:
    """Return the metadata of a field, which describes an option.

    Args:
        help: what the option means; the docstring and the command line show it.
        in_python: more about the option in Python; only the docstring shows it.
        metavar: the name of its value in the help of the command line.
        kind: how the command line reads its value: "count", "number", "seconds", "choice",
            "objects", "text", "flag"; empty if the option is not on the command line.
        flag: its name on the command line; None to derive that from the name of the field.
    """
    return {
        "help": help,
        "in_python": in_python,
        "metavar": metavar,
        "kind": kind,
        "flag": flag,
    }


def explained(option: Field[Any]) -> str:
    """Return all that a docstring says about an option."""
    return f"{option.metadata['help']} {option.metadata['in_python']}".rstrip()


def documented(doc: str | None, options: type[Any]) -> str:
    """Return a docstring whose line ``{options}`` describes the options of a dataclass."""
    entries = (
        textwrap.fill(
            f"{each.name}: {explained(each)}",
            width=96,
            initial_indent=" " * 4,
            subsequent_indent=" " * 8,
        )
        for each in sorted(fields(options), key=lambda each: bool(each.kw_only))
    )
    return inspect.cleandoc(doc or "").replace("    {options}", "\n".join(entries))
