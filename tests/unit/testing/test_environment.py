"""ActivityEnvironment: one activity, no SWF, and the same outcome as with it."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from flowy import reasons
from flowy.context import ActivityInfo, current
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
)
from tests.unit.testing.activities import Countdown, Echo

if TYPE_CHECKING:
    from flowy.local import LocalSWF


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


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups are younger than Python 3.10")
@pytest.mark.parametrize(
    ("error", "outcome"),
    [(SuspendTask, Suspended("t-1")), (HandOverTask, HandedOver("t-1")), (CancelTask, Canceled())],
)
def test_groups_of_what_steers(error: type[Exception], outcome: Any) -> None:
    """As a TaskGroup raises it; a worker takes it for what is in it."""

    class Grouped(Activity):
        def run(self) -> None:
            self.heartbeat()
            raise BaseExceptionGroup("", [error(), error()])  # noqa: F821

    env = ActivityEnvironment(token="t-1", cancel_at=1)
    assert env.run(Grouped) == outcome


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
