"""Imports the modules below a package, one after the other.

pkgutil and venusian skip folders without ``__init__.py``, which Python can import. Activities in
them would silently not be served.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from zipimport import zipimporter


def modules_below(
    package: ModuleType, ignored: Callable[[str], bool]
) -> Iterator[tuple[str, ModuleType]]:
    """Import all modules below *package*, and yield each with its dotted name.

    Args:
        package: a package; for a module, this yields nothing.
        ignored: returns whether to skip the module with a dotted name and all below it.

    Raises:
        ImportError: one of the modules cannot be imported.
    """
    return _below(getattr(package, "__path__", ()), f"{package.__name__}.", ignored, frozenset())


def _below(
    path: Iterable[str], prefix: str, ignored: Callable[[str], bool], above: frozenset[str]
) -> Iterator[tuple[str, ModuleType]]:
    folders = {os.path.realpath(folder): folder for folder in path}
    path = [folder for real, folder in folders.items() if real not in above]
    above = above.union(folders)  # a link may lead back to these
    known = set()
    for _, name, is_package in pkgutil.iter_modules(path, prefix):
        known.add(name)
        if not ignored(name):
            module = importlib.import_module(name)
            yield name, module
            if is_package:
                inner = getattr(module, "__path__", None) or ()
                yield from _below(inner, f"{name}.", ignored, above)
    for name, inner in _bare_folders(path, prefix).items():
        if name not in known and not ignored(name) and _is_importable(name, inner):
            yield from _below(inner, f"{name}.", ignored, above)


def _bare_folders(path: Iterable[str], prefix: str) -> dict[str, list[str]]:
    """Return the folders that can be imported, by dotted name; one may be in several of *path*.

    Those with ``__init__.py`` are among them. They are not imported here: the import of a module
    below imports its folders, and folders without modules are skipped.
    """
    found: dict[str, list[str]] = {}
    for folder in path:
        for inner in _folders_in(folder):
            name = Path(inner).name
            if name.isidentifier() and name != "__pycache__":
                found.setdefault(prefix + name, []).append(inner)
    return found


def _is_importable(name: str, folders: list[str]) -> bool:
    """Return whether Python can import a folder: older ones need an entry for it in an archive."""
    return any(map(os.path.isdir, folders)) or find_spec(name) is not None


def _folders_in(folder: str) -> list[str]:
    """Return the folders in a folder of a package's path, which may be in an archive."""
    try:
        return sorted(str(each) for each in Path(folder).iterdir() if each.is_dir())
    except OSError:
        pass
    importer = pkgutil.get_importer(folder)
    if not isinstance(importer, zipimporter):
        return []
    from zipfile import ZipFile  # takes milliseconds, and few programs are in an archive

    above = importer.prefix.replace(os.sep, "/")
    with ZipFile(importer.archive) as archive:
        below = (each[len(above) :] for each in archive.namelist() if each.startswith(above))
        names = {each.partition("/")[0] for each in below if "/" in each}
    return [str(Path(folder, name)) for name in sorted(names)]
