"""The scan: imports every module of a package, and collects the marks on its classes."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from ...safe_logging import enable_loggers, get_logger
from ..author_warnings import warns_author
from ..values import ActivityImplementation, ActivityType
from .collection import one_each
from .marks import made_by, marked
from .modules import modules_below

logger = get_logger(__name__)

#: A package or module to scan: itself, or its dotted name.
Package = ModuleType | str

#: An item of venusian's ``ignore``: a dotted name, or a function of one.
Ignored = str | Callable[[str], Any]


class Scanner:
    """Collects the activities of packages and modules.

    Args:
        package: a module, a package, a dotted name, or a list of these. All modules below a package
            are imported and scanned, also those in folders without ``__init__.py``; but
            ``__main__`` is not, because its import would run it.
        ignore: as for ``venusian.Scanner.scan``: a dotted name (with a leading dot: below the
            scanned package), a function that takes a dotted name and returns True to skip it, or a
            list of these.
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
        """The dotted names of the scanned modules, by which another process can import them."""
        return tuple(
            package if isinstance(package, str) else _module(package).__name__
            for package in self._packages
        )

    def scan(self) -> Mapping[ActivityType, ActivityImplementation]:
        """Return what was found, by type.

        Raises:
            ScanError: no activity was found, or two classes implement one type.
            ImportError: a dotted name, or a module below a package, cannot be imported.
        """
        tops = [_module(package) for package in self._packages]
        scanned: dict[str, ModuleType] = {}
        found = [one for top in tops for one in self._below(top, scanned)]
        enable_loggers()  # what was imported may have configured logging
        if warns_author():
            self._warn_of_lost(scanned, {one.type for one in found})
        names = ", ".join(top.__name__ for top in tops)
        return one_each(found, names or "an empty list")

    def _below(
        self, top: ModuleType, scanned: dict[str, ModuleType]
    ) -> Iterator[ActivityImplementation]:
        """Yield what is found in a module and below it; add each module to *scanned*."""

        def ignored(name: str) -> bool:
            """Return whether to skip this dotted name."""
            return any(_matches(each, name, top.__name__) for each in self._ignore)

        scanned[top.__name__] = top
        yield from activities_in(top, top.__name__, ignored)
        for name, module in modules_below(top, ignored):
            scanned[name] = module
            yield from activities_in(module, name, ignored)

    def _warn_of_lost(
        self, scanned: Mapping[str, ModuleType], known: Collection[ActivityType]
    ) -> None:
        """Warn of activities of the scanned modules to which no variable of theirs leads."""
        held = [each for module in scanned.values() for each in vars(module).values()]
        for one in made_by(scanned):
            name = f"{one.factory.__module__}.{one.factory.__qualname__}"
            is_ignored = any(_matches(each, name, top) for each in self._ignore for top in scanned)
            is_held = any(each is one.factory for each in held)  # under a name that is ignored
            if not (one.type in known or is_held or is_ignored):
                logger.warning(
                    "Activity %s at %s is not served, because no variable of a scanned module is "
                    "its class. Assign the class to a variable of the module.",
                    one.type,
                    one.place,
                )


def activities_in(
    module: ModuleType,
    name: str | None = None,
    ignored: Callable[[str], bool] = lambda name: False,
) -> Iterator[ActivityImplementation]:
    """Yield what the classes in a module declare.

    Args:
        module: a module; those below it are not searched.
        name: its name. Classes that it only imports, from another module that contains them, are
            left out; None leaves out none.
        ignored: returns whether to skip the object with a dotted name.
    """
    for attribute in dict.fromkeys((*vars(module), *dir(module))):
        if not ignored(f"{name or module.__name__}.{attribute}"):
            value = None
            with contextlib.suppress(Exception):  # a module's own __getattr__ may raise anything
                value = getattr(module, attribute)
            yield from marked(value, name)


def _matches(ignore: Any, name: str, top: str) -> bool:
    if isinstance(ignore, str):
        return name.startswith(top + ignore if ignore.startswith(".") else ignore)
    return callable(ignore) and bool(ignore(name))


def _module(package: object) -> ModuleType:
    if isinstance(package, ModuleType):
        return package
    if isinstance(package, str):
        return importlib.import_module(package)
    raise TypeError(
        f"Cannot scan {package!r}: give a module, a package, a dotted name, or a list of these."
    )
