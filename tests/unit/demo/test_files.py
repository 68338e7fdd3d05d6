"""Which files of a folder the demo takes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flowy.demo import files
from flowy.demo.files import Selection, facts_of, select
from flowy.exception import CancelTask


def _relative(paths: Iterable[str], selection: Selection) -> list[str]:
    return [os.path.relpath(path, selection.folder) for path in paths]


def _names(folder: Path) -> list[str]:
    selection = select(folder)
    return _relative(selection.files, selection)


def _skipped(selection: Selection) -> dict[str, list[str]]:
    return {why: _relative(paths, selection) for why, paths in selection.skipped.items()}


def _write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)


def test_files_come_in_sorted_order_with_those_of_folders(tmp_path: Path) -> None:
    """They are sorted by each part of the path, whatever order the disk has."""
    _write(tmp_path, "b", "a/z", "c/d/e", "a/b", "B", ".hidden")
    assert _names(tmp_path) == [".hidden", "B", "a/b", "a/z", "b", "c/d/e"]


def test_hidden_and_environment_folders_are_skipped_and_named(tmp_path: Path) -> None:
    """Programs made their content; any folder with a pyvenv.cfg is an environment."""
    skipped = [".git", ".tox", "__pycache__", "mine", "node_modules", "sub/venv"]
    _write(tmp_path, "kept", *(f"{folder}/file" for folder in skipped), "mine/pyvenv.cfg")
    assert _names(tmp_path) == ["kept"]
    assert _skipped(select(tmp_path)) == {"hidden or environment": skipped}


def test_the_folder_itself_may_be_hidden(tmp_path: Path) -> None:
    """Somebody who names a hidden folder wants its files."""
    _write(tmp_path, ".notes/kept")
    assert _names(tmp_path / ".notes") == ["kept"]


def test_the_first_twelve_are_taken_and_the_others_counted(tmp_path: Path) -> None:
    """``more`` tells how many there are beyond."""
    _write(tmp_path, *(f"{number:03}" for number in range(63)))
    selection = select(tmp_path)
    assert _names(tmp_path) == [f"{number:03}" for number in range(12)]
    assert (selection.more, selection.skipped) == (51, {})


def test_a_whole_disk_is_not_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops after a number of entries, and says what it did not look at."""
    monkeypatch.setattr(files, "MAX_LOOKED_AT", 7)
    _write(tmp_path, *(f"folder/{number}" for number in range(9)))
    selection = select(tmp_path)
    assert len(selection.files) == 6
    assert _skipped(selection) == {"not looked at": ["folder/6", "folder/7", "folder/8"]}


def test_links_are_not_followed(tmp_path: Path) -> None:
    """They may lead out of the folder, round in circles, or nowhere."""
    _write(tmp_path, "kept")
    (tmp_path / "circle").symlink_to(tmp_path)
    (tmp_path / "file").symlink_to(tmp_path / "kept")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert _names(tmp_path) == ["kept"]
    assert _skipped(select(tmp_path)) == {"link": ["circle", "file", "nowhere"]}


def test_only_regular_files_are_taken(tmp_path: Path) -> None:
    """Reading a pipe may never end."""
    os.mkfifo(tmp_path / "pipe")
    assert _names(tmp_path) == []
    assert _skipped(select(tmp_path)) == {"not a regular file": ["pipe"]}


@contextmanager
def _nobody() -> Iterator[None]:
    """Be a user who may not read everything, even if root runs the tests."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_what_cannot_be_read_is_skipped() -> None:
    """A file or a folder without permission is named, and the others are taken."""
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
    assert _skipped(selection) == {"unreadable": ["closed", "secret"]}


def test_a_folder_that_is_gone_has_no_files(tmp_path: Path) -> None:
    """A folder may be removed meanwhile: that is not an error."""
    selection = select(tmp_path / "gone")
    assert (selection.files, _skipped(selection)) == ({}, {"unreadable": ["."]})


def test_the_demos_own_output_is_skipped(tmp_path: Path) -> None:
    """``flowy demo > out.txt`` would describe a file that grows meanwhile."""
    _write(tmp_path, "kept", "out.txt")
    selection = select(tmp_path, (tmp_path / "out.txt").stat())
    assert [Path(path).name for path in selection.files] == ["kept"]


@pytest.mark.parametrize(
    ("content", "lines", "words"),
    [
        (b"", 0, 0),
        (b"one two\nthree\n", 2, 3),
        (b"no end of line", 1, 4),
        (b"\xff\x00\xfe \x80", 1, 2),
    ],
)
def test_the_facts_of_a_file(content: bytes, lines: int, words: int, tmp_path: Path) -> None:
    """Lines, words and SHA-256 are of bytes: any file has them."""
    (tmp_path / "file").write_bytes(content)
    assert facts_of(str(tmp_path / "file")) == {
        "size": len(content),
        "lines": lines,
        "words": words,
        "sha256": hashlib.sha256(content).hexdigest(),
        "whole": True,
    }


def test_of_a_huge_file_only_the_beginning_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts say so; the size is that of the whole file."""
    monkeypatch.setattr(files, "MAX_READ_BYTES", 10)
    monkeypatch.setattr(files, "CHUNK_BYTES", 5)
    (tmp_path / "huge").write_bytes(b"ten bytes.and more")
    told: list[str] = []

    def beat(progress: str) -> bool:
        told.append(progress)
        return True

    facts = facts_of(str(tmp_path / "huge"), beat)
    assert (facts["size"], facts["words"], facts["whole"]) == (18, 2, False)
    assert told == ["5 bytes read", "10 bytes read"]


def test_reading_stops_if_nobody_needs_the_facts(tmp_path: Path) -> None:
    """A heartbeat that answers False ends the activity."""
    (tmp_path / "file").write_text("text")
    with pytest.raises(CancelTask):
        facts_of(str(tmp_path / "file"), lambda _progress: False)


def test_the_summary_says_what_was_left_out(tmp_path: Path) -> None:
    """It counts the files beyond the first twelve and names up to five of what was skipped."""
    _write(tmp_path, *(f"{number:02}" for number in range(52)))
    for name in (".a", ".b", ".c", ".d", ".e", ".f"):
        (tmp_path / name).mkdir()
    (tmp_path / "link\n").symlink_to("00")
    assert select(tmp_path).summary() == [
        f"input     12 files of {tmp_path}: the first 12, there are 40 more",
        "skipped   hidden or environment: .a, .b, .c, .d, .e and 1 more",
        "skipped   link: link\\n",
    ]


def test_the_summary_of_a_folder_without_files(tmp_path: Path) -> None:
    """The demo has something to show all the same."""
    (line,) = select(tmp_path).summary()
    assert line == f"input     no files of {tmp_path}; the other activities still run"
