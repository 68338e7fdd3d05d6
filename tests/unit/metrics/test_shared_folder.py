"""Several processes that count together: their folder, their files, and what is left of the dead.

The processes are observers of one process here; real ones are in
``tests/acceptance/operating/test_monitoring.py``.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import values
from prometheus_client.values import MultiProcessValue, MutexValue

from flowy.exception import ObserverError
from flowy.invocation import TaskOutcome
from flowy.metrics import shared_folder
from flowy.metrics.prometheus import PrometheusObserver, render
from flowy.observer import ProcessEnded, ProcessStarted, Starting, TaskEnded
from tests.unit.metrics.lives import CHARGE, busy, stop

VARIABLE = shared_folder.VARIABLE


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No folder and no trace of other tests; prometheus_client as it is imported afterwards."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(values, "ValueClass", MultiProcessValue())  # type: ignore[no-untyped-call]
    yield
    shared_folder.leave()


def started(slot: int | None) -> PrometheusObserver:
    """Return the observer of one process of two; None is the supervisor's slot."""
    observer = PrometheusObserver()
    observer.starting(Starting("shop", "orders", 2, slot))
    return observer


def folder() -> Path:
    return Path(os.environ[VARIABLE])


def scraped(name: str) -> float:
    """Return the sum of a metric's samples."""
    text, _ = render()
    found = re.findall(rf"^flowy_{name}(?:{{.*}})? (.+)$", text.decode(), re.MULTILINE)
    return sum(map(float, found))


def test_three_generations_in_two_slots() -> None:
    """Counters go on, gauges are those of the living, and no files are added."""
    supervisor = started(None)
    files: set[str] = set()
    for generation in (1, 2, 3):
        for slot in (0, 1):
            supervisor.process_started(ProcessStarted(100 * generation + slot, slot))
            busy(started(slot))
        assert scraped("polls_total") == generation * 8
        assert scraped("tasks_total") == generation * 2
        assert scraped("task_run_seconds_count") == generation * 2
        assert [scraped(name) for name in ("slots", "slots_used", "polls_out")] == [20, 2, 2]
        assert scraped("tasks_running") == 2
        assert scraped("worker_restarts_total") == (generation - 1) * 2
        assert scraped("info") == 1
        now = {file.name for file in folder().iterdir()}
        assert not files or now == files
        files = now
        for slot in (0, 1):
            end = "killed by signal 9 (SIGKILL)"
            supervisor.process_ended(ProcessEnded(100 * generation + slot, slot, end, False))
        assert [scraped(name) for name in ("slots", "tasks_running", "polls_out")] == [0, 0, 0]
    assert scraped("polls_total") == 24


def test_a_process_id_that_is_the_number_of_a_slot() -> None:
    """In a container, ids are as small as slots: the other process's values stay."""
    supervisor = started(None)
    for slot in (0, 1):
        busy(started(slot))
    supervisor.process_ended(ProcessEnded(1, 0, "exit code 1", expected=False))
    assert [scraped(name) for name in ("slots", "tasks_running")] == [10, 1]
    names = {file.stem.rpartition("_")[2] for file in folder().iterdir()}
    assert names == {"slot0", "slot1", "supervisor"}


def test_the_task_of_a_dead_process() -> None:
    """The supervisor counts its end; it had run in another process, and had no slot here."""
    supervisor, child = started(None), started(0)
    busy(child)
    before = scraped("tasks_total")
    supervisor.process_ended(ProcessEnded(100, 0, "exit code 1", expected=False))
    supervisor.task_ended(TaskEnded(CHARGE, TaskOutcome.FAILED, 3.0, 0.1))
    assert scraped("tasks_total") == before + 1
    assert (scraped("tasks_running"), scraped("slots_used")) == (0, 0)


def test_the_folder_is_private_and_removed() -> None:
    """Only this user may look into it; it is gone at the end, and a late scrape is empty."""
    stop(started(None))
    path = folder()
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert path.stat().st_uid == os.getuid()
    shared_folder._leave_at_exit(os.getpid() + 1)  # a forked child's exit
    assert path.exists()
    shared_folder._leave_at_exit(os.getpid())
    assert not path.exists()
    assert VARIABLE not in os.environ
    os.environ[VARIABLE] = str(path)
    assert render()[0] == b""
    del os.environ[VARIABLE]


def test_the_next_supervisor_has_a_folder_of_its_own() -> None:
    """What was counted before does not count any more."""
    busy(started(None))
    first = folder()
    started(None)
    assert folder() != first
    assert not first.exists()
    assert scraped("polls_total") == 0


def test_a_worker_after_a_supervisor() -> None:
    """It counts alone."""
    started(None)
    values.ValueClass = MutexValue
    PrometheusObserver().starting(Starting("shop", "orders"))
    assert VARIABLE not in os.environ


def test_a_folder_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used as it is and kept; only what a killed supervisor's processes had is forgotten."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    busy(started(1))
    mine = tmp_path / "counter_77.db"
    mine.write_bytes(b"")  # as a process leaves it that is killed when it makes the file
    assert (scraped("slots"), scraped("polls_total")) == (10, 4)
    started(None)
    assert (scraped("slots"), scraped("polls_total")) == (0, 4)
    shared_folder.leave()
    assert mine.exists()
    assert folder() == tmp_path


def test_a_folder_of_an_earlier_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update, and with fewer processes than before, only what runs now is there."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with monkeypatch.context() as earlier:
        earlier.setattr("flowy.metrics.prometheus.__version__", "0.9")
        started(None)
        for slot in range(4):
            busy(started(slot))
    assert (scraped("slots"), scraped("info")) == (40, 1)
    started(None)
    busy(started(0))
    assert (scraped("slots"), scraped("info")) == (10, 1)
    assert b'version="0.9"' not in render()[0]


@pytest.mark.parametrize("slot", [None, 0])
def test_a_folder_that_is_not_there(
    slot: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an error at the start, not one for each event."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none"))
    with pytest.raises(ObserverError, match="it does not exist, or this process may not write"):
        started(slot)


def test_no_folder_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container whose file system is read-only: an error says what to do."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(ObserverError, match="no folder can be made .*Set TMPDIR to a folder"):
        started(None)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_import_that_was_too_early(
    processes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Metrics that were made before would be missing: the error says what to do."""
    if processes == 1:
        monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", MutexValue)
    with pytest.raises(ObserverError, match="Cannot count for several processes") as caught:
        PrometheusObserver().starting(Starting("shop", "orders", processes))
    assert f"{VARIABLE}=$(mktemp -d)" in str(caught.value)
