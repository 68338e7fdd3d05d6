"""The worker: one task after the other, each with one answer, and stops that lose none."""

from __future__ import annotations

import logging
import os
import platform
import re
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flowy import __version__, reasons
from flowy.context import ActivityInfo, current
from flowy.exception import CancelTask, CredentialsError, SuspendTask
from flowy.shutdown import StopLevel
from flowy.swf.client import SWFClient
from flowy.swf.report import StopReport
from flowy.swf.values import ActivityDefaults, ActivityImplementation
from flowy.swf.worker import ActivityWorker, default_identity
from flowy.task import Activity
from tests.unit.stand_ins import CLOSED, REFUSAL, fault, implementation, task_answer


class OneList:
    """An SWF of one task list: hands out the tasks given, then nothing, and keeps the answers."""

    def __init__(self, *tasks: dict[str, Any], beat: Any = None) -> None:
        self._tasks = list(tasks)
        self._beat = {"cancelRequested": False} if beat is None else beat
        self.polls: list[dict[str, Any]] = []
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.at_poll: Callable[[int], None] = lambda number: None

    def poll_for_activity_task(self, **parameters: Any) -> dict[str, Any]:
        self.polls.append(parameters)
        self.at_poll(len(self.polls))
        return self._tasks.pop(0) if self._tasks else {"taskToken": "", "startedEventId": 0}

    def record_activity_task_heartbeat(self, **_: Any) -> dict[str, Any]:
        if isinstance(self._beat, Exception):
            raise self._beat
        return dict(self._beat)

    def respond_activity_task_completed(self, **parameters: Any) -> None:
        self.answers.append(("completed", parameters))

    def respond_activity_task_failed(self, **parameters: Any) -> None:
        self.answers.append(("failed", parameters))

    def respond_activity_task_canceled(self, **parameters: Any) -> None:
        self.answers.append(("canceled", parameters))


def served(
    swf: OneList, *activities: ActivityImplementation, loop: int = 1, **options: Any
) -> ActivityWorker:
    """Return a worker of these activities; it leaves signals alone unless told otherwise."""
    return ActivityWorker(
        SWFClient(swf, swf),
        "domain",
        "list",
        {each.type: each for each in activities},
        loop=loop,
        **{"signals": False, **options},
    )


def running(body: Callable[..., Any], name: str = "echo", **more: Any) -> ActivityImplementation:
    return implementation(type("Running", (Activity,), {"run": body}), name, **more)


ECHO = running(lambda self, value: value)


def outcome_of(caplog: pytest.LogCaptureFixture) -> str:
    """What the INFO line at the end of the task says became of it."""
    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.name == "flowy.swf.assignment" and " after " in record.getMessage()
        and record.levelno == logging.INFO
    ]  # fmt: skip
    return line.partition("): ")[2].partition(" after ")[0]


@pytest.fixture(autouse=True)
def all_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "flowy")


def test_identity() -> None:
    """The identity says host, process and version, and is never too long."""
    identity = default_identity()
    assert identity == f"{platform.node()}:{os.getpid()} flowy/{__version__}"
    assert len(identity) <= 256
    swf = OneList()
    served(swf, ECHO).run()
    assert swf.polls == [{"domain": "domain", "taskList": {"name": "list"}, "identity": identity}]


