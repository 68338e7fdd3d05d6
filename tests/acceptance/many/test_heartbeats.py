"""Heartbeats through a worker: coalesced, in the background, stalled, and what they leave."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from flowy.exception import CancelTask
from flowy.swf.scanner import Scanner, activity
from flowy.swf.worker.heartbeats import BURST
from flowy.task import Activity
from tests.acceptance.many.executions import TASK_LIST, Execution
from tests.acceptance.many.workers import Starter, WatchedClient, module_of
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from flowy.local import Clock

BEAT = "record_activity_task_heartbeat"


def test_a_tight_loop_uses_up_a_burst_and_no_more(
    start: Starter, execution: Execution, watched: WatchedClient
) -> None:
    """A thousand calls at once: ten beats at first; the failure has the newest details."""

    seconds: list[float] = []

    @activity("tight", 1, TASK_LIST, heartbeat=60)
    class Tight(Activity):
        def run(self) -> None:
            began_at = time.monotonic()
            for row in range(1_000):
                assert self.heartbeat({"row": row})
            seconds.append(time.monotonic() - began_at)
            raise ValueError("row 1000 is broken")

    start(Tight)
    execution.schedule("tight")
    (failed,) = execution.wait_for(1, "ActivityTaskFailed")
    assert failed["reason"] == "row 1000 is broken"
    assert failed["details"].endswith('\nLast heartbeat: {"row": 999}')
    assert BURST <= watched.calls[BEAT] <= BURST + 1 + seconds[0]  # one each second after it


def test_details_are_kept_for_the_decider(
    start: Starter, execution: Execution, flowy_clock: Clock
) -> None:
    """Text or any JSON value, cut to 2,048 characters: ActivityTaskTimedOut has the last."""
    reported, go_on = threading.Semaphore(0), threading.Event()

    @activity("reports", 1, TASK_LIST, heartbeat=30)
    class Reports(Activity):
        def run(self, details: Any) -> None:
            self.heartbeat(details)
            reported.release()
            assert go_on.wait(PATIENCE_SECONDS)

    worker = start(Reports, concurrency=3)
    for details in ("half", {"rows": [1, 2]}, "x" * 5_000):
        execution.schedule("reports", details)
    for _ in range(3):
        assert reported.acquire(timeout=PATIENCE_SECONDS)
    flowy_clock.turn(31)
    timed_out = execution.wait_for(3, "ActivityTaskTimedOut")
    found = sorted(event["details"] for event in timed_out)
    assert {"half", json.dumps({"rows": [1, 2]})} < set(found)
    assert max(map(len, found)) == 2_048
    go_on.set()
    assert worker.stop().closed == 3


@pytest.mark.parametrize("where", ["decorator", "class", "seconds"])
def test_background_beats_keep_a_silent_activity_alive(
    start: Starter, execution: Execution, watched: WatchedClient, flowy_clock: Clock, where: str
) -> None:
    """A third of the declared timeout, or as often as it says; by the decorator or the class.

    SWF's clock goes on with each beat, by a little less than the timeout.
    """
    hows: dict[str, dict[str, Any]] = {
        "decorator": {"heartbeat": 1, "auto_heartbeat": True},
        "class": {"heartbeat": 1},
        "seconds": {"auto_heartbeat": 0.3},
    }
    done: list[float | None] = []

    class Silent(Activity):
        auto_heartbeat = where == "class"

        def run(self) -> None:
            watched.wait_for_calls(BEAT, 5)
            done.append(self.remaining())

    watched.on_call[BEAT] = lambda parameters: flowy_clock.turn(0.9)
    start(activity("silent", 1, TASK_LIST, **hows[where])(Silent))
    execution.schedule("silent", heartbeatTimeout="1")
    execution.wait_for(1, "ActivityTaskCompleted")
    assert execution.count("ActivityTaskTimedOut") == 0
    assert done[0] is not None
    assert 200 < done[0] < 300


def test_the_decorator_overrides_the_class() -> None:
    """auto_heartbeat=False in the decorator: none goes out."""

    @activity("overridden", 1, TASK_LIST, auto_heartbeat=False)
    class Overridden(Activity):
        auto_heartbeat = 0.01

        def run(self) -> None:
            pass

    (implementation,) = Scanner(module_of(Overridden)).scan().values()
    assert implementation.auto_heartbeat_seconds is None


def test_a_stalled_activity_times_out(
    start: Starter, execution: Execution, watched: WatchedClient, flowy_clock: Clock
) -> None:
    """max_stall: one that hangs is seen by its decider in seconds, its last details with it.

    SWF's clock runs once the details are there.
    """
    go_on = threading.Event()

    @activity("stalls", 1, TASK_LIST, heartbeat=1, auto_heartbeat=True, max_stall=0.8)
    class Stalls(Activity):
        def run(self) -> None:
            self.progress("row 7")
            assert go_on.wait(PATIENCE_SECONDS)

    worker = start(Stalls)
    execution.schedule("stalls")
    watched.wait_for_calls(BEAT, 2)  # the first one has been answered
    flowy_clock.release()
    (timed_out,) = execution.wait_for(1, "ActivityTaskTimedOut")
    assert (timed_out["timeoutType"], timed_out["details"]) == ("HEARTBEAT", "row 7")
    go_on.set()
    assert worker.stop().closed == 1


def test_progress_keeps_it_from_stalling(
    start: Starter, execution: Execution, watched: WatchedClient, flowy_clock: Clock
) -> None:
    """The worker beats for an activity that reports progress, and sends its details."""
    sent: list[str | None] = []

    @activity("progresses", 1, TASK_LIST, heartbeat=1, auto_heartbeat=0.1, max_stall=0.5)
    class Progresses(Activity):
        def run(self) -> None:
            for row in range(1, 16):
                self.progress({"row": row})
                watched.wait_for_calls(BEAT, row)

    def beaten(parameters: dict[str, Any]) -> None:
        sent.append(parameters.get("details"))
        flowy_clock.turn(0.9)  # a little less than the timeout

    watched.on_call[BEAT] = beaten
    start(Progresses)
    execution.schedule("progresses")
    execution.wait_for(1, "ActivityTaskCompleted")
    rows = [json.loads(details)["row"] for details in sent if details is not None]
    assert rows == sorted(rows)
    assert len(rows) > 10


def test_what_a_background_beat_learns_the_activity_sees(
    start: Starter, execution: Execution, watched: WatchedClient
) -> None:
    """cancel_requested, without a call of its own, and the next heartbeat()."""
    seen: list[bool] = []
    begun = threading.Event()

    @activity("learns", 1, TASK_LIST, auto_heartbeat=0.05)
    class Learns(Activity):
        def run(self) -> None:
            begun.set()
            until(lambda: self.cancel_requested)
            seen.append(self.heartbeat())
            raise CancelTask("cleaned up")

    worker = start(Learns)
    execution.schedule("learns")
    assert begun.wait(PATIENCE_SECONDS)
    watched.cancel_requested = True
    (canceled,) = execution.wait_for(1, "ActivityTaskFailed")
    assert (canceled["reason"], canceled["details"]) == ("CANCELED", "cleaned up")
    assert seen == [False]
    assert worker.stop().canceled == 1


def test_a_task_closed_meanwhile_is_seen_by_the_next_heartbeat(
    start: Starter, execution: Execution, watched: WatchedClient
) -> None:
    """The background learned it; heartbeat() answers False without a call; None sends no answer."""
    begun, told = threading.Event(), threading.Event()

    @activity("closes", 1, TASK_LIST, auto_heartbeat=0.05)
    class Closes(Activity):
        def run(self) -> None:
            begun.set()
            until(lambda: not self.heartbeat())
            told.set()

    worker = start(Closes)
    execution.schedule("closes")
    assert begun.wait(PATIENCE_SECONDS)
    execution.close()
    assert told.wait(PATIENCE_SECONDS)
    assert worker.stop().closed == 1
    assert watched.calls["respond_activity_task_completed"] == 0


def test_an_abandoned_activity_that_hangs_times_out(
    start: Starter, execution: Execution, flowy_clock: Clock
) -> None:
    """Its process lives on, and so do its thread and its own beats: SWF hears none of them."""
    go_on, begun = threading.Event(), threading.Event()

    @activity("hangs", 1, TASK_LIST, heartbeat=1, auto_heartbeat=True)
    class Hangs(Activity):
        def run(self) -> None:
            begun.set()
            while not go_on.wait(0.02):
                self.heartbeat()

    worker = start(Hangs, concurrency=2, grace=0)
    execution.schedule("hangs")
    assert begun.wait(PATIENCE_SECONDS)
    assert len(worker.stop().abandoned) == 1
    flowy_clock.release()
    (timed_out,) = execution.wait_for(1, "ActivityTaskTimedOut")
    assert timed_out["timeoutType"] == "HEARTBEAT"
    go_on.set()


# The decorator


class Plain(Activity):
    def run(self) -> None:
        pass


class AutomaticByClass(Activity):
    auto_heartbeat = True

    def run(self) -> None:
        pass


def test_auto_heartbeat_needs_a_heartbeat_timeout() -> None:
    """A heartbeat interval needs a heartbeat timeout: the error names both ways out."""
    with pytest.raises(ValueError, match="Give heartbeat=SECONDS too, or auto_heartbeat=SECONDS"):
        activity("any", 1, TASK_LIST, auto_heartbeat=True)(Plain)
    with pytest.raises(ValueError, match="Give heartbeat=SECONDS too"):
        activity("any", 1, TASK_LIST)(AutomaticByClass)


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "often"])
@pytest.mark.parametrize("name", ["auto_heartbeat", "max_stall"])
def test_intervals_must_be_seconds(name: str, value: Any) -> None:
    """More than 0, and finite."""
    how = {"heartbeat": 60, "auto_heartbeat": True, name: value}
    with pytest.raises(ValueError, match=name):
        activity("any", 1, TASK_LIST, **how)(Plain)
