"""Announcements: a local SWF that runs is found by others of the same user, and by nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowy.local.running import announced, running

URL = "http://127.0.0.1:4567"

#: Announces an address and stays until it is killed.
STAYS = """
import sys
from flowy.local.running import announced

with announced(sys.argv[1]):
    print("announced", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the announcements, one of the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "flowy"


def test_found_while_it_runs(folder: Path) -> None:
    """Several may run; after the block nothing is left."""
    assert running() == []
    with announced(URL), announced(other := "http://127.0.0.1:4568"):
        assert sorted(running()) == [URL, other]
        assert sorted(running()) == [URL, other]
    assert running() == []
    assert list(folder.iterdir()) == []


def test_a_kill_leaves_nothing_that_is_found(folder: Path) -> None:
    """Another process's is found, too; what it left when it was killed is cleared away."""
    with subprocess.Popen(
        [sys.executable, "-c", STAYS, URL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"announced\n"
        assert running() == [URL]
        process.kill()
        process.wait()
    assert len(list(folder.iterdir())) == 1
    assert running() == []
    assert list(folder.iterdir()) == []


def test_a_folder_that_others_may_use(folder: Path) -> None:
    """Nothing is read there, and nothing announced: others could lead a worker to their SWF."""
    folder.mkdir()
    folder.chmod(0o777)
    with announced(URL):
        assert running() == []
        assert list(folder.iterdir()) == []
    folder.rmdir()
    target = folder.parent / "elsewhere"
    target.mkdir(mode=0o700)
    folder.symlink_to(target)
    with announced(URL):
        assert running() == []
    assert list(target.iterdir()) == []


def test_without_a_runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is one of this user's in the folder for temporary files."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with announced(URL):
        assert running() == [URL]
        (found,) = tmp_path.iterdir()
        assert found.name == f"flowy-{os.getuid()}"
        assert found.stat().st_mode & 0o777 == 0o700
