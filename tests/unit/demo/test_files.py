"""Which files of a folder the demo takes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowy.demo import files
from flowy.demo.files import facts_now, facts_of, select


def _names(folder: Path) -> list[str]:
    selection = select(folder)
    return [selection.relative(path) for path in selection.files]


def _write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)


def test_files_come_in_sorted_order_with_those_of_folders(tmp_path: Path) -> None:
    """Sorted by each part of the path, whatever order the disk has."""
    _write(tmp_path, "b", "a/z", "c/d/e", "a/b", "B", ".hidden")
    assert _names(tmp_path) == [".hidden", "B", "a/b", "a/z", "b", "c/d/e"]


def test_hidden_and_environment_folders_are_skipped_and_named(tmp_path: Path) -> None:
    """They hold what programs made; anything with a pyvenv.cfg is an environment."""
    skipped = [".git", ".tox", "__pycache__", "mine", "node_modules", "sub/venv"]
    _write(tmp_path, "kept", *(f"{folder}/file" for folder in skipped), "mine/pyvenv.cfg")
    assert _names(tmp_path) == ["kept"]
    assert select(tmp_path).folders == skipped


def test_the_first_fifty_are_taken_and_the_others_counted(tmp_path: Path) -> None:
    """``more`` tells how many there are beyond."""
    _write(tmp_path, *(f"{number:03}" for number in range(63)))
    selection = select(tmp_path)
    assert _names(tmp_path) == [f"{number:03}" for number in range(50)]
    assert (selection.more, selection.seen_all) == (13, True)


def test_a_whole_disk_is_not_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many entries it looks no further, and knows that it does not know all."""
    monkeypatch.setattr(files, "MAX_LOOKED_AT", 7)
    _write(tmp_path, *(f"folder/{number}" for number in range(9)))
    selection = select(tmp_path)
    assert (len(selection.files), selection.seen_all) == (6, False)


def test_links_are_not_followed(tmp_path: Path) -> None:
    """They may lead out of the folder, round in circles, or nowhere."""
    _write(tmp_path, "kept")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "file").symlink_to(tmp_path / "kept")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert _names(tmp_path) == ["kept"]
    assert select(tmp_path).others == {"link": 3}


def test_what_is_no_regular_file_is_skipped(tmp_path: Path) -> None:
    """Who reads a pipe may wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    assert _names(tmp_path) == []
    assert select(tmp_path).others == {"no regular file": 1}


@contextmanager
def _nobody() -> Iterator[None]:
    """Be a user who may not read everything, where the tests are run by root."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_what_cannot_be_read_is_skipped() -> None:
    """A file or a folder without permission is counted, and the others are taken."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        _write(folder, "kept", "secret", "closed/file")
        (folder / "secret").chmod(0)
        (folder / "closed").chmod(0)
        with _nobody():
            selection = select(folder)
        (folder / "closed").chmod(0o700)
    assert [Path(path).name for path in selection.files] == ["kept"]
    assert selection.others == {"unreadable": 2}


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    """What goes away between two looks is no error."""
    selection = select(tmp_path / "gone")
    assert (selection.files, selection.others) == ({}, {"unreadable": 1})


def test_the_demos_own_output_is_skipped(tmp_path: Path) -> None:
    """``flowy demo > out.txt`` would describe a file that grows meanwhile."""
    _write(tmp_path, "kept", "out.txt")
    selection = select(tmp_path, (tmp_path / "out.txt").stat())
    assert [Path(path).name for path in selection.files] == ["kept"]


def test_a_file_that_was_changed_or_removed_is_known(tmp_path: Path) -> None:
    """Of such a file nobody knows what was read."""
    _write(tmp_path, "same", "longer", "gone")
    selection = select(tmp_path)
    (tmp_path / "longer").write_text("longer than before")
    (tmp_path / "gone").unlink()
    changed = [Path(path).name for path in selection.files if selection.changed(path)]
    assert changed == ["gone", "longer"]


@pytest.mark.parametrize(
    ("content", "lines", "words"),
    [
        (b"", 0, 0),
        (b"one two\nthree\n", 2, 3),
        (b"no end of line", 1, 4),
        (b"\xff\x00\xfe \x80", 1, 2),
    ],
)
def test_the_facts_of_a_file(content: bytes, lines: int, words: int) -> None:
    """Lines, words and SHA-256 are of bytes: any file has them."""
    assert facts_of(content, size=len(content)) == {
        "size": len(content),
        "lines": lines,
        "words": words,
        "sha256": hashlib.sha256(content).hexdigest(),
        "whole": True,
    }


def test_of_a_huge_file_only_the_beginning_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts say so; the size is that of the whole."""
    monkeypatch.setattr(files, "MAX_READ_BYTES", 10)
    (tmp_path / "huge").write_bytes(b"ten bytes.and more")
    facts = facts_now(str(tmp_path / "huge"))
    assert (facts["size"], facts["words"], facts["whole"]) == (18, 2, False)
