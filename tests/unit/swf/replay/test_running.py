"""Recorded tasks run again, as in a worker."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowy import (
    Activity,
    AsyncActivity,
    CancelTask,
    activity,
)
from flowy.context import replaying
from flowy.invocation import TaskOutcome
from flowy.swf.replay import recording_of, save
from flowy.swf.values import ActivityType
from tests.patience import until
from tests.unit.clocks import SelfTurningClock
from tests.unit.swf.replay.recorded import BEGAN_AT, Charge, History, Ship, one, run


def test_completed() -> None:
    """The value, the heartbeats, the seconds; equal values may be other texts."""
    replay = run(one("charge", 7, result='{"paid":7}', after=12.5), Charge)
    assert replay.equal
    assert replay.verdict == "Equal: it ends now as it did then."
    assert (replay.then.outcome, replay.then.seconds) == (TaskOutcome.COMPLETED, 12.5)
    assert replay.now.value == {"paid": 7}
    assert replay.now.seconds is not None
    assert replay.now.seconds < 12
    assert replay.heartbeats == ['{"step": 1}', '{"step": 2}']
    assert replay.error is None


def test_failed(caplog: pytest.LogCaptureFixture) -> None:
    """The same reason is equal, whatever the tracebacks say; the log says nothing of an answer."""
    task = one("charge", 8, kind="Failed", reason="No such order.", details="Traceback")
    with caplog.at_level(logging.INFO):
        replay = run(task, Charge)
    assert replay.equal
    assert isinstance(replay.error, ValueError)
    assert replay.now.details is not None
    assert replay.now.details.endswith('Last heartbeat: {"step": 2}')
    assert caplog.messages == []
    other = run(one("charge", 8, kind="Failed", reason="Timed out."), Charge)
    assert (other.equal, other.verdict) == (False, "Not equal: the reasons differ.")


def test_ends_otherwise() -> None:
    """A task that failed and now completes differs, and so does another value."""
    replay = run(one("charge", 7, kind="Failed", reason="No."), Charge)
    assert replay.verdict == "Not equal: failed then, completed now."
    replay = run(one("charge", 7, result='{"paid": 8}'), Charge)
    assert replay.verdict == 'Not equal: result["paid"] was 8 then, and is 7 now.'
    assert "Then: completed after 1.000 s" in str(replay)


def test_open() -> None:
    """A task that had not ended, or not even started, runs; there is nothing to compare with."""
    replay = run(one("charge", 7, kind=None), Charge)
    assert replay.equal is None
    assert replay.verdict.startswith("Nothing to compare with: the task had not ended")
    assert (replay.then.outcome, replay.then.seconds) == (None, None)


@pytest.mark.parametrize("how", ["recorded", "saved"])
def test_history(tmp_path: Path, how: str) -> None:
    """An activity that asks for its attempt, and what the one before had reported, is told."""

    @activity("resume", 1, "work", history="needed")
    class Resume(Activity):
        def run(self, order: Any) -> Any:
            """Return what is known."""
            return [self.attempt, self.previous_details, self.info.start_to_close]

    history = History()
    other = history.schedule("charge", 7, activity_id="b")
    first = history.schedule("resume", 7)
    history.start(first)
    history.end("TimedOut", first, timeoutType="START_TO_CLOSE", details='{"step": 3}')
    second = history.schedule("resume", 7)
    history.start(second)
    history.end("Completed", second, result='[2, {"step": 3}, 60]')
    third = history.schedule("resume", 7)
    tasks = recording_of(history.events).fitting({ActivityType("resume", "1")})
    if how == "saved":
        save(tasks[1], tmp_path / "task.json")
        document = json.loads((tmp_path / "task.json").read_text())
        assert [each["eventId"] for each in document["events"]] == [1, 3, 4, 5, 6, 7, 8]
        tasks[1:2] = recording_of(document).fitting({ActivityType("resume", "1")})
    replays = [run(each, Resume).now.value for each in tasks]
    assert replays == [[1, None, 60], [2, {"step": 3}, 60], [None, None, 60]]
    assert (other, tasks[2].event_id) == (2, third)


def test_input_of_ones_own() -> None:
    """Another input than the recorded one."""
    assert run(one("charge", 7), Charge, input="[[9], {}]").now.value == {"paid": 9}


def test_input_that_does_not_fit() -> None:
    """Fails as in a worker."""
    replay = run(one("charge", 7), Charge, input="[[], {}]")
    assert replay.now.reason.startswith("Input does not fit: run() missing")


# As recorded


@activity("count", 1, "work")
class Count(Activity):
    def run(self, clock: Any) -> Any:
        """Beat every second until told to stop, for ten seconds at most."""
        for beat in range(10):
            if not self.heartbeat(beat):
                raise CancelTask(f"at {beat}")
            CLOCK.time += 1
        return "all"


#: What ``Count`` turns.
CLOCK = SelfTurningClock()


def test_canceled_as_recorded() -> None:
    """A heartbeat learns of the cancellation when this number of seconds has passed."""
    task = one("count", 0, kind="Canceled", after=4.0, details="at 3")
    task = replace(task, cancel_requested_at=BEGAN_AT + 2 + 2.5)
    replay = run(task, Count, clock=CLOCK, as_recorded=True)
    assert replay.equal
    assert (replay.now.outcome, replay.now.details) == (TaskOutcome.CANCELED, "at 3")
    replay = run(task, Count, clock=CLOCK)
    assert (replay.equal, replay.now.value) == (False, "all")
    late = replace(task, cancel_requested_at=BEGAN_AT + 2 + 3.5)
    assert run(late, Count, clock=CLOCK, as_recorded=True).verdict == (
        "Not equal: the details differ."
    )


def test_timed_out_as_recorded() -> None:
    """Heartbeats, and an answer, learn that the task is closed."""
    task = one("count", 0, kind="TimedOut", after=3.0, timeoutType="HEARTBEAT", details="2")
    replay = run(task, Count, clock=CLOCK, as_recorded=True)
    assert (replay.now.outcome, replay.equal) == (TaskOutcome.CLOSED, True)
    assert replay.heartbeats == ["0", "1", "2", "3"]
    assert (replay.then.reason, replay.then.details) == ("HEARTBEAT", "2")
    assert run(task, Count, clock=CLOCK).verdict == "Not equal: timed out then, completed now."


def test_coalesced_heartbeats() -> None:
    """As a worker sends them: ten at once, then one a second."""
    clock = SelfTurningClock()

    @activity("hurry", 1, "work")
    class Hurry(Activity):
        def run(self, order: Any) -> Any:
            """Beat 30 times in 3 seconds."""
            for beat in range(30):
                self.heartbeat(beat)
                clock.time += 0.1

    every = run(one("hurry", 7), Hurry, clock=clock).heartbeats
    some = run(one("hurry", 7), Hurry, clock=clock, coalesce=True).heartbeats
    assert every == [str(beat) for beat in range(30)]
    assert len(some) in (12, 13)
    assert some[:10] == every[:10]


@activity("listen", 1, "work", heartbeat=60, auto_heartbeat=0.001)
class Listen(Activity):
    def run(self, order: Any) -> Any:
        """Wait until a background heartbeat learns of a cancellation."""
        until(lambda: self.cancel_requested, every_seconds=0.001)


@activity("linger", 1, "work", heartbeat=60, auto_heartbeat=0.001)
class Linger(AsyncActivity):
    async def run(self, order: Any) -> Any:
        """Wait until canceled."""
        await asyncio.Event().wait()


@pytest.mark.parametrize(("name", "implementation"), [("listen", Listen), ("linger", Linger)])
def test_background_heartbeats(name: str, implementation: type[Activity]) -> None:
    """They go on, learn what is recorded, and cancel a coroutine."""
    task = replace(one(name, 7, kind="Canceled"), cancel_requested_at=BEGAN_AT)
    replay = run(task, implementation, as_recorded=True)
    assert (replay.now.outcome, replay.equal) == (TaskOutcome.CANCELED, True)
    assert replay.heartbeats[0] is None


def test_coroutine() -> None:
    """Runs on an event loop of its own."""
    replay = run(one("ship", 7, result="[7]"), Ship)
    assert (replay.equal, replay.heartbeats) == (True, ["packing"])


# How a run ends


def test_ends_of_the_process() -> None:
    """SystemExit fails the task, as in a worker; Ctrl-C ends the replay, in a coroutine too."""

    @activity("exit", 1, "work")
    class Exit(Activity):
        def run(self, order: Any) -> Any:
            """Exit."""
            raise SystemExit(3)

    @activity("interrupt", 1, "work")
    class Interrupt(Activity):
        def run(self, order: Any) -> Any:
            """End as by Ctrl-C."""
            raise KeyboardInterrupt

    @activity("interrupt later", 1, "work")
    class InterruptLater(AsyncActivity):
        async def run(self, order: Any) -> Any:
            """End as by Ctrl-C."""
            raise KeyboardInterrupt

    assert run(one("exit", 7), Exit).now.reason == "SystemExit: 3"
    for name, implementation in (("interrupt", Interrupt), ("interrupt later", InterruptLater)):
        with pytest.raises(KeyboardInterrupt):
            run(one(name, 7), implementation)
    assert not replaying()


def test_call_of_ones_own() -> None:
    """A class with its own ``__call__`` answers by its scheduler."""

    @activity("own", 1, "work")
    class Own(Activity):
        def __call__(self) -> Any:
            """Answer."""
            self._scheduler.complete(self.token, '"mine"')

        def run(self) -> None:
            """Is not called."""

    assert run(one("own", 7, result='"mine"'), Own).equal
