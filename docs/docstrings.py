"""A Sphinx extension: the sections of Flowy's docstrings become field lists.

Sphinx's own napoleon takes what stands before a colon for a type wherever it may, in the first
line of a property, say. This one knows the few sections there are, and links each error that
``Raises`` names.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.pycode import ModuleAnalyzer

import flowy.exception

#: The sections whose lines are ``name: text``, with the heading that the reader sees.
NAMED = {"Args": "Arguments", "Attributes": "Attributes", "Raises": "Raises"}
#: The sections that are plain text.
PLAIN = {"Returns": "Returns", "Example": "Example"}

_HEADING = re.compile(r"^(Args|Attributes|Example|Raises|Returns)((?:, [^:]+)?)(::?)$")
_ENTRY = re.compile(r"^(\*{0,2}\w[\w.]*(?:, \*{0,2}\w[\w.]*)*): (.*)$")


def field_lists(lines: list[str]) -> list[str]:
    """Return the docstring *lines* with each section as a field of a field list."""
    out: list[str] = []
    section = deeper = ""
    for line in lines:
        if heading := _HEADING.match(line):
            section, more, colons = heading.groups()
            out += ["", f":{ {**NAMED, **PLAIN}[section] }{more}:"]
            deeper = "    " if colons == "::" else ""
            if deeper:
                out += ["    ::", ""]
        elif line and not line.startswith(" "):
            if section:
                out.append("")
            section = ""
            out.append(line)
        elif section in NAMED and (entry := _ENTRY.match(line[4:])):
            names = ", ".join(_shown(name) for name in entry[1].split(", "))
            out += [f"    {names}", f"        {entry[2]}"]
        elif section:
            out.append(deeper + line if line else "")
        else:
            out.append(line)
    return out


def _shown(name: str) -> str:
    if hasattr(flowy.exception, name):
        return f":exc:`~flowy.exception.{name}`"
    return f"``{name}``"


def _process(
    _app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    lines[:] = field_lists(lines)


def _as_given(
    _app: Any, what: str, _name: str, documented: Any, _options: Any, args: str | None, _to: Any
) -> None:
    """Drop the overloads of a function: one signature is shown, its own or that of its page."""
    if what == "function" and args is not None:
        analyzer = ModuleAnalyzer.for_module(documented.__module__)
        analyzer.analyze()
        analyzer.overloads.pop(documented.__qualname__, None)


def setup(app: Any) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-process-signature", _as_given)
    return {"parallel_read_safe": True}