def test_a_host_with_a_long_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut to what SWF takes."""
    monkeypatch.setattr(platform, "node", lambda: "h" * 300)
    assert default_identity() == "h" * 256


def test_a_task(caplog: pytest.LogCaptureFixture) -> None:
    """A task is run, answered, and told of in one line."""
    swf = OneList(task_answer())
    served(swf, ECHO).run()
    assert swf.answers == [("completed", {"taskToken": "token", "result": "1"})]
    assert outcome_of(caplog) == "completed"
    assert caplog.messages[0].startswith("Worker started as ")
    assert caplog.messages[0].endswith(": 1 types, 1 at once, task list list of domain domain.")
    assert caplog.messages[-1] == "Worker stopped: 1 completed."


@pytest.mark.parametrize(("tasks", "loop"), [(0, 3), (3, 3), (2, 3), (5, 2)])
def test_loop_counts_answered_polls(tasks: int, loop: int) -> None:
    """Tasks and empty polls count alike."""
    swf = OneList(*[task_answer(f"token{number}") for number in range(tasks)])
    served(swf, ECHO, loop=loop).run()
    assert len(swf.polls) == loop
    assert len(swf.answers) == min(tasks, loop)


def test_trouble_does_not_count() -> None:
    """A poll without an answer is none."""
    swf = OneList()

    def throttled(number: int) -> None:
        if number == 1:
            raise fault("ThrottlingException")

    swf.at_poll = throttled
    served(swf, ECHO, loop=1).run()
    assert len(swf.polls) == 2


def test_a_refused_worker() -> None:
    """A worker whose first poll is refused for good raises why."""
    swf = OneList()

    def refused(_number: int) -> None:
        raise fault("AccessDeniedException")

    swf.at_poll = refused
    with pytest.raises(CredentialsError, match="Cannot poll task list 'list'"):
        served(swf, ECHO).run()


def test_info_is_what_came_with_the_task() -> None:
    """``info`` and ``current()`` are the task's, with the declared timeouts."""
    seen: list[ActivityInfo] = []
    defaults = ActivityDefaults("elsewhere", 5, 40, None, 30)

    def body(self: Activity, value: int) -> None:
        seen.extend((self.info, current()))

    served(OneList(task_answer()), running(body, defaults=defaults)).run()
    expected = ActivityInfo(
        name="echo", version="1", activity_id="7", workflow_id="flow", run_id="run",
        domain="domain", task_list="list", started_event_id=6, identity=default_identity(),
        heartbeat=5, schedule_to_close=40, schedule_to_start=None, start_to_close=30,
    )  # fmt: skip
    assert seen == [expected, expected]


def test_each_task_has_an_instance_of_its_own() -> None:
    """Attributes set in ``run`` are the task's own."""

    def body(self: Any, value: int) -> int:
        self.count = getattr(self, "count", 0) + 1
        return int(self.count)

    swf = OneList(task_answer("a"), task_answer("b"))
    served(swf, running(body), loop=2).run()
    assert [answer["result"] for _, answer in swf.answers] == ["1", "1"]


# Unknown types


def test_an_unknown_type_fails(caplog: pytest.LogCaptureFixture) -> None:
    """The failure names the type and what this worker has; the worker goes on."""
    swf = OneList(task_answer("a", "other"), task_answer("b"))
    served(swf, ECHO, running(lambda self: 1, "sum"), loop=2).run()
    (verb, failed), completed = swf.answers
    assert verb == "failed"
    assert failed["reason"] == (
        reasons.UNKNOWN_ACTIVITY_TYPE + "other 1. This worker has echo 1, sum 1."
    )
    assert failed["details"] == f"Worker {default_identity()} has echo 1, sum 1."
    assert completed[0] == "completed"
    assert "This worker has no activity other 1; it has echo 1, sum 1." in caplog.messages


def test_a_worker_with_many_types() -> None:
    """Their names are cut to what SWF takes, in the reason and in the details."""
    many = [running(lambda self: 1, f"{number:03}" * 60) for number in range(250)]
    swf = OneList(task_answer(name="other"))
    served(swf, *many).run()
    ((_, failed),) = swf.answers
    assert len(failed["reason"]) == 256
    assert failed["reason"].startswith("Unknown activity type: other 1. This worker has 000")
    assert len(failed["details"]) == 32_768


def test_an_unknown_type_abandoned(caplog: pytest.LogCaptureFixture) -> None:
    """``on_unknown="abandon"`` answers nothing."""
    swf = OneList(task_answer(name="other"))
    report = served(swf, ECHO, on_unknown="abandon").run()
    assert swf.answers == []
    assert outcome_of(caplog) == "left to its timeout, its type is unknown"
    assert report == StopReport(unknown_left=1)


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
        (ForgetfulConstructor, "'ForgetfulConstructor' object has no attribute '_scheduler'"),
        (BrokenCall, "no such luck"),
    ],
)
def test_what_breaks_around_the_run(
    kind: type[Activity], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A constructor or a call that raises is a failure too, and the worker goes on."""
    swf = OneList(task_answer("a"), task_answer("b", "fine"))
    served(swf, implementation(kind), running(lambda self, value: value, "fine"), loop=2).run()
    (verb, failed), completed = swf.answers
    assert (verb, failed["taskToken"], failed["reason"]) == ("failed", "a", reason)
    assert failed["details"].startswith("Traceback (most recent call last):")
    assert completed == ("completed", {"taskToken": "b", "result": "1"})
    broke = [record for record in caplog.records if " broke: " in record.getMessage()]
    assert [record.levelno for record in broke] == [logging.ERROR]


def test_one_answer_is_enough(caplog: pytest.LogCaptureFixture) -> None:
    """What breaks after the answer draws no second one, but an ERROR."""
    swf = OneList(task_answer())
    served(swf, implementation(ManyAnswers)).run()
    assert [verb for verb, _ in swf.answers] == ["completed"]
    assert "broke after its answer: ValueError" in caplog.text
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
    """No exception of an activity's ends the worker, but the two that are meant to."""
    swf = OneList(task_answer("a"), task_answer("b"))
    served(swf, running(raising(error)), loop=2).run()
    assert [verb for verb, _ in swf.answers] == ["failed", "failed"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit("bye"), SystemExit(0)])
