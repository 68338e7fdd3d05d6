"""What an author subclasses: its call answers once, through the scheduler it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.concurrency.retry import Deadline
from flowy.context import RunningActivity, entered
from flowy.exception import CancelTask, HandOverTask, OutsideActivityError, SuspendTask
from flowy.invocation import StatusRecord
from flowy.middleware import Middleware, Run
from flowy.task import Activity, AsyncActivity
from tests.suspended import an_info
from tests.unit.activity_calls import (
    RecordingScheduler,
    awaiting,
    called,
    raising,
    requested,
    running,
)

# The call


@pytest.mark.parametrize("which", [0, 1], ids=["thread", "coroutine"])
def test_each_end_has_its_answer(which: int) -> None:
    """The scheduler gets the token and wire text."""

    async def coroutine(self: Activity, value: Any) -> Any:
        return value

    completing = [running(lambda self, value: value), awaiting(coroutine)][which]
    assert called(completing, '[["\u00e4"], {}]') == ("complete", "the token", '"\\u00e4"')
    verb, token, reason, details = called(raising(ValueError("why"))[which])
    assert (verb, token, reason) == ("fail", "the token", "why")
    assert "ValueError: why" in str(details)
    assert called(raising(SuspendTask())[which]) == ("suspend", "the token")
    assert called(raising(HandOverTask())[which]) == ("hand_over", "the token")


def test_canceled() -> None:
    """CancelTask after a heartbeat that told the activity, with its details."""

    def body(self: Activity) -> None:
        assert not self.heartbeat()
        raise CancelTask("half done")

    answer = called(running(body), scheduler=RecordingScheduler(requested))
    assert answer == ("cancel", "the token", "half done")


def test_no_answer() -> None:
    """An activity that gave up because its task is closed has nothing to say."""

    def body(self: Activity) -> None:
        assert not self.heartbeat()

    scheduler = RecordingScheduler(StatusRecord.closed)
    assert called(running(body), scheduler=scheduler) == ()
    assert [verb for verb, *_ in scheduler.calls] == ["heartbeat"]


def test_a_result_that_is_too_long() -> None:
    """It fails with the fixed reason."""
    verb, _, reason, _ = called(running(lambda self: "x" * 40_000))
    assert (verb, reason) == ("fail", reasons.RESULT_TOO_LONG + "the result is too long")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit("bye")])
def test_what_ends_the_process_is_answered_first(error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit fail the task, then go on up; not from a coroutine."""
    scheduler = RecordingScheduler()
    in_thread, coroutine = raising(error)
    with pytest.raises(type(error)):
        in_thread("[[], {}]", scheduler, "token")()
    ((verb, _, reason, _),) = scheduler.calls
    assert (verb, reason) == ("fail", str(error) or "KeyboardInterrupt")
    assert called(coroutine)[:3] == ("fail", "the token", reason)


@pytest.mark.parametrize("base", [Activity, AsyncActivity])
def test_a_base_activity_says_what_is_missing(base: type[Activity]) -> None:
    """``run`` of the base class is a failure that names the class."""
    _, _, reason, _ = called(type("Empty", (base,), {}))
    assert str(reason).startswith("Cannot run Empty: it does not override run()")


def test_token() -> None:
    """The token is there from the construction on, and cannot be changed by accident."""

    class Constructed(Activity):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.early = self.token

        def run(self) -> str:
            with pytest.raises(AttributeError):
                self.token = "other"  # type: ignore[misc]
            return f"{self.early}, {self.token}"

    assert called(Constructed) == ("complete", "the token", '"the token, the token"')


class Overridden(Activity):
    """The transport changed as in the first Flowy, by static methods."""

    @staticmethod
    def _serialize_result(result: Any) -> str:
        return f"<{result}>"

    @staticmethod
    def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
        return (input,), {}

    def run(self, value: str) -> str:
        return value


class OverriddenWithSelf(Overridden):
    """The same by methods that know the activity."""

    def _serialize_result(self, result: Any) -> str:  # type: ignore[override]
        return f"{self.token}: {result}"


def test_transport_overridden() -> None:
    """By static methods, or by methods that know the activity."""
    assert called(Overridden, "anything")[2] == "<anything>"
    assert called(OverriddenWithSelf, "x")[2] == "the token: x"


def test_middleware_of_the_class() -> None:
    """It runs around ``run``, the first one outermost."""

    class Adding(Middleware):
        def __init__(self, name: str) -> None:
            self._name = name

        def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
            return f"{self._name} {call_next(run)}"

    kind = running(lambda self: "value")
    kind.middleware = [Adding("outer"), Adding("inner")]
    assert called(kind)[2] == '"outer inner value"'


def test_an_author_may_use_the_name_info() -> None:
    """A class that has an ``info`` of its own fails as any other."""
    kind = type("Own", (raising(ValueError("why"))[0],), {"info": "own"})
    assert called(kind)[2] == "why"


# What is known of the task


def test_info() -> None:
    """``info`` is what the worker set, and a clear error outside a worker."""
    activity = running(lambda self: None)("[[], {}]", RecordingScheduler(), "token")
    info = an_info()
    with pytest.raises(OutsideActivityError, match="no worker runs an activity here"):
        _ = activity.info
    with entered(RunningActivity(info, Deadline(None), bool)):
        assert activity.info is info


def test_remaining() -> None:
    """What is left of the time that the worker set, and a clear error outside a worker."""
    activity = running(lambda self: None)("[[], {}]", RecordingScheduler(), "token")
    with pytest.raises(OutsideActivityError, match="^Cannot tell the time left"):
        activity.remaining()
    with entered(RunningActivity(an_info(), Deadline(0), bool)):
        assert activity.remaining() == 0.0
    with entered(RunningActivity(an_info(), Deadline(None), bool)):
        assert activity.remaining() is None
