"""The running activity: known where it runs, and nowhere else."""

from __future__ import annotations

import contextvars
import dataclasses
import threading

import pytest

from flowy.context import ActivityInfo, current, entered
from flowy.exception import OutsideActivityError

INFO = ActivityInfo(
    name="echo", version="1", activity_id="7", workflow_id="flow", run_id="run", domain="domain",
    task_list="list", started_event_id=6, identity="me", heartbeat=None, schedule_to_close=420,
    schedule_to_start=120, start_to_close=300,
)  # fmt: skip


def test_known_inside_only() -> None:
    """Inside the block it is the current one, before and after there is none."""
    with pytest.raises(OutsideActivityError, match="no worker runs one here"):
        current()
    with entered(INFO):
        assert current() is INFO
        other = dataclasses.replace(INFO, activity_id="8")
        with entered(other):
            assert current() is other
        assert current() is INFO
    with pytest.raises(OutsideActivityError):
        current()


def test_left_by_an_exception() -> None:
    """A block that is left by an exception leaves nothing behind."""
    with pytest.raises(ZeroDivisionError), entered(INFO):
        _ = 1 / 0
    with pytest.raises(OutsideActivityError):
        current()


def test_threads_of_the_activity() -> None:
    """A thread of the author's own knows it where the context was carried there, as we say."""
    seen: list[object] = []

    def look() -> None:
        try:
            seen.append(current())
        except OutsideActivityError as error:
            seen.append(type(error))

    with entered(INFO):
        carried = contextvars.copy_context()
        for target in (look, lambda: carried.run(look)):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen[1] is INFO
    assert seen[0] is OutsideActivityError or seen[0] is INFO  # Python 3.14 may carry it itself


def test_info_is_frozen_and_names_itself() -> None:
    """Nobody can change it, and its text names type, activity and workflow for log lines."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        INFO.name = "other"  # type: ignore[misc]
    assert str(INFO) == "echo 1 (activity 7 of workflow flow)"
