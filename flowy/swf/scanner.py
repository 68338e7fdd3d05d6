"""Finding activities: the ``activity`` decorator, and the scan that collects what it marked.

The decorator only leaves a mark on the class: nothing is registered at import, and a worker can
run only what a scan finds, or what it was given as a list.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, TypeVar

import venusian

from ..exception import ScanError
from ..middleware import check_middleware
from ..task import Activity, AsyncActivity
from .limits import MAX_VERSION_CHARS, name_text, timeout_seconds
from .values import ActivityDefaults, ActivityImplementation, ActivityType

#: The category of Flowy's marks; other libraries leave theirs through venusian, too.
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
    *,
    auto_heartbeat: bool | float | None = None,
    max_stall: float | None = None,
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
        auto_heartbeat: send heartbeats in the background while it runs: True, every third of
            *heartbeat*, which must be given; a number, every that many seconds, if workflows
            override the timeout; False, none; None, as the class attribute says (False by
            default).
        max_stall: pause the background heartbeats when the activity has reported nothing, by
            ``heartbeat`` or ``progress``, for this many seconds, so that one that hangs times
            out; None, as the class attribute says (None by default: never pause).

    The task list and the timeouts are defaults: a workflow may override each. A timeout is
    whatever ``int()`` takes, from 1 to 99999999. One class may be marked several times, once for
    each version it serves.

    Raises:
        ValueError: a value that SWF would not take; or the class has something else in
            ``middleware`` than a list or tuple of middleware.
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
        interval = _auto_heartbeat_seconds(
            implementation.auto_heartbeat if auto_heartbeat is None else auto_heartbeat, defaults
        )
        check_middleware(implementation.middleware)
        stall = implementation.max_stall if max_stall is None else max_stall
        stall = None if stall is None else _positive_seconds(stall, "max_stall")

        def found(scanner: _Collector, _name: str, _object: object) -> None:
            file, line = attached.codeinfo[:2]
            scanner.add(
                ActivityImplementation(type_, defaults, implementation, file, line, interval, stall)
            )

        attached = venusian.attach(implementation, found, category=CATEGORY)
        return implementation

    return mark


def declared(implementation: type[Activity]) -> tuple[ActivityImplementation, ...]:
    """Return what ``activity`` declared of this class, one for each mark, without base classes.

    A scan finds the same, and also checks that no type has two implementations.
    """
    collector = _Collector()
    marks = vars(implementation).get(venusian.ATTACH_ATTR, {})
    for found, *_ in marks.get(CATEGORY, ()):
        found(collector, implementation.__name__, implementation)
    return tuple(collector.found.values())


def declared_by(
    activities: Iterable[type[Activity]],
) -> Mapping[ActivityType, ActivityImplementation]:
    """Return what ``activity`` declared of these classes, by type.

    Raises:
        ScanError: a class has no decorator, there is no class, or two implement one type.
    """
    collector = _Collector()
    for implementation in activities:
        is_activity = isinstance(implementation, type) and issubclass(implementation, Activity)
        found = declared(implementation) if is_activity else ()
        if not found:
            raise ScanError(
                f"Cannot serve {implementation!r}: it has no @activity(name=..., version=..., "
                "task_list=...). Decorate the class."
            )
        for each in found:
            collector.add(each)
    return collector.checked("an empty list")


class Scanner:
    """Collects the activities of packages and modules.

    Args:
        package: a module, a package, a dotted name, or a list of these. A package is scanned
            with all modules below it, which imports them, except ``__main__``, whose import would
            run it.
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

    @property
    def names(self) -> tuple[str, ...]:
        """The dotted names of what is scanned, by which another process finds it."""
        return tuple(
            package if isinstance(package, str) else _module(package).__name__
            for package in self._packages
        )

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
        return collector.checked(", ".join(module.__name__ for module in modules))


class _Collector(venusian.Scanner):  # type: ignore[misc]
    """Keeps what the marks declare; venusian calls each mark with its scanner."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[ActivityType, ActivityImplementation] = {}
        self._conflicts: list[str] = []

    def checked(self, where: str) -> Mapping[ActivityType, ActivityImplementation]:
        """Return what was found in *where*.

        Raises:
            ScanError: nothing was found, or two classes implement one type.
        """
        if self._conflicts:
            raise ScanError(
                "Cannot serve one type with two implementations: "
                + "; ".join(self._conflicts)
                + ". Give one of them another name or version, or ignore it in the scan."
            )
        if not self.found:
            raise ScanError(
                f"Cannot find any activity in {where or 'an empty list'}. Decorate a class with "
                "@activity(name=..., version=..., task_list=...), or name the package that has "
                "some: start_activity_worker(..., package='my.activities')."
            )
        return self.found

    def add(self, new: ActivityImplementation) -> None:
        known = self.found.setdefault(new.type, new)
        if known.factory is new.factory and known.defaults == new.defaults:
            return  # one class under two names, or a module scanned twice
        if known.place == new.place and known.factory.__module__ != new.factory.__module__:
            return  # one file imported twice, as __main__ and by its name
        self._conflicts.append(
            f"{new.type} is {_name(known.factory)} at {known.place} and {_name(new.factory)} at "
            f"{new.place}"
        )


def _name(factory: object) -> str:
    return getattr(factory, "__qualname__", repr(factory))


def _check_implementation(implementation: object, type_: ActivityType) -> None:
    if not (isinstance(implementation, type) and issubclass(implementation, Activity)):
        raise TypeError(
            f"Cannot make {implementation!r} the activity {type_}: decorate a subclass of "
            "flowy.task.Activity."
        )
    if implementation.run in (Activity.run, AsyncActivity.run):
        raise TypeError(
            f"Cannot make {implementation.__qualname__} the activity {type_}: it does not "
            "override run()."
        )
    is_async = inspect.iscoroutinefunction(implementation.run)
    if is_async and not issubclass(implementation, AsyncActivity):
        raise TypeError(
            f"Cannot make {implementation.__qualname__} the activity {type_}: its run() is a "
            "coroutine. Derive it from flowy.task.AsyncActivity."
        )
    if not is_async and issubclass(implementation, AsyncActivity):
        raise TypeError(
            f"Cannot make {implementation.__qualname__} the activity {type_}: an AsyncActivity "
            "needs `async def run`. Write that, or derive it from flowy.task.Activity."
        )


def _auto_heartbeat_seconds(asked: bool | float, defaults: ActivityDefaults) -> float | None:
    if asked is False:
        return None
    if asked is not True:
        return _positive_seconds(asked, "auto_heartbeat")
    if defaults.heartbeat is None:
        raise ValueError(
            "Cannot send heartbeats every third of the heartbeat timeout: none is declared. "
            "Give heartbeat=SECONDS too, or auto_heartbeat=SECONDS if workflows set the timeout."
        )
    return defaults.heartbeat / 3


def _positive_seconds(value: float, what: str) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError(f"Cannot use {value!r} as {what}: give seconds, more than 0.")
    return seconds


def _module(package: object) -> ModuleType:
    if isinstance(package, ModuleType):
        return package
    if isinstance(package, str):
        return importlib.import_module(package)
    raise TypeError(
        f"Cannot scan {package!r}: give a module, a package, a dotted name, or a list of these."
    )
