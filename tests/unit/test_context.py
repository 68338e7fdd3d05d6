"""The running activity: known where it runs, and nowhere else."""

from __future__ import annotations

import contextvars
import dataclasses
import threading
from collections.abc import Callable

import pytest

from flowy.concurrency.retry import Deadline
from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.context import (
    ActivityInfo,
    RunningActivity,
    current,
    entered,
    entered_replay,
    remaining_seconds,
    replaying,
    worker_stopping,
)
from flowy.exception import OutsideActivityError
from tests.unit.clocks import SelfTurningClock

INFO = ActivityInfo(
    name="echo", version="1", activity_id="7", workflow_id="flow", run_id="run", domain="domain",
    task_list="list", started_event_id=6, identity="me", heartbeat=None, schedule_to_close=420,
    schedule_to_start=120, start_to_close=300,
)  # fmt: skip


def running(
    info: ActivityInfo = INFO, *, deadline: Deadline | None = None, flag: StopFlag | None = None
) -> RunningActivity:
    """Return one run of an activity, as its worker sees it."""
    return RunningActivity(info, deadline or Deadline(None), (flag or StopFlag()).is_set)


def test_known_inside_only() -> None:
    """Inside the block it is the current one, before and after there is none."""
    with pytest.raises(OutsideActivityError, match="no worker runs an activity here"):
        current()
    with entered(running()):
        assert current() is INFO
        other = dataclasses.replace(INFO, activity_id="8")
        with entered(running(other)):
            assert current() is other
        assert current() is INFO
    with pytest.raises(OutsideActivityError):
        current()


def test_left_by_an_exception() -> None:
    """A block that is left by an exception leaves nothing behind."""
    with pytest.raises(ZeroDivisionError), entered(running()):
        _ = 1 / 0
    with pytest.raises(OutsideActivityError):
        current()


def test_threads_of_the_activity() -> None:
    """A thread of the author's own knows it if the context was carried there, as the text says."""
    seen: list[object] = []

    def look() -> None:
        try:
            seen.append(current())
        except OutsideActivityError as error:
            seen.append(type(error))

    with entered(running()):
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


@pytest.mark.parametrize("ask", [current, worker_stopping, remaining_seconds])
def test_outside_all_say_where_it_is_known(ask: Callable[[], object]) -> None:
    """Whatever is asked, the error says what cannot be told, and how to carry it to a thread."""
    with pytest.raises(OutsideActivityError, match=r"^Cannot tell .*copy_context\(\)\.run"):
        ask()


def test_worker_stopping_from_the_first_request_on() -> None:
    """While heartbeats still answer True: a long activity may use the time to save its state."""
    flag = StopFlag()
    with entered(running(flag=flag)):
        assert worker_stopping() is False
        flag.raise_to(StopLevel.DRAIN)
        assert worker_stopping() is True


def test_remaining_seconds() -> None:
    """What is left of the deadline, at least 0; None if there is none."""
    clock = SelfTurningClock()
    with entered(running(deadline=Deadline(30, clock=clock))):
        assert remaining_seconds() == 30
        clock.time += 20
        assert remaining_seconds() == 10
        clock.time += 20
        assert remaining_seconds() == 0
    with entered(running()):
        assert remaining_seconds() is None


def test_replaying() -> None:
    """In a replay's own context, or in the whole process; and not after it."""

    def elsewhere() -> bool:
        """Return what another thread sees, in a context of its own."""
        found: list[bool] = []
        thread = threading.Thread(
            target=contextvars.Context().run, args=(lambda: found.append(replaying()),)
        )
        thread.start()
        thread.join()
        return found[0]

    assert not replaying()
    with entered_replay():
        assert replaying()
        assert not elsewhere()
    with entered_replay(process=True):
        with entered_replay():
            assert replaying()
        assert elsewhere()
        assert replaying()
    assert not replaying()
    assert not elsewhere()
