"""ActivityEnvironment: one activity, no SWF, and the same outcome as with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from flowy import reasons
from flowy.context import ActivityInfo, current, worker_stopping
from flowy.exception import (
    ActivityFailedError,
    CancelTask,
    HandOverTask,
    SerializationError,
    SuspendTask,
    TooLongError,
)
from flowy.middleware import Middleware, Run
from flowy.swf.scanner import activity
from flowy.task import Activity, AsyncActivity
from flowy.testing import (
    ActivityEnvironment,
    Answer,
    Canceled,
    HandedOver,
    LocalWorker,
    Suspended,
    Unanswered,
)

if TYPE_CHECKING:
    from flowy.local import LocalSWF


class Echo(Activity):
    def run(self, value: Any = None, *args: Any, **kwargs: Any) -> Any:
        return (value, *args, *kwargs.values()) if args or kwargs else value


class Countdown(Activity):
    """Beats at each step, and gives up when it is told to."""

    def run(self, steps: int, result: Any = "done") -> Any:
        for left in range(steps, 0, -1):
            if not self.heartbeat(f"{left} left"):
                if self.cancel_requested:
                    raise CancelTask(f"{left} left")
                return None
        return result


@activity("stubborn", 3, "tasks", heartbeat=30, auto_heartbeat=True)
class Stubborn(Activity):
    """Does what it likes with what it learns."""

    def run(self, result: Any = None, look: bool = True) -> Any:
        if look and self.cancel_requested:
            raise CancelTask("looked")
        return result


@activity("waiter", 1, "tasks", heartbeat=30, auto_heartbeat=True)
class Waiter(AsyncActivity):
    """Waits until it is told to give up, and then does as *then* says."""

    cleaned: bool = False

    async def run(self, then: str = "raise") -> Any:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            Waiter.cleaned = True
            if then == "CancelTask":
                raise CancelTask("half") from None
            if then != "raise":
                return None if then == "None" else then
            raise


@activity("broken", 1, "tasks")
class Broken(Activity):
    def run(self) -> None:
        self.step()

    def step(self) -> None:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("then") from error


@activity("broken-async", 1, "tasks")
class BrokenAsync(AsyncActivity):
    async def run(self) -> None:
        await asyncio.sleep(0)
        await self.step()

    async def step(self) -> None:
        raise ValueError("then")


@pytest.mark.parametrize("kind", [Broken, BrokenAsync])
def test_a_failure_has_the_details_that_a_worker_sends(
    kind: type[Activity], local_swf: LocalSWF, domain: str
) -> None:
    """SWF gets the same reason and the same traceback, frame by frame."""
    env = ActivityEnvironment()
    with pytest.raises(ValueError, match="then"):
        env.run(kind)
    with (
        LocalWorker(local_swf, domain, kind) as worker,
        pytest.raises(ActivityFailedError) as sent,
    ):
        worker.call(kind)
    assert env.answer == Answer("failed", reason=sent.value.reason, details=sent.value.details)
    assert "flowy/testing" not in (sent.value.details or "")


def test_arguments_in_value_out() -> None:
    """The activity gets its arguments, and its value comes back."""
    env = ActivityEnvironment()
    assert env.run(Echo, "x") == "x"
    assert env.run(Echo) is None
    assert env.answer == Answer("completed", result="null")
    assert not env.suspended


def test_both_ways_go_through_the_transport() -> None:
    """What JSON changes on the way is changed here: tuples are lists, keys are text."""
    assert ActivityEnvironment().run(Echo, (1, 2), key={1: "a"}) == [[1, 2], {"1": "a"}]


def test_what_cannot_travel_fails_here() -> None:
    """An argument or a result that has no JSON form, or is too long, fails as it would at SWF."""

    class Bad(Activity):
        def run(self, long: bool) -> Any:
            return "x" * 32_767 if long else {1, 2}

    env = ActivityEnvironment()
    with pytest.raises(SerializationError, match="set at input"):
        env.run(Echo, {1, 2})
    with pytest.raises(TooLongError, match="32,768"):
        env.run(Echo, "x" * 32_768)
    with pytest.raises(ActivityFailedError) as failed:
        env.run(Bad, long=False)
    assert failed.value.reason.startswith(reasons.RESULT_NOT_SERIALIZABLE)
    with pytest.raises(ActivityFailedError) as failed:
        env.run(Bad, long=True)
    assert failed.value.reason.startswith(reasons.RESULT_TOO_LONG)


def test_arguments_that_do_not_fit_fail_here() -> None:
    """Arguments that run's signature does not take are the failure that SWF would get."""
    with pytest.raises(ActivityFailedError, match="missing a required argument") as failed:
        ActivityEnvironment().run(Countdown)
    assert failed.value.reason.startswith(reasons.INPUT_MISFIT)


