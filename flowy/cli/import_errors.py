"""Imports of what an author has written, and messages for those that fail, with file and line.

A package that a worker serves is its author's code. Whatever the import raises is for the author
to fix, who needs the place in that code, without the frames of Flowy, venusian and Python's import
system.
"""

from __future__ import annotations

import logging
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..exception import ObserverError, ScanError
from ..texts import printable
from .exit_codes import ExitCode
from .parser import UsageError
from .waiting import waiting
from .wording import in_options

logger = logging.getLogger(__name__)

#: Folders of code that the author of the activities has not written.
_NOT_THE_AUTHORS = (
    Path(__file__).parent.parent,
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


class FailedImportError(UsageError):
    """What an author has written cannot be imported."""

    code = ExitCode.REFUSED


def import_from_here() -> str:
    """Put the current folder first on Python's path, and return it."""
    here = str(Path.cwd())
    sys.path.insert(0, here)  # the command `flowy` starts with its own folder there instead
    return here


@contextmanager
def importing(packages: Sequence[str], here: str) -> Iterator[None]:
    """Run a block that imports packages, and show on a terminal that it takes long.

    All frames of a failure are logged at the level debug.

    Args:
        packages: the dotted names that are to be imported.
        here: the folder in which modules are looked for first.

    Raises:
        FailedImportError: the block raised anything but an error of Flowy's scan.
    """
    try:
        with waiting(f"Importing {', '.join(packages)}"):
            yield
    except (KeyboardInterrupt, ObserverError, ScanError):
        raise
    except BaseException as error:  # whatever an author's module does at its import
        logger.debug("The import failed.", exc_info=error)
        raise FailedImportError(_text(error, packages, here)) from None


@contextmanager
def making_options() -> Iterator[None]:
    """Surround what makes objects of options, such as a worker's or a codec's.

    Raises:
        UsageError: an option cannot be used.
        FailedImportError: middleware, an observer, a codec or a store cannot be imported.
    """
    try:
        yield
    except ValueError as error:
        raise UsageError(in_options(str(error))) from None
    except ImportError as error:
        logger.debug("The import failed.", exc_info=error)
        raise FailedImportError(f"{error}{place_text(error.__cause__ or error)}") from None


def _text(error: BaseException, packages: Sequence[str], here: str) -> str:
    said = f"Cannot import {', '.join(packages)}: {_what(error)}"
    if isinstance(error, ModuleNotFoundError):
        asked_for = any(f"{package}.".startswith(f"{error.name}.") for package in packages)
        if asked_for and _frame(error, packages) is None:
            return f"{said} Looked in {here} and on Python's path.{_advice(packages, here)}"
    return said + place_text(error, packages)


def place_text(error: BaseException, packages: Sequence[str] = ()) -> str:
    """Return a second line with the author's file and line; empty if there is none."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename).is_file():
        return f"\n  See {error.filename}, line {error.lineno or 1}."  # 0: an unknown encoding
    frame = _frame(error, packages)
    if frame is None and error.__cause__ is not None:
        # Python puts a RuntimeError in the place of a StopIteration in a generator, as scans are.
        frame = _frame(error.__cause__, packages)
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