def test_what_ends_the_worker(error: BaseException) -> None:
    """KeyboardInterrupt and SystemExit fail the task, then end the worker and go on up."""
    swf = OneList(task_answer("a"), task_answer("b"))
    with pytest.raises(type(error)):
        served(swf, running(raising(error)), loop=2).run()
    ((verb, failed),) = swf.answers
    assert verb == "failed"
    assert failed["reason"] == (str(error) or type(error).__name__)
    assert len(swf.polls) == 1


class Exiting(Activity):
    def __init__(self, *_: Any) -> None:
        raise SystemExit("bye")


def test_an_exit_in_the_constructor() -> None:
    """It is answered before it goes on up, too."""
    swf = OneList(task_answer())
    with pytest.raises(SystemExit):
        served(swf, implementation(Exiting)).run()
    assert [answer["reason"] for _, answer in swf.answers] == ["bye"]


# Heartbeats and cancellation, through all the floors


def beating(self: Activity, value: object) -> object:
    return None if not self.heartbeat() else value


def canceling(self: Activity, value: object) -> None:
    self.heartbeat()
    raise CancelTask("because")


def looking(self: Activity, value: object) -> None:
    self.heartbeat()
    assert self.cancel_requested


def test_none_after_a_request_to_cancel(caplog: pytest.LogCaptureFixture) -> None:
    """The activity gives up, and its task is canceled."""
    for body in (beating, looking):
        swf = OneList(task_answer(), beat={"cancelRequested": True})
        caplog.clear()
        served(swf, running(body)).run()
        assert swf.answers == [("canceled", {"taskToken": "token"})]
        assert outcome_of(caplog) == "canceled"


def test_cancel_task_after_a_request() -> None:
    """CancelTask brings its details."""
    swf = OneList(task_answer(), beat={"cancelRequested": True})
    served(swf, running(canceling)).run()
    assert swf.answers == [("canceled", {"taskToken": "token", "details": "because"})]


def test_a_value_after_a_request_to_cancel() -> None:
    """Completing all the same is allowed."""
    swf = OneList(task_answer(), beat={"cancelRequested": True})
    served(swf, running(lambda self, value: [self.heartbeat(), value])).run()
    assert swf.answers == [("completed", {"taskToken": "token", "result": "[false, 1]"})]


def test_cancel_task_without_a_request() -> None:
    """Nobody asked: a failure that says so."""
    swf = OneList(task_answer())
    served(swf, running(canceling)).run()
    ((verb, failed),) = swf.answers
    assert verb == "failed"
    assert failed["reason"].startswith(reasons.CANCEL_NOT_REQUESTED)


def test_none_after_closed(caplog: pytest.LogCaptureFixture) -> None:
    """A closed task is given up without an answer, and the log says that it was closed."""
    swf = OneList(task_answer(), beat=CLOSED)
    served(swf, running(beating)).run()
    assert swf.answers == []
    assert outcome_of(caplog) == "closed already"


def test_none_after_a_long_silence() -> None:
    """Where no beat is accepted for the declared second, the activity gives up, and it fails."""

    def body(self: Activity, value: int) -> None:
        pause = threading.Event()
        while self.heartbeat():
            pause.wait(0.02)

    swf = OneList(task_answer(), beat=REFUSAL)
    defaults = ActivityDefaults("list", 1, 420, 120, 300)
    served(swf, running(body, defaults=defaults)).run()
    ((verb, failed),) = swf.answers
    assert verb == "failed"
    assert failed["reason"].startswith(reasons.HEARTBEAT_LOST)


def test_suspended(caplog: pytest.LogCaptureFixture) -> None:
    """A suspended task gets no answer from the worker."""
    swf = OneList(task_answer())
    served(swf, running(raising(SuspendTask()))).run()
    assert swf.answers == []
    assert outcome_of(caplog) == "suspended"


# Stops


def test_a_stop_while_a_poll_is_out() -> None:
    """What the poll brings is run, and no further one goes out."""
    swf = OneList(task_answer("a"), task_answer("b"))
    worker = served(swf, ECHO, loop=-1)
    swf.at_poll = lambda number: worker.stop()
    worker.run()
    assert len(swf.polls) == 1
    assert [answer["taskToken"] for _, answer in swf.answers] == ["a"]


