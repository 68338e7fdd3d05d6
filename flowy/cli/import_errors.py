"""Messages for imports that fail: what went wrong, and the author's file and line.

A package that a worker serves is its author's code. Whatever the import raises is for the author
to fix, who needs the place in that code, without the frames of Flowy, venusian and Python's import
system.
"""

from __future__ import annotations

import logging
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path

from ..texts import printable

logger = logging.getLogger(__name__)

#: Folders of code that the author of the activities has not written.
_NOT_THE_AUTHORS = (
    Path(__file__).parent.parent,
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def import_text(error: BaseException, packages: Sequence[str], here: str) -> str:
    """Return the message for an import that failed, and log all frames at the level debug.

    Args:
        error: what the import raised.
        packages: the dotted names that were to be imported.
        here: the folder in which modules are looked for first.
    """
    logger.debug("The import failed.", exc_info=error)
    said = f"Cannot import {', '.join(packages)}: {_what(error)}"
    if isinstance(error, ModuleNotFoundError):
        asked_for = any(f"{package}.".startswith(f"{error.name}.") for package in packages)
        if asked_for and _frame(error, packages) is None:
            return f"{said} Looked in {here} and on Python's path.{_advice(packages, here)}"
    return said + place_text(error, packages)


def place_text(error: BaseException, packages: Sequence[str] = ()) -> str:
    """Return a second line with the author's file and line; empty if there is none."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return f"\n  See {error.filename}, line {error.lineno}."
    frame = _frame(error, packages)
    return "" if frame is None else f"\n  See {frame[0]}, line {frame[1]}."


def _what(error: BaseException) -> str:
    """Return one line that ends with a full stop."""
    if isinstance(error, ImportError):
        text = str(error)  # says that it is about an import
    elif isinstance(error, SyntaxError):
        text = f"{type(error).__name__}: {error.msg}"
    else:
        text = traceback.format_exception_only(error)[0]
    line = printable(" ".join(text.split()))
    return line if line.endswith((".", "?", "!")) else f"{line}."


def _advice(packages: Sequence[str], here: str) -> str:
    """Return what to write for files whose names were given instead of those of modules."""
    modules = [each.removesuffix(".py") for each in packages]
    for module, package in zip(modules, packages, strict=True):
        if module != package and Path(here, *module.split(".")).with_suffix(".py").is_file():
            return f" {package} is a file: give {module}."
    return ""


def _frame(error: BaseException, packages: Sequence[str]) -> tuple[str, int] | None:
    """Return file and line of the innermost frame of the author's; None if there is none."""
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__"))
        if file.startswith("<"):
            continue  # Python's import system
        asked_for = any(f"{module}.".startswith(f"{package}.") for package in packages)
        if asked_for or not any(folder in Path(file).parents for folder in _NOT_THE_AUTHORS):
            found = file, line
    return found
