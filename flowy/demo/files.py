"""The demo's input: which files of a folder become activities, and the facts of each."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exception import CancelTask
from ..texts import printable

#: How many files are taken, and how many entries are looked at: the folder may be a whole disk.
MAX_FILES, MAX_LOOKED_AT = 12, 20_000

#: How many bytes of each file are read at most, and how many between two heartbeats.
MAX_READ_BYTES, CHUNK_BYTES = 2 * 1024**2, 512 * 1024

#: Folders of installed or generated files; folders with a ``pyvenv.cfg`` are skipped, too.
SKIPPED_FOLDERS = frozenset({"venv", "env", "node_modules", "__pycache__", "site-packages"})


@dataclass
class Selection:
    """Which files of a folder become activities, and what was left out."""

    folder: str
    files: dict[str, dict[str, Any]] = field(default_factory=dict)  #: facts by absolute path
    more: int = 0  #: files beyond the first ``MAX_FILES``
    skipped: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  #: by reason

    def summary(self) -> list[str]:
        """Return lines for people: the input, and what was left out."""
        count = len(self.files)
        text = f"input     {count or 'no'} file{'s' * (count != 1)} of {self.folder}"
        text += f": the first {MAX_FILES}, there are {self.more:,} more" if self.more else ""
        lines = [text if count else f"{text}; the other activities still run"]
        for reason, paths in sorted(self.skipped.items()):
            names = ", ".join(os.path.relpath(path, self.folder) for path in paths[:5])
            names += f" and {len(paths) - 5:,} more" if len(paths) > 5 else ""
            lines.append(f"skipped   {reason}: {names}")
        return [printable(line) for line in lines]


def select(folder: Path, output: os.stat_result | None = None) -> Selection:
    """Return the first files below *folder*, in sorted order, but not the demo's own *output*."""
    selection = Selection(str(folder.resolve()))
    todo = [selection.folder]
    for _ in range(MAX_LOOKED_AT + 1):
        path = todo.pop()
        try:
            if path != selection.folder and (reason := _why_skipped(Path(path), output)):
                selection.skipped[reason].append(path)
            elif Path(path).is_dir():
                todo += sorted(map(str, Path(path).iterdir()), reverse=True)
            elif len(selection.files) < MAX_FILES:
                selection.files[path] = facts_of(path)
            else:
                selection.more += 1
        except OSError:
            selection.skipped["unreadable"].append(path)  # or it was removed meanwhile
        if not todo:
            return selection
    selection.skipped["not looked at"] = todo[::-1]
    return selection


def _why_skipped(path: Path, output: os.stat_result | None) -> str:
    """Return why *path* is skipped; empty if it is not."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return "link"  # it may lead out of the folder, or in circles
    if stat.S_ISDIR(found.st_mode):
        hidden = path.name.startswith(".") or path.name in SKIPPED_FOLDERS
        return "hidden or environment" if hidden or (path / "pyvenv.cfg").exists() else ""
    if not stat.S_ISREG(found.st_mode):
        return "not a regular file"  # reading a pipe, for example, may never end
    is_output = output is not None and os.path.samestat(found, output)
    return "the demo's own output" if is_output else ""  # it grows while it is read


def facts_of(path: str, beat: Callable[[str], bool] = bool) -> dict[str, Any]:
    """Return the facts that the demo shows about a file.

    *beat* is called with the progress after each chunk; if it returns False, raise CancelTask.
    """
    content = b""
    with Path(path).open("rb") as file:
        while len(content) < MAX_READ_BYTES and (chunk := file.read(CHUNK_BYTES)):
            content += chunk
            if not beat(f"{len(content):,} bytes read"):
                raise CancelTask
        size = file.seek(0, os.SEEK_END)
    return {
        "size": size,
        "lines": len(content.splitlines()),
        "words": len(content.split()),
        "sha256": hashlib.sha256(content).hexdigest(),
        "whole": len(content) >= size,
    }
