"""ActivityEnvironment: heartbeats, and what a test lets happen to the task."""

from __future__ import annotations

from typing import Any

import pytest

from flowy import reasons
from flowy.context import worker_stopping
from flowy.exception import (
    ActivityFailedError,
    CancelTask,
)
from flowy.task import Activity
from flowy.testing import (
    ActivityEnvironment,
    Answer,
    Canceled,
    Unanswered,
)
from tests.unit.testing.activities import Countdown, Echo, Stubborn


def test_heartbeats_are_recorded() -> None:
    """Each heartbeat is there, with its details as SWF gets them, the newest; none coalesces."""

    class Beats(Activity):
        def run(self) -> None:
            for number in range(30):
                assert self.heartbeat({"done": number})
            self.hearbeat()
            self.heartbeat("x" * 3_000)
            self.progress("on the way")

    env = ActivityEnvironment()
    env.run(Beats)
    assert env.heartbeats[:30] == [f'{{"done": {number}}}' for number in range(30)]
    assert env.heartbeats[30] == '{"done": 29}'
    assert len(env.heartbeats[31] or "") == 2_048
    assert env.progress == ["on the way"]
    env.run(Echo)
    assert env.heartbeats == env.progress == []


def test_last_details_stand_in_a_failure() -> None:
    """As at SWF, a failure's details end with those of the last heartbeat."""

    class Fails(Activity):
        def run(self) -> None:
            self.heartbeat("page 7")
            raise ValueError("no page 8")

    env = ActivityEnvironment()
    with pytest.raises(ValueError, match="no page 8"):
        env.run(Fails)
    assert env.answer is not None
    assert (env.answer.details or "").endswith("Last heartbeat: page 7")


def test_cancel_at_the_third_heartbeat() -> None:
    """The third heartbeat answers False, and CancelTask is then the answer canceled."""
    env = ActivityEnvironment(cancel_at=3)
    assert env.run(Countdown, 10) == Canceled("8 left")
    assert env.heartbeats == ["10 left", "9 left", "8 left"]
    assert env.answer == Answer("canceled", details="8 left")
    assert env.run(Countdown, 2) == "done", "the script applies to each run by itself"


def test_none_after_a_request_is_canceled_and_a_value_completes() -> None:
    """None answers canceled if the activity was told; any other value completes all the same."""

    class Tells(Activity):
        def run(self, result: Any) -> Any:
            self.heartbeat()
            return result

    env = ActivityEnvironment(cancel_at=1)
    assert env.run(Tells, None) == Canceled()
    assert env.run(Tells, "in spite") == "in spite"


def test_an_activity_that_never_looks_completes() -> None:
    """A request that the activity has not seen changes nothing: None is its value."""
    env = ActivityEnvironment()
    env.cancel()
    assert env.run(Echo) is None
    env.cancel()
    assert env.run(Stubborn, look=False) is None
    env.cancel()
    assert env.run(Stubborn) == Canceled("looked"), "auto_heartbeat has learned it"
    assert env.run(Stubborn) is None, "a request is for one task"


def test_cancel_task_without_a_request_is_a_failure() -> None:
    """SWF takes canceled only after a request; the failure says so."""

    class Quits(Activity):
        def run(self) -> None:
            raise CancelTask("enough")

    with pytest.raises(ActivityFailedError) as failed:
        ActivityEnvironment().run(Quits)
    assert failed.value.reason.startswith(reasons.CANCEL_NOT_REQUESTED)


def test_a_closed_task_takes_no_answer() -> None:
    """From close_at on heartbeats answer False, and whatever is returned is lost."""
    env = ActivityEnvironment(close_at=2)
    assert env.run(Countdown, 5) == Unanswered("the task is closed")
    assert env.heartbeats == ["5 left"]
    assert env.answer is None
    env.close()
    assert env.run(Echo, "late") == Unanswered("the task is closed")


def test_a_lost_task_is_failed() -> None:
    """An activity that gives up because no heartbeat is accepted fails, and says so."""
    with pytest.raises(ActivityFailedError) as failed:
        ActivityEnvironment(lose_at=2).run(Countdown, 5)
    assert failed.value.reason.startswith(reasons.HEARTBEAT_LOST)
    env = ActivityEnvironment()
    env.lose()
    with pytest.raises(ActivityFailedError):
        env.run(Countdown, 5)


def test_a_stop_is_injected() -> None:
    """A stop is first told by worker_stopping, then, the grace over, by the heartbeats."""

    class Saves(Activity):
        def run(self) -> Any:
            env.stop()
            assert worker_stopping()
            assert self.heartbeat()
            env.stop(hurry=True)
            assert not self.heartbeat()

    env = ActivityEnvironment()
    assert env.run(Saves) == Unanswered("the worker must stop")
    assert ActivityEnvironment(stop_at=1).run(Countdown, 3) == Unanswered("the worker must stop")
    with pytest.raises(ActivityFailedError) as failed:
        ActivityEnvironment(stop_at=1, on_stop="fail").run(Countdown, 3)
    assert failed.value.reason.startswith(reasons.WORKER_STOPPED)


def test_on_heartbeat_decides() -> None:
    """A function sees each heartbeat before it is answered, and may let things happen."""

    def watch(details: str | None) -> None:
        if details == "4 left":
            env.cancel()

    env = ActivityEnvironment(on_heartbeat=watch)
    assert env.run(Countdown, 9) == Canceled("4 left")


def test_script_starts_at_one() -> None:
    """There is no heartbeat 0 to script."""
    with pytest.raises(ValueError, match="the first one is 1"):
        ActivityEnvironment(cancel_at=0)