def test_a_stop_while_an_activity_runs() -> None:
    """It finishes, is answered, and is told nothing by its heartbeat."""
    beats: list[bool] = []

    def body(self: Activity, value: int) -> int:
        worker.stop()
        beats.append(self.heartbeat())
        return value

    swf = OneList(task_answer("a"), task_answer("b"))
    worker = served(swf, running(body), loop=-1)
    worker.run()
    assert beats == [True]
    assert [answer["taskToken"] for _, answer in swf.answers] == ["a"]


def test_a_second_stop_hurries(caplog: pytest.LogCaptureFixture) -> None:
    """The heartbeat answers False; None then leaves the task to its timeout."""
    beats: list[bool] = []

    def body(self: Activity, value: int) -> None:
        worker.stop()
        worker.stop(StopLevel.HURRY)
        worker.stop()  # a level only rises
        beats.append(self.heartbeat())

    swf = OneList(task_answer())
    worker = served(swf, running(body), loop=-1)
    report = worker.run()
    assert beats == [False]
    assert swf.answers == []
    assert outcome_of(caplog) == "abandoned by the stop"
    assert report == StopReport(abandoned=("echo 1 (activity 7 of workflow flow)",))


def test_a_hurried_activity_may_complete() -> None:
    """A value is a completion, also then."""

    def body(self: Activity, value: int) -> int:
        worker.stop(StopLevel.HURRY)
        assert not self.heartbeat()
        return value

    swf = OneList(task_answer())
    worker = served(swf, running(body), loop=-1)
    worker.run()
    assert [verb for verb, _ in swf.answers] == ["completed"]


def test_a_stop_from_another_thread() -> None:
    """A worker on a thread of its own ends when any other asks it to."""
    polled = threading.Event()
    swf = OneList()
    swf.at_poll = lambda number: polled.set()
    worker = served(swf, ECHO, loop=-1, signals=True)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert polled.wait(10)
    worker.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("signals", [True, False])
def test_signals(signals: bool) -> None:
    """On the main thread signals stop the worker, unless told otherwise, and are put back."""
    seen: list[Any] = []
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    swf = OneList()
    swf.at_poll = lambda number: seen.append(
        (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT))
    )
    served(swf, ECHO, signals=signals).run()
    assert (seen == [before]) is not signals
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_signal_stops_the_worker() -> None:
    """One SIGTERM during a poll: what the poll brings is run, and the worker returns."""
    swf = OneList(task_answer())
    swf.at_poll = lambda number: signal.raise_signal(signal.SIGTERM)
    served(swf, ECHO, loop=-1, signals=True).run()
    assert len(swf.polls) == len(swf.answers) == 1


def test_an_interrupt_during_a_poll(caplog: pytest.LogCaptureFixture) -> None:
    """The third signal ends the poll; that a task may be lost by it stands in the log."""
    swf = OneList()

    def three_signals(_number: int) -> None:
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)

    swf.at_poll = three_signals
    with pytest.raises(KeyboardInterrupt):
        served(swf, ECHO, loop=-1, signals=True).run()
    (last,) = [record for record in caplog.records if "Worker stopped: " in record.getMessage()]
    assert last.levelno == logging.WARNING
    assert "0 completed; 1 polls that may have cost a task: " in last.getMessage()
    assert f"by {default_identity()} (KeyboardInterrupt)" in last.getMessage()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"concurrency": 0}, "Cannot use concurrency=0: give a whole number, 1 or more."),
        ({"pollers": 1.5}, "Cannot use pollers=1.5: give a whole number, 1 or more."),
        ({"grace": -1}, "Cannot use grace=-1: give seconds, 0 or more, or None."),
        ({"on_stop": "wait"}, "Cannot use on_stop='wait': give 'fail' or 'abandon'."),
        ({"on_unknown": None}, "Cannot use on_unknown=None: give 'fail' or 'abandon'."),
        ({"loop": -2}, "Cannot use loop=-2: "),
        ({"domain": ""}, "Cannot use a domain of 0 characters: "),
        ({"task_list": " tasks"}, "Cannot use ' tasks' as task_list: "),
    ],
)
def test_a_worker_made_by_hand_checks_what_it_is_told(wrong: dict[str, Any], text: str) -> None:
    """Mistakes are found when the worker is made, and not by its first task or its stop."""
    arguments = {"domain": "domain", "task_list": "tasks", **wrong}
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        ActivityWorker(SWFClient(OneList(), OneList()), activities={}, **arguments)
