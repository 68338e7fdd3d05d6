"""State in a file: SWF's clock after a restart, and the timeouts that go by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.local.conftest import Work
from tests.unit.local.stored import local

#: How near two readings of the wall clock are, in seconds: the machine may be busy.
NEAR_SECONDS = 100


def test_timeouts_run_on_while_it_is_stopped(file: Path) -> None:
    """A timeout that fell due while it was stopped fires at the start, at its own time."""
    with local(file) as swf:
        swf.clock.hold()
        work = Work(swf, timeouts="600")
        execution = work.start()
        work.schedule("a")
        token = work.poll_activity()["taskToken"]
    swf = local(file)
    swf.clock.turn(1000)  # while it is stopped
    with swf:
        work.client = swf.client()
        with pytest.raises(work.client.exceptions.UnknownResourceFault):
            work.client.respond_activity_task_completed(taskToken=token)
        events = work.events(execution)
        timed_out, started = events[6], events[5]
        assert timed_out["eventType"] == "ActivityTaskTimedOut"
        after = timed_out["eventTimestamp"] - started["eventTimestamp"]
        assert after.total_seconds() == 600


def test_a_clock_that_was_turned_stays_ahead(file: Path) -> None:
    """After a restart SWF's clock is not behind the events of its histories."""
    with local(file) as swf:
        work = Work(swf)
        work.start()
        swf.clock.turn(10_000)
        work.schedule("a")
    with local(file) as swf:
        assert swf.clock.ahead_seconds > 9_000


def test_a_held_clock_is_held_after_a_restart(file: Path) -> None:
    """A held clock does not move while the state is closed and read again."""
    swf = local(file)
    with swf:
        work = Work(swf, timeouts="1")
        execution = work.start()
        swf.clock.turn(100)
        swf.clock.hold()
        work.schedule("a")
        swf.clock.turn(0.999)
        stood = swf.clock.now()
    with swf:
        assert swf.clock.now() == stood
        assert "ActivityTaskTimedOut" not in work.event_types(execution)
        swf.clock.turn(0.001)
        assert "ActivityTaskTimedOut" in work.event_types(execution)


@pytest.mark.parametrize("stopped", [True, False])
def test_a_clock_that_was_held_is_behind_after_a_restart(file: Path, *, stopped: bool) -> None:
    """The clock stays behind by the time it was held, so no timeout fires early."""
    swf = local(file)
    with swf:
        swf.clock.hold()
        swf.clock.set(swf.clock.now() - 1000)  # as if it was held for so long
        swf.clock.release()
        Work(swf)
        if not stopped:
            file.with_name("killed").touch(0o600)
            file.with_name("killed").write_bytes(file.read_bytes())
    with local(file if stopped else file.with_name("killed")) as swf:
        assert -1000 - NEAR_SECONDS < swf.clock.ahead_seconds < NEAR_SECONDS - 1000


def test_a_clock_that_is_held_from_before_the_start(file: Path) -> None:
    """A clock that is held before start() is not earlier than the events in the file."""
    with local(file) as swf:
        work = Work(swf)
        swf.clock.turn(10_000)
        execution = work.start()
        began = work.events(execution)[0]["eventTimestamp"]
    swf = local(file)
    swf.clock.hold()
    with swf:
        assert 0 <= swf.clock.now() - began.timestamp() < NEAR_SECONDS


def test_a_clock_that_was_turned_before_the_start_stays_ahead(file: Path) -> None:
    """Reading a file may put the clock ahead, never back."""
    for turned, wanted in ((1000, 1000), (500, 1000), (2000, 2000)):
        swf = local(file)
        swf.clock.turn(turned)
        with swf:
            assert abs(swf.clock.ahead_seconds - wanted) < NEAR_SECONDS
