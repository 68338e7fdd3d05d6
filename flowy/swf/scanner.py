"""Finding activities: the ``activity`` decorator, and the scan that collects what it marked.

The decorator does nothing but leave a mark on the class: nothing is registered at import, and
only what a scan finds can ever be run by a worker.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

import venusian

from ..exception import ScanError
from ..task import Activity
from .values import (
    MAX_VERSION_CHARS,
    ActivityDefaults,
    ActivityImplementation,
    ActivityType,
    name_text,
    timeout_seconds,
)

#: The category of Flowy's marks among those that other libraries leave through venusian.
CATEGORY = "flowy.activity"

#: A package or module to scan: itself, or its dotted name.
Package = ModuleType | str

#: What venusian's ``ignore`` takes: dotted names, or functions of one.
Ignored = str | Callable[[str], Any]

A = TypeVar("A", bound=type[Activity])


def activity(
    name: object,
    version: object,
    task_list: object,
    heartbeat: Any = None,
    schedule_to_close: Any = 420,
    schedule_to_start: Any = 120,
    start_to_close: Any = 300,
) -> Callable[[A], A]:
    """Mark a class as the implementation of an activity type; the class is returned unchanged.

    Args:
        name: with the version, the key of the type at SWF; ``str()`` of it is used, 1 to 256
            characters.
        version: likewise, 1 to 64 characters; ``version=1`` is ``"1"``.
        task_list: the default list on which workflows schedule it, 1 to 256 characters. A worker
            serves every activity it has scanned, whatever its default list.
        heartbeat: the longest time between two heartbeats, in seconds; None for no limit.
        schedule_to_close: from scheduling to the end, in seconds; None for no limit.
        schedule_to_start: the longest time queued, in seconds; None for no limit.
        start_to_close: the longest run, in seconds; None for no limit.

    The task list and the timeouts are defaults: a workflow may override each. A timeout is
    whatever ``int()`` takes, from 1 to 99999999. One class may be marked several times, once for
    each version it serves.

    Raises:
        ValueError: a value that SWF would not take.
        TypeError: what is decorated is not a subclass of ``Activity`` that overrides ``run``.
    """
    type_ = ActivityType(name_text(name, "name"), name_text(version, "version", MAX_VERSION_CHARS))
    defaults = ActivityDefaults(
        task_list=name_text(task_list, "task_list", trimmed=True),
        heartbeat=timeout_seconds(heartbeat, "heartbeat"),
        schedule_to_close=timeout_seconds(schedule_to_close, "schedule_to_close"),
        schedule_to_start=timeout_seconds(schedule_to_start, "schedule_to_start"),
        start_to_close=timeout_seconds(start_to_close, "start_to_close"),
    )

    def mark(implementation: A) -> A:
        _check_implementation(implementation, type_)

        def found(scanner: _Collector, _name: str, _object: object) -> None:
            file, line = attached.codeinfo[:2]
            scanner.add(ActivityImplementation(type_, defaults, implementation, file, line))

        attached = venusian.attach(implementation, found, category=CATEGORY)
        return implementation

    return mark


class Scanner:
    """Collects the activities of packages and modules.

    Args:
        package: a module, a package, a dotted name, or a list of these. A package is scanned
            with all below it, which imports it; but for a ``__main__``, whose import would run it.
        ignore: as for ``venusian.Scanner.scan``: a dotted name (with a leading dot: below the
            scanned package), a function that takes a dotted name and answers True to skip it, or
            a list of these.
    """

    def __init__(
        self,
        package: Package | Iterable[Package],
        ignore: Ignored | Iterable[Ignored] | None = None,
    ) -> None:
        one = isinstance(package, str) or not isinstance(package, Iterable)
        self._packages: list[Any] = [package] if one else list(package)
        if ignore is None:
            ignore = ()
        elif isinstance(ignore, str) or callable(ignore):
            ignore = (ignore,)
        self._ignore = [*ignore, lambda name: name.endswith(".__main__")]

    def scan(self) -> Mapping[ActivityType, ActivityImplementation]:
        """Return what was found, by type.

        Raises:
            ScanError: nothing was found, or two classes implement one type.
            ImportError: a dotted name, or a module below a package, cannot be imported.
        """
        collector = _Collector()
        modules = [_module(package) for package in self._packages]
        for module in modules:
            collector.scan(module, categories=(CATEGORY,), ignore=self._ignore)
        if collector.conflicts:
            raise ScanError(
                "Cannot serve one type with two implementations: "
                + "; ".join(collector.conflicts)
                + ". Give one of them another name or version, or ignore it in the scan."
            )
        if not collector.found:
            names = ", ".join(module.__name__ for module in modules) or "an empty list"
            raise ScanError(
                f"Cannot find any activity in {names}. Decorate a class with "
                "@activity(name=..., version=..., task_list=...), or name the package that has "
                "some: start_activity_worker(..., package='my.activities')."
            )
        return collector.found


class _Collector(venusian.Scanner):  # type: ignore[misc]
    """venusian's scanner calls each mark with itself; this one keeps what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[ActivityType, ActivityImplementation] = {}
        self.conflicts: list[str] = []

    def add(self, new: ActivityImplementation) -> None:
        known = self.found.setdefault(new.type, new)
        if known.factory is new.factory and known.defaults == new.defaults:
            return  # one class under two names, or a module scanned twice
        if known.place == new.place and known.factory.__module__ != new.factory.__module__:
            return  # one file imported twice, as __main__ and by its name
        self.conflicts.append(f"{new.type} at {known.place} and at {new.place}")


def _check_implementation(implementation: object, type_: ActivityType) -> None:
    if not (isinstance(implementation, type) and issubclass(implementation, Activity)):
        raise TypeError(
            f"Cannot make {implementation!r} the activity {type_}: decorate a subclass of "
            "flowy.task.Activity."
        )
    if implementation.run is Activity.run:
        raise TypeError(
            f"Cannot make {implementation.__qualname__} the activity {type_}: it does not "
            "override run()."
        )


def _module(package: object) -> ModuleType:
    if isinstance(package, ModuleType):
        return package
    if isinstance(package, str):
        return importlib.import_module(package)
    raise TypeError(
        f"Cannot scan {package!r}: give a module, a package, a dotted name, or a list of these."
    )