def test_a_transport_of_ones_own() -> None:
    """A class that changes the transport is tested with the other half of it."""

    class Shouting(Activity):
        @staticmethod
        def _deserialize_arguments(input: str | None) -> tuple[Any, Any]:
            return [(input or "").lower()], {}

        @staticmethod
        def _serialize_result(result: Any) -> str:
            return str(result).upper()

        def run(self, value: str) -> str:
            return value + "!"

    env = ActivityEnvironment(
        serialize_arguments=lambda args, kwargs: str(args[0]).upper(),
        deserialize_result=lambda text: text.lower(),
    )
    assert env.run(Shouting, "quiet") == "quiet!"
    assert env.answer == Answer("completed", result="QUIET!")


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit("bye")])
def test_the_authors_exception_comes_out_itself(error: BaseException) -> None:
    """Whatever run raises is raised, the very object; the answer tells what SWF would get."""

    class Fails(Activity):
        def run(self) -> None:
            raise error

    class FailsLater(AsyncActivity):
        async def run(self) -> None:
            raise error

    env = ActivityEnvironment()
    for kind in (Fails, FailsLater):
        with pytest.raises(type(error)) as raised:
            env.run(kind)
        assert raised.value is error
        assert env.answer is not None
        assert env.answer.kind == "failed"
        assert env.answer.reason == (str(error) or type(error).__name__)


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
    """None after having been told answers canceled; any other value completes all the same."""

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
    """One that gives up because no heartbeat is accepted fails, and says so."""
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


def test_suspended() -> None:
    """SuspendTask ends without an answer; the activity has seen the token that the test gave."""
    kept = []

    class Approval(Activity):
        def run(self, order: str) -> None:
            kept.append((order, self.token))
            raise SuspendTask

    env = ActivityEnvironment(token="t-1")
    assert env.run(Approval, "order 7") == Suspended("t-1")
    assert env.suspended
    assert env.answer is None
    assert kept == [("order 7", "t-1")]


def test_handed_over() -> None:
    """HandOverTask ends without an answer, and does not suspend."""

    class Legacy(Activity):
        def run(self) -> None:
            raise HandOverTask

    env = ActivityEnvironment(token="t-1")
    assert env.run(Legacy) == HandedOver("t-1")
    assert env.answer is None
    assert not env.suspended


def test_info_is_declared_or_given() -> None:
    """Info is what the decorator declared; a test replaces fields of it, or all."""

    class Tells(Activity):
        def run(self) -> Any:
            assert self.info == current()
            seen.append(self.info)
            return self.remaining()

    seen: list[ActivityInfo] = []
    ActivityEnvironment().run(Tells)
    assert (seen[-1].name, seen[-1].start_to_close) == ("Tells", 300)
    for version in (1, 2):
        activity("tells", version, "list", heartbeat=7, start_to_close=version * 10)(Tells)
    ActivityEnvironment().run(Tells)
    assert (seen[-1].name, seen[-1].version, seen[-1].task_list) == ("tells", "1", "list")
    left = ActivityEnvironment(info={"version": "2", "workflow_id": "order-7"}).run(Tells)
    assert 19 < left <= 20
    assert (seen[-1].workflow_id, seen[-1].heartbeat) == ("order-7", 7)
    whole = seen[0]
    ActivityEnvironment(info=whole).run(Tells)
    assert seen[-1] == whole
    with pytest.raises(TypeError, match="colour"):
        ActivityEnvironment(info={"colour": "red"})


