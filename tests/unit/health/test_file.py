"""The health as a file: when it is written, and what a reader makes of it."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

import pytest

from flowy.exception import HealthError
from flowy.health.file import EVERY_SECONDS, HealthFile, problems_of
from tests.unit.clocks import TurnedClock
from tests.unit.health.healths import ILL, NEW, STOPPING, WELL


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "health"


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


def make_older(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_it_is_written_when_due_and_when_something_changes(path: Path, clock: TurnedClock) -> None:
    """A file that is not written any more is that of a worker that hangs."""
    file = HealthFile(path, clock)
    file.show(NEW)
    assert json.loads(path.read_text()) == {
        "live": True,
        "ready": False,
        "problems": ["it does not poll yet"],
        "pid": os.getpid(),
    }
    make_older(path, 1000)
    clock.turn(EVERY_SECONDS - 0.1)
    file.show(NEW)
    assert problems_of(path) == [f"{path} is 1000 s old: the worker hangs, or was killed"]
    clock.turn(0.1)
    file.show(NEW)
    assert problems_of(path) == []
    make_older(path, 1000)
    file.show(WELL)
    assert problems_of(path) == problems_of(path, ready=True) == []
    assert sorted(each.name for each in path.parent.iterdir()) == ["health"]
    file.close()
    assert not path.exists()
    file.close()  # somebody else may have removed it


def test_what_a_reader_is_told(path: Path, clock: TurnedClock) -> None:
    """Why a worker is not live, or not ready."""
    file = HealthFile(path, clock)
    file.show(ILL)
    assert problems_of(path) == ["poller 0 is dead"]
    file.show(STOPPING)
    assert problems_of(path) == []
    assert problems_of(path, ready=True) == ["it stops"]


@pytest.mark.parametrize("seconds", [40.0, -40.0])
def test_the_age(path: Path, clock: TurnedClock, seconds: float) -> None:
    """A file of the future is as strange as an old one: the wall clock was set."""
    HealthFile(path, clock).show(WELL)
    make_older(path, seconds)
    assert problems_of(path, max_age_seconds=60) == []
    (problem,) = problems_of(path, max_age_seconds=30)
    assert problem.endswith("is 40 s old: the worker hangs, or was killed")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"live": true}', "\udcff"])
def test_what_is_no_health_file(path: Path, text: str) -> None:
    """A file with anything else does not count as that of a live worker."""
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    assert problems_of(path) == [f"{path} is not a health file"]


def test_a_file_that_cannot_be_read(path: Path) -> None:
    """No file means no worker, and so does a folder."""
    (problem,) = problems_of(path)
    assert problem == f"{path} is missing: the worker has not started, or has ended"
    (problem,) = problems_of(path.parent)
    assert problem == f"{path.parent} cannot be read: Is a directory"


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """It is an error at the start of a worker."""
    with pytest.raises(HealthError, match=r"^Cannot write the health file .*: No such file"):
        HealthFile(tmp_path / "missing" / "health").show(WELL)


def test_a_disk_that_is_full_later(
    tmp_path: Path, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning, and the file grows old; the worker goes on."""
    folder = tmp_path / "folder"
    folder.mkdir()
    file = HealthFile(folder / "health", clock)
    file.show(WELL)
    folder.rename(tmp_path / "moved")
    for _ in range(3):
        clock.turn(EVERY_SECONDS)
        file.show(WELL)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().endswith("health not written: No such file or directory.")
    folder.mkdir()
    clock.turn(EVERY_SECONDS)
    file.show(WELL)
    assert problems_of(folder / "health") == []


def test_a_link_is_replaced_and_not_followed(path: Path, clock: TurnedClock) -> None:
    """In a folder like /tmp anybody may have put one there."""
    other = path.with_name("other")
    other.write_text("precious")
    path.symlink_to(other)
    HealthFile(path, clock).show(WELL)
    assert other.read_text() == "precious"
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o644
