"""The words of errors: what a value should have been, and never the value."""

from __future__ import annotations

from collections.abc import Iterable

#: What is said of an enumeration, a Literal, or the tag of a union.
ONE_OF_ITS_VALUES = "expected one of its declared values"

#: What is said of a field that is not there.
MISSING = "is missing"

#: What is said of an object with a field that its type forbids.
UNKNOWN_FIELD = "has a field that its type does not have"


def joined(problems: Iterable[tuple[str, str]]) -> list[str]:
    """Return one text for each path: what the branches of a union expect goes into one."""
    by_path: dict[str, list[str]] = {}
    for path, problem in problems:
        found = by_path.setdefault(path, [])
        if problem not in found:
            found.append(problem)
    return [f"{path}: {' or '.join(_shortened(found))}" for path, found in by_path.items()]


def _shortened(problems: list[str]) -> Iterable[str]:
    """Yield the problems, of which only the first one begins with ``expected``."""
    for number, each in enumerate(problems):
        yield each.removeprefix("expected ") if number else each
