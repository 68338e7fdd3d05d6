"""Activities through a whole worker: what their authors changed, heartbeats, and cancellation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import CancelTask, SuspendTask
from flowy.invocation import reason_of
from flowy.swf.values import ActivityDefaults
from flowy.swf.worker import StopReport
from flowy.task import Activity
from tests.unit.stand_ins import CLOSED, REFUSAL, implementation, task_answer
from tests.unit.swf.worker.serial import outcome_of, served
from tests.unit.swf.worker.stop_clock import StopClock
from tests.unit.swf.worker.task_list_swf import TaskListSWF
from tests.unit.swf.worker.worker_case import running


@pytest.fixture(autouse=True)
def all_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "flowy")


# Activities whose author changed more than ``run``


class BrokenConstructor(Activity):
    def __init__(self, *_: Any) -> None:
        raise ValueError("no such luck")


class ForgetfulConstructor(Activity):
    def __init__(self, *_: Any) -> None:
        """Without the base class's."""

    def run(self, value: int) -> int:
        return value


class BrokenCall(Activity):
    def __call__(self) -> None:
        raise ValueError("no such luck")


class ManyAnswers(Activity):
    def __call__(self) -> None:
        self._scheduler.complete(self.token, "1")
        raise ValueError("SECRET")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (BrokenConstructor, "no such luck"),
        (BrokenCall, "no such luck"),
    ],
)
def test_what_breaks_around_the_run(
    kind: type[Activity], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A constructor or a call that raises is a failure too, and the worker goes on."""
    swf = TaskListSWF(task_answer("a"), task_answer("b", "fine"))
    served(swf, implementation(kind), running(lambda self, value: value, "fine"), loop=2).run()
    (verb, failed), completed = swf.answers
    assert (verb, failed["taskToken"], failed["reason"]) == ("failed", "a", reason)
    assert failed["details"].startswith("Traceback (most recent call last):")
    assert completed == ("completed", {"taskToken": "b", "result": "1"})
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert error.getMessage().endswith(" s (ValueError); SWF gets the reason.")


def test_a_constructor_that_forgets_the_one_of_its_base_class() -> None:
    """A run that needs nothing of it completes all the same."""
    swf = TaskListSWF(task_answer())
    assert served(swf, implementation(ForgetfulConstructor)).run() == StopReport(completed=1)


def test_one_answer_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    """What is raised after the answer is not sent; it is logged as an ERROR."""
    swf = TaskListSWF(task_answer())
    served(swf, implementation(ManyAnswers)).run()
    assert [verb for verb, _ in swf.answers] == ["completed"]
    (error,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "failed after its answer: ValueError" in error.getMessage()
    assert "SECRET" not in caplog.text


class Evil(BaseException):
    def __str__(self) -> str:
        raise Evil


def raising(error: BaseException) -> Callable[..., Any]:
    def body(self: Activity, value: int) -> None:
        raise error

    return body


@pytest.mark.parametrize("error", [Evil(), GeneratorExit(), RecursionError(), MemoryError()])
def test_the_worker_goes_on_after_anything(error: BaseException) -> None:
    """No exception of an activity ends the worker, except the two that are meant to."""
    swf = TaskListSWF(task_answer("a"), task_answer("b"))
    served(swf, running(raising(error)), loop=2).run()
    assert [verb for verb, _ in swf.answers] == ["failed", "failed"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit("bye"), SystemExit(0)])
def test_what_ends_the_worker(error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit fail the task, end the worker and come out of ``run``."""
    swf = TaskListSWF(task_answer("a"), task_answer("b"))
    with pytest.raises(type(error)):
        served(swf, running(raising(error)), loop=2).run()
    ((verb, failed),) = swf.answers
    assert verb == "failed"
    assert failed["reason"] == reason_of(error)
    assert len(swf.polls) == 1


class Exiting(Activity):
    def __init__(self, *_: Any) -> None:
        raise SystemExit("bye")


def test_an_exit_in_the_constructor() -> None:
    """Its task is answered first, too."""
    swf = TaskListSWF(task_answer())
    with pytest.raises(SystemExit):
        served(swf, implementation(Exiting)).run()
    assert [answer["reason"] for _, answer in swf.answers] == ["bye"]


# Heartbeats and cancellation, through all layers


def beating(self: Activity, value: object) -> object:
    return None if not self.heartbeat() else value


def canceling(self: Activity, value: object) -> None:
    self.heartbeat()
    raise CancelTask("because")


def looking(self: Activity, value: object) -> None:
    self.heartbeat()
    assert self.cancel_requested


def test_none_after_a_request_to_cancel(caplog: pytest.LogCaptureFixture) -> None:
    """The activity gave up, so its task is canceled."""
    for body in (beating, looking):
        swf = TaskListSWF(task_answer(), beat={"cancelRequested": True})
        caplog.clear()
        served(swf, running(body)).run()
        assert swf.answers == [("canceled", {"taskToken": "token"})]
        assert outcome_of(caplog) == "canceled"


def test_cancel_task_after_a_request() -> None:
    """CancelTask brings its details."""
    swf = TaskListSWF(task_answer(), beat={"cancelRequested": True})
    served(swf, running(canceling)).run()
    assert swf.answers == [("canceled", {"taskToken": "token", "details": "because"})]


def test_a_value_after_a_request_to_cancel() -> None:
    """Completing all the same is allowed."""
    swf = TaskListSWF(task_answer(), beat={"cancelRequested": True})
    served(swf, running(lambda self, value: [self.heartbeat(), value])).run()
    assert swf.answers == [("completed", {"taskToken": "token", "result": "[false, 1]"})]


def test_cancel_task_without_a_request() -> None:
    """Nobody asked for it: a failure that says so."""
    swf = TaskListSWF(task_answer())
    served(swf, running(canceling)).run()
    ((verb, failed),) = swf.answers
    assert verb == "failed"
    assert failed["reason"].startswith(reasons.CANCEL_NOT_REQUESTED)


def test_none_after_closed(caplog: pytest.LogCaptureFixture) -> None:
    """A closed task gets no answer, and the log says that it was closed."""
    swf = TaskListSWF(task_answer(), beat=CLOSED)
    served(swf, running(beating)).run()
    assert swf.answers == []
    assert outcome_of(caplog) == "closed already"


def test_none_after_a_long_silence() -> None:
    """If no heartbeat is accepted for the declared time, the activity gives up, and it fails."""
    clock = StopClock()
    beats: list[bool] = []

    def body(self: Activity, value: int) -> None:
        for _ in range(3):
            beats.append(self.heartbeat())
            clock.turn(20)

    swf = TaskListSWF(task_answer(), beat=REFUSAL)
    defaults = ActivityDefaults("list", 40, 420, 120, 300)
    served(swf, running(body, defaults=defaults), clock=clock).run()
    ((kind, failed),) = swf.answers
    assert beats == [True, True, False]
    assert kind == "failed"
    assert failed["reason"].startswith(reasons.HEARTBEAT_LOST)


def test_suspended(caplog: pytest.LogCaptureFixture) -> None:
    """A suspended task gets no answer from the worker."""
    swf = TaskListSWF(task_answer())
    served(swf, running(raising(SuspendTask()))).run()
    assert swf.answers == []
    assert outcome_of(caplog) == "suspended"