def test_info_that_no_poll_brings() -> None:
    """What only the history tells is in the info, of the activity and of middleware, too."""

    class Sees(Middleware):
        def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
            seen.append(run.info)
            return call_next(run)

    class Tells(Activity):
        def run(self) -> None:
            seen.append(self.info)

    seen: list[Any] = []
    env = ActivityEnvironment(info={"control": "left", "started_at": 2.0}, middleware=[Sees()])
    env.run(Tells)
    assert [(info.control, info.started_at) for info in seen] == [("left", 2.0)] * 2


def test_script_starts_at_one() -> None:
    """There is no heartbeat 0 to script."""
    with pytest.raises(ValueError, match="the first one is 1"):
        ActivityEnvironment(cancel_at=0)


def test_coroutine_runs() -> None:
    """An AsyncActivity runs like any other, its heartbeats are recorded and scripted too."""

    class Steps(AsyncActivity):
        async def run(self, steps: int) -> int | None:
            for step in range(steps):
                await asyncio.sleep(0)
                if not await self.heartbeat(step):
                    await asyncio.sleep(0)  # a clean-up that nothing disturbs
                    return None
            return steps

    env = ActivityEnvironment(cancel_at=3)
    assert env.run(Steps, 2) == 2
    assert env.run(Steps, 5) == Canceled()
    assert env.heartbeats == ["0", "1", "2"]
    assert ActivityEnvironment(stop_at=1).run(Steps, 2) == Unanswered("the worker must stop")


@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        ("raise", Canceled()),
        ("CancelTask", Canceled("half")),
        ("None", Canceled()),
        ("a value", "a value"),
    ],
)
def test_coroutine_is_canceled_and_cleans_up(then: str, outcome: object) -> None:
    """With auto_heartbeat a request arrives as CancelledError; what follows is the author's."""
    env = ActivityEnvironment()
    Waiter.cleaned = False
    env.cancel()
    assert env.run(Waiter, then) == outcome
    assert Waiter.cleaned


def test_coroutine_beside_the_test() -> None:
    """In a test that is a coroutine itself, run_async lets things happen while it waits."""

    async def story() -> Any:
        running = asyncio.create_task(env.run_async(Waiter))
        await asyncio.sleep(0)
        threading.Thread(target=env.stop, kwargs={"hurry": True}).start()
        with pytest.raises(RuntimeError, match="run_async"):
            env.run(Waiter)
        return await running

    env = ActivityEnvironment()
    assert asyncio.run(story()) == Unanswered("the worker must stop")


def test_test_that_is_canceled_takes_the_activity_along() -> None:
    """A run_async that is canceled leaves nothing behind on the loop."""

    async def story() -> None:
        running = asyncio.create_task(ActivityEnvironment().run_async(Waiter))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)

    asyncio.run(story())


def test_foreign_cancellation_is_a_failure() -> None:
    """A CancelledError that nobody asked for fails the task."""

    class Breaks(AsyncActivity):
        async def run(self) -> None:
            raise asyncio.CancelledError

    with pytest.raises(ActivityFailedError, match="CancelledError"):
        ActivityEnvironment().run(Breaks)


def test_a_call_of_ones_own_that_answers_nothing() -> None:
    """A class that overrides __call__ and answers nothing fails, as its worker would see to."""

    class Silent(Activity):
        def __call__(self) -> None:
            pass

    with pytest.raises(ActivityFailedError, match=reasons.NO_ANSWER):
        ActivityEnvironment().run(Silent)


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Arguments and results do not reach the log from here either."""
    with caplog.at_level(logging.DEBUG):
        ActivityEnvironment(close_at=1).run(Countdown, 3, "secret")
    assert "secret" not in caplog.text
