"""Collects one implementation of each type for a worker to serve."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...exception import ScanError
from ...task import Activity
from ..values import ActivityImplementation, ActivityType
from .checks import fault_of_constructor
from .marks import declared

if TYPE_CHECKING:
    from ...convert import RunTypes


def declared_by(
    activities: Iterable[type[Activity]],
) -> Mapping[ActivityType, ActivityImplementation]:
    """Return what ``activity`` declared of these classes, by type.

    Raises:
        ScanError: a class is not decorated, two classes implement one type, or the list is empty.
    """
    found: list[ActivityImplementation] = []
    for implementation in activities:
        is_activity = isinstance(implementation, type) and issubclass(implementation, Activity)
        declarations = declared(implementation) if is_activity else ()
        if not declarations:
            raise ScanError(
                f"Cannot serve {implementation!r}: it has no @activity(name=..., version=..., "
                "task_list=...). Decorate the class."
            )
        found.extend(declarations)
    return one_each(found, "an empty list")


def one_each(
    implementations: Iterable[ActivityImplementation], where: str
) -> Mapping[ActivityType, ActivityImplementation]:
    """Return *implementations* by type.

    Args:
        implementations: the implementations found; the same one may occur several times.
        where: what was searched, for the error.

    Raises:
        ScanError: none was found, one type has two, a class cannot be constructed, or a converter
            cannot use an annotation.
    """
    found: dict[ActivityType, ActivityImplementation] = {}
    conflicts: list[str] = []
    for new in implementations:
        if wrong := fault_of_constructor(new.factory):  # a later decorator, such as dataclass
            raise ScanError(f"Cannot serve {new.class_name} at {new.place}: {wrong}")
        known = found.setdefault(new.type, new)
        if not known.agrees_with(new) and not _imported_twice(known, new):
            conflicts.append(
                f"{new.type} is {known.class_name} at {known.place} and {new.class_name} at "
                f"{new.place}"
            )
    if conflicts:
        raise ScanError(
            f"Cannot serve one type with two implementations: {'; '.join(conflicts)}. Give one of "
            "them another name or version, or ignore it in the scan."
        )
    if not found:
        raise ScanError(
            f"Cannot find any activity in {where}. Decorate a class with @activity(name=..., "
            "version=..., task_list=...), or name the package that has some: "
            "start_activity_worker(..., package='my.activities')."
        )
    _check_annotations(found.values())
    return found


def run_types_of(activity: type[Activity]) -> RunTypes | None:
    """Return the types of an activity's ``run``; None if it has no converter.

    The converter is that of its mark, or of the class if it has no mark.

    Raises:
        ScanError: an annotation cannot be used.
    """
    declarations = declared(activity)
    converter = declarations[0].converter if declarations else activity.converter
    return None if converter is None else converter.types_of(activity)


def _check_annotations(implementations: Iterable[ActivityImplementation]) -> None:
    """Let the converters prepare the types of each ``run``, now and not at the first task."""
    problems: list[str] = []
    for each in implementations:
        if each.converter is not None:
            try:
                each.converter.types_of(each.factory)
            except ScanError as error:
                problems.append(str(error))
    if problems:
        raise ScanError("\n".join(problems))


def _imported_twice(one: ActivityImplementation, other: ActivityImplementation) -> bool:
    """Return whether both are one class of a file that was imported as ``__main__`` and by name."""
    modules = (one.factory.__module__, other.factory.__module__)
    if one.place != other.place or modules[0] == modules[1]:
        return False
    # One line, in a function of a third module, may have decorated classes of several modules.
    files = {getattr(sys.modules.get(module), "__file__", None) for module in modules}
    return len(files) == 1
