"""The demo's input: which files of a folder, and what is true of them."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: How many files become activities, at most.
MAX_FILES = 50

#: How much of each is read, in bytes: the demo is to end in seconds on any folder.
MAX_READ_BYTES = 2 * 1024 * 1024

#: After so many files, folders and links it looks no further: the folder may be a whole disk.
MAX_LOOKED_AT = 20_000

#: Folders that hold what programs installed or made; so does any with a ``pyvenv.cfg``.
ENVIRONMENT_FOLDERS = frozenset({"venv", "env", "node_modules", "__pycache__", "site-packages"})


@dataclass
class Selection:
    """What of a folder becomes activities, and what does not.

    Attributes:
        folder: its absolute path.
        files: absolute paths, in sorted order, with size and time of change as they were then.
        more: how many files there are beyond.
        seen_all: whether all was looked at, so that ``more`` is all there are.
        folders: the hidden and environment folders that were skipped, as seen from the folder.
        others: what else was skipped: how many, by what they are.
    """

    folder: str
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    more: int = 0
    seen_all: bool = True
    folders: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def relative(self, path: str) -> str:
        """Return *path* as seen from the folder."""
        return os.path.relpath(path, self.folder)

    def changed(self, path: str) -> bool:
        """Whether the file is another one now than when it was selected."""
        try:
            return _state(Path(path).stat()) != self.files[path]
        except OSError:
            return True


def select(folder: Path, output: os.stat_result | None = None) -> Selection:
    """Return the first files below *folder*, in sorted order.

    Args:
        folder: where to look.
        output: what the demo writes to; where that is a file, it grows while it is described,
            and is skipped.
    """
    selection = Selection(str(folder.resolve()))
    for entry in _files(selection):
        try:
            state = entry.stat(follow_symlinks=False)
        except OSError:
            selection.others["unreadable"] += 1  # it may be gone already
            continue
        if not stat.S_ISREG(state.st_mode):
            selection.others["no regular file"] += 1  # a pipe, say, which may never end
        elif output is not None and os.path.samestat(state, output):
            selection.others["the demo's own output"] += 1
        elif not _is_readable(entry.path):
            selection.others["unreadable"] += 1
        elif len(selection.files) < MAX_FILES:
            selection.files[entry.path] = _state(state)
        else:
            selection.more += 1
    return selection


def facts_of(content: bytes, *, size: int) -> dict[str, Any]:
    """Return what the demo tells of a file of *size* bytes that begins with *content*."""
    return {
        "size": size,
        "lines": len(content.splitlines()),
        "words": len(content.split()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "whole": len(content) >= size,
    }


def facts_now(path: str) -> dict[str, Any]:
    """Return the same of the file at *path*, found without SWF, to compare with.

    Raises:
        OSError: it cannot be read any more.
    """
    with Path(path).open("rb") as file:
        return facts_of(file.read(MAX_READ_BYTES), size=file.seek(0, os.SEEK_END))


def _files(selection: Selection) -> Iterator[os.DirEntry[str]]:
    """Yield what is no folder and no link; note what is passed over."""
    todo = _listed(selection.folder, selection)
    for _ in range(MAX_LOOKED_AT):
        if not todo:
            return
        entry = todo.pop()
        if entry.is_symlink():
            selection.others["link"] += 1  # it may lead out of the folder, or round in circles
        elif not entry.is_dir(follow_symlinks=False):
            yield entry
        elif _is_skipped(entry):
            selection.folders.append(selection.relative(entry.path))
        else:
            todo.extend(_listed(entry.path, selection))
    selection.seen_all = not todo


def _listed(folder: str, selection: Selection) -> list[os.DirEntry[str]]:
    """Return what is in a folder, the last first: it is popped from the end."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name, reverse=True)
    except OSError:
        selection.others["unreadable"] += 1
        return []


def _is_skipped(folder: os.DirEntry[str]) -> bool:
    return (
        folder.name.startswith(".")
        or folder.name in ENVIRONMENT_FOLDERS
        or os.access(Path(folder.path, "pyvenv.cfg"), os.F_OK)
    )


def _is_readable(path: str) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _state(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns
