"""Observers: which events a worker tells, in which order, and what an observer's trouble does.

Each test has a real worker on the local SWF, in threads of this process. Where it waits or times
out, it does so by a clock that the test turns.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from flowy import Activity, AsyncActivity, SuspendTask, activity
from flowy.concurrency.stop import StopLevel
from flowy.context import ActivityInfo, current
from flowy.exception import ObserverError, ProcessError
from flowy.invocation import TaskOutcome, TaskStatus
from flowy.local import LocalSWF
from flowy.middleware import Middleware, Run
from flowy.observer import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    Observer,
    Observers,
    PollEnded,
    PollStarted,
    ProcessEnded,
    ProcessStarted,
    Starting,
    StatusChanged,
    StopRequested,
    TaskEnded,
    TaskStarted,
    TaskWaited,
    WorkerStarted,
    WorkerStopped,
)
from flowy.swf.boilerplate import start_activity_worker
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import declared_by
from flowy.swf.worker import ActivityWorker, StopReport
from tests.acceptance.flows import Ask, Flow
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import TurnedClock
from tests.unit.scripted_swf import ONE_ATTEMPT, boto3_client

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

#: How often a test looks whether something has happened, in seconds.
LOOK_SECONDS = 0.02

#: The methods of an observer, and the class of the event that each gets.
METHODS: Mapping[str, type] = {
    "starting": Starting,
    "worker_started": WorkerStarted,
    "stop_requested": StopRequested,
    "worker_stopped": WorkerStopped,
    "poll_started": PollStarted,
    "poll_ended": PollEnded,
    "call_started": CallStarted,
    "call_ended": CallEnded,
    "task_started": TaskStarted,
    "task_waited": TaskWaited,
    "heartbeat_ended": HeartbeatEnded,
    "status_changed": StatusChanged,
    "task_ended": TaskEnded,
    "process_started": ProcessStarted,
    "process_ended": ProcessEnded,
}

E = TypeVar("E")


class Recorder(Observer):
    """Keeps all events, and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self._news = threading.Condition()

    def note(self, event: Any) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of one class, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    def wait_for(self, kind: type[E], count: int = 1) -> E:
        """Wait until a class has that many events; return the last of them."""
        with self._news:
            came = self._news.wait_for(lambda: len(self.of(kind)) >= count, PATIENCE_SECONDS)
        assert came, self.events
        return self.of(kind)[count - 1]


for _name, _kind in METHODS.items():

    def _note(self: Recorder, event: Any, *, kind: type = _kind) -> None:
        assert type(event) is kind
        self.note(event)

    setattr(Recorder, _name, _note)


class Running:
    """A worker in a thread of its own, its clock, and what it told."""

    def __init__(
        self, swf: LocalSWF, worker: ActivityWorker, recorder: Recorder, clock: TurnedClock
    ) -> None:
        self.worker = worker
        self.recorder = recorder
        self.clock = clock
        self.report: StopReport | None = None
        self._swf = swf
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.report = self.worker.run()

    def turn_until(self, kind: type[E], count: int = 1) -> E:
        """Turn the clock until there are so many events of a class; return the last of them."""
        for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
            if len(self.recorder.of(kind)) >= count:
                break
            self.clock.turn(1)
            self.thread.join(LOOK_SECONDS)
        return self.recorder.wait_for(kind, count)

    def end(self, *, turning: bool = False) -> StopReport:
        """Wait for its end, and let go of the polls that it waits for.

        Args:
            turning: whether the clock is turned meanwhile, for what waits by it.
        """
        for _ in range(int(PATIENCE_SECONDS / LOOK_SECONDS)):
            self._swf.release_polls()
            if turning:
                self.clock.turn(1)
            self.thread.join(LOOK_SECONDS)
            if not self.thread.is_alive():
                break
        assert self.report is not None
        return self.report


class Gate:
    """What the activities of this module share with the test that serves them."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()
        self.clock = TurnedClock()
        self.infos: list[ActivityInfo] = []
        self.errors: list[Exception] = []
        self.terminate: Callable[[ActivityInfo], object] = lambda info: None


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Lets activities through at the end of a test at the latest."""
    gate = Gate()
    yield gate
    gate.opened.set()


def activities(gate: Gate) -> list[type[Activity]]:
    """Return the classes that the tests serve."""

    @activity("echo", 1, "list")
    class Echo(Activity):
        def run(self, value: Any = None) -> Any:
            gate.infos.append(current())
            return value

    @activity("coroutine", 1, "list")
    class Coroutine(AsyncActivity):
        async def run(self, value: Any = None) -> Any:
            return value

    @activity("wait", 1, "list")
    class Wait(Activity):
        def run(self) -> None:
            gate.entered.release()
            gate.opened.wait(PATIENCE_SECONDS)

    @activity("take-time", 1, "list")
    class TakeTime(Activity):
        def run(self, seconds: float) -> None:
            gate.clock.turn(seconds)

    @activity("fail", 1, "list")
    class Fail(Activity):
        def run(self) -> None:
            gate.errors.append(ValueError("SECRET"))
            raise gate.errors[0]

    @activity("suspend", 1, "list")
    class Suspend(Activity):
        def run(self) -> None:
            raise SuspendTask

    @activity("beat", 1, "list", heartbeat=60)
    class Beat(Activity):
        def run(self) -> bool:
            return self.heartbeat("SECRET")

    @activity("beat-closed", 1, "list", heartbeat=60)
    class BeatClosed(Activity):
        def run(self) -> None:
            gate.terminate(self.info)
            self.heartbeat()

    return [Echo, Coroutine, Wait, TakeTime, Fail, Suspend, Beat, BeatClosed]


Start = Callable[..., Running]


@pytest.fixture
def start(local_swf: LocalSWF, domain: str, gate: Gate) -> Iterator[Start]:
    """Starts workers whose options and observers a test gives; each ends with the test."""
    made: list[Running] = []
    layer1 = boto3_client(local_swf.environment["AWS_ENDPOINT_URL_SWF"], **ONE_ATTEMPT)
    found = declared_by(activities(gate))
    client = connect(layer1)
    register(client, domain, found.values())

    def start(*observers: Observer, **options: Any) -> Running:
        recorder = Recorder()
        options = {"signals": False, **options}
        worker = ActivityWorker(
            client, domain, "list", found, observers=[*observers, recorder], clock=gate.clock,
            **options,
        )  # fmt: skip
        made.append(Running(local_swf, worker, recorder, gate.clock))
        return made[-1]

    yield start
    local_swf.faults.clear()
    gate.opened.set()
    for running in made:
        running.worker.stop(StopLevel.KILL)
        running.end()


@pytest.fixture
def ask(client: SWFClient, domain: str, start: Start) -> Callable[..., Flow]:
    """Schedules activities: ``ask("echo", "wait")``, or by ``Ask``."""
    client.register_workflow_type(domain=domain, name="flow", version="1")

    def ask(*asks: str | Ask) -> Flow:
        return Flow(client, domain, [Ask(one) if isinstance(one, str) else one for one in asks])

    return ask


# The worker


def test_the_start(start: Start, domain: str) -> None:
    """``worker_started`` says what is polled, by whom, what is served, and how much at once."""
    running = start(concurrency=3, pollers=2)
    event = running.recorder.wait_for(WorkerStarted)
    assert running.recorder.events[0] is event
    types = ("beat 1", "beat-closed 1", "coroutine 1", "echo 1", "fail 1", "suspend 1",
             "take-time 1", "wait 1")  # fmt: skip
    assert (event.domain, event.task_list) == (domain, "list")
    assert " flowy/" in event.identity
    assert tuple(sorted(event.activity_types)) == types
    assert (event.concurrency, event.pollers) == (3, 2)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_end(start: Start, concurrency: int) -> None:
    """``worker_stopped`` is the last event, and has the report that ``run`` returns."""
    running = start(concurrency=concurrency)
    running.recorder.wait_for(WorkerStarted)
    running.worker.stop()
    report = running.end()
    assert running.recorder.events[-1] == WorkerStopped(report)
    assert running.recorder.events[-1].report is report
    assert [event.level for event in running.recorder.of(StopRequested)] == [StopLevel.DRAIN]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_end_of_a_loop(start: Start, ask: Callable[..., Flow], concurrency: int) -> None:
    """A worker that ends by itself tells of DRAIN, too, before it ends."""
    ask("echo", "coroutine")
    running = start(concurrency=concurrency, loop=2)
    running.end()
    assert running.recorder.of(StopRequested) == [StopRequested(StopLevel.DRAIN)]
    assert isinstance(running.recorder.events[-1], WorkerStopped)


def test_each_level_of_a_stop(start: Start, ask: Callable[..., Flow], gate: Gate) -> None:
    """Each level that a stop reaches is told once, in order."""
    running = start(concurrency=2, pollers=1)
    ask("wait")
    gate.entered.acquire(timeout=PATIENCE_SECONDS)
    for count, level in enumerate((StopLevel.DRAIN, StopLevel.CANCEL), start=1):
        running.worker.stop(level)
        running.worker.stop(level)
        assert running.recorder.wait_for(StopRequested, count).level is level
    running.worker.stop(StopLevel.KILL)
    gate.opened.set()
    running.end()
    levels = [event.level for event in running.recorder.of(StopRequested)]
    assert levels == [StopLevel.DRAIN, StopLevel.CANCEL, StopLevel.KILL]


def test_a_stop_that_goes_to_the_last_level_at_once(start: Start) -> None:
    """A worker that ends at once has told of all levels before."""
    running = start(concurrency=2)
    running.recorder.wait_for(WorkerStarted)
    running.worker.stop(StopLevel.KILL)
    running.end()
    polls = (PollStarted, PollEnded)
    told = [event for event in running.recorder.events if not isinstance(event, polls)][1:]
    levels = [StopRequested(level) for level in StopLevel if level]
    assert told == [*levels, WorkerStopped(running.report)]


def test_the_end_of_a_grace(start: Start, ask: Callable[..., Flow], gate: Gate) -> None:
    """CANCEL is told when the grace has passed, without a second request."""
    running = start(concurrency=2, grace=30)
    ask("wait")
    gate.entered.acquire(timeout=PATIENCE_SECONDS)
    running.worker.stop()
    running.recorder.wait_for(StopRequested)
    assert running.turn_until(StopRequested, 2).level is StopLevel.CANCEL
    gate.opened.set()
    running.end()


# Calls


def test_polls_with_and_without_a_task(start: Start, ask: Callable[..., Flow]) -> None:
    """``poll_ended`` says which list, what came, for which task, and how long it took."""
    ask("echo")
    running = start(loop=2)
    info = running.recorder.wait_for(TaskEnded).info
    running.end(turning=True)
    assert running.recorder.of(PollStarted) == [PollStarted("list")] * 2
    task, empty = running.recorder.of(PollEnded)
    assert task == PollEnded("list", "task", 0.0, None, info.run_id, info.started_event_id)
    assert empty == PollEnded("list", "empty", empty.seconds)


@pytest.mark.parametrize(
    ("fault", "result", "said"),
    [
        ("throttle", "error", "ThrottlingException"),
        ("break_connection", "lost", "ConnectionClosedError"),
        ("lose_task", "lost", "ConnectionClosedError"),
    ],
)
def test_polls_that_fail(
    start: Start,
    ask: Callable[..., Flow],
    gate: Gate,
    local_swf: LocalSWF,
    fault: str,
    result: str,
    said: str,
) -> None:
    """A poll that SWF did not carry out is an error, one that may have cost a task is lost."""
    getattr(local_swf.faults, fault)("PollForActivityTask")
    ask("echo", "echo")
    running = start(loop=1)
    failed = running.recorder.wait_for(PollEnded)
    gate.clock.turn_when_awaited(1)
    running.end()
    assert (failed.result, failed.fault) == (result, said)
    assert running.recorder.of(PollEnded)[1].result == "task"


def test_calls(start: Start, ask: Callable[..., Flow]) -> None:
    """Each call but polls is told before and after; no fault means accepted."""
    ask("beat", "fail")
    running = start(loop=2)
    running.end()
    assert [(event.action, event.fault) for event in running.recorder.of(CallEnded)] == [
        ("RecordActivityTaskHeartbeat", None),
        ("RespondActivityTaskCompleted", None),
        ("RespondActivityTaskFailed", None),
    ]
    told = [
        event for event in running.recorder.events if isinstance(event, CallStarted | CallEnded)
    ]
    assert [type(event) for event in told] == [CallStarted, CallEnded] * 3
    assert [event.action for event in told[::2]] == [event.action for event in told[1::2]]


def test_calls_of_a_client_of_ones_own(
    local_swf: LocalSWF, domain: str, ask: Callable[..., Flow], gate: Gate
) -> None:
    """``start_activity_worker`` with a client tells of each call, registrations included."""
    recorder = Recorder()
    ask("echo")
    start_activity_worker(
        domain, "list", local_swf.client(), loop=1, activities=activities(gate)[:1],
        observers=[recorder], signals=False,
    )  # fmt: skip
    register_, describe, respond = recorder.of(CallEnded)
    assert (register_.action, register_.fault) == ("RegisterActivityType", "TypeAlreadyExistsFault")
    assert (describe.action, describe.fault) == ("DescribeActivityType", None)
    assert (respond.action, respond.fault) == ("RespondActivityTaskCompleted", None)
    assert respond.seconds > 0
    assert recorder.events[0] == Starting(domain, "list", 1, None)


def test_an_answer_that_is_tried_again(
    start: Start, ask: Callable[..., Flow], gate: Gate, local_swf: LocalSWF
) -> None:
    """Each try is a call; the seconds of the answer run until SWF takes it."""
    local_swf.faults.throttle("RespondActivityTaskCompleted")
    ask("echo")
    running = start(loop=1)
    running.recorder.wait_for(CallEnded)
    gate.clock.turn_when_awaited(10)
    running.end()
    assert [(event.action, event.fault) for event in running.recorder.of(CallEnded)] == [
        ("RespondActivityTaskCompleted", "ThrottlingException"),
        ("RespondActivityTaskCompleted", None),
    ]
    (ended,) = running.recorder.of(TaskEnded)
    assert (ended.outcome, ended.run_seconds, ended.answer_seconds) == (
        TaskOutcome.COMPLETED, 0.0, 10.0,
    )  # fmt: skip


# Tasks


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("name", ["echo", "coroutine"])
def test_a_task(
    start: Start, ask: Callable[..., Flow], gate: Gate, name: str, concurrency: int
) -> None:
    """A task starts once and ends once; both say which, as the activity itself sees it."""
    ask(name)
    running = start(loop=1, concurrency=concurrency)
    running.end()
    (started,), (ended,) = running.recorder.of(TaskStarted), running.recorder.of(TaskEnded)
    assert started.info == ended.info
    assert (started.info.name, started.info.activity_id) == (name, "0")
    if name == "echo":
        assert gate.infos == [started.info]
    assert ended == TaskEnded(started.info, TaskOutcome.COMPLETED, 0.0, 0.0, None)
    order = [type(event) for event in running.recorder.events]
    order = [kind for kind in order if kind not in (WorkerStarted, StopRequested, WorkerStopped)]
    assert order == [PollStarted, PollEnded, TaskStarted, CallStarted, CallEnded, TaskEnded]


def test_how_long_a_run_took(start: Start, ask: Callable[..., Flow]) -> None:
    """The seconds of the run are counted from the poll to its end."""
    ask(Ask("take-time", "[[7], {}]"))
    running = start(loop=1)
    running.end()
    (ended,) = running.recorder.of(TaskEnded)
    assert (ended.run_seconds, ended.answer_seconds) == (7.0, 0.0)


def test_how_tasks_end(start: Start, ask: Callable[..., Flow], gate: Gate) -> None:
    """The outcome is that of the report; a failure has the very exception behind it."""
    ask("echo", "fail", "suspend", Ask("echo", "no JSON"))
    running = start(loop=4)
    running.end()
    ends = {event.info.activity_id: event for event in running.recorder.of(TaskEnded)}
    assert [ends[number].outcome for number in "0123"] == [
        TaskOutcome.COMPLETED,
        TaskOutcome.FAILED,
        TaskOutcome.SUSPENDED,
        TaskOutcome.FAILED,
    ]
    assert ends["0"].error is ends["2"].error is None
    assert ends["1"].error is gate.errors[0]
    assert type(ends["3"].error).__name__ == "InputError"


def test_a_task_of_an_unknown_type(
    start: Start, ask: Callable[..., Flow], client: SWFClient, domain: str
) -> None:
    """A task that cannot run ends without having started."""
    client.register_activity_type(
        domain=domain, name="unknown", version="1", defaultTaskList={"name": "list"},
        defaultTaskScheduleToCloseTimeout="60", defaultTaskScheduleToStartTimeout="60",
        defaultTaskStartToCloseTimeout="60", defaultTaskHeartbeatTimeout="60",
    )  # fmt: skip
    ask("unknown")
    running = start(loop=1)
    running.end()
    assert running.recorder.of(TaskStarted) == []
    (ended,) = running.recorder.of(TaskEnded)
    assert (ended.info.name, ended.outcome, ended.error) == ("unknown", TaskOutcome.FAILED, None)


def test_a_task_that_a_stop_abandons(start: Start, ask: Callable[..., Flow], gate: Gate) -> None:
    """What the stop settles is told by the stop, while the activity runs on."""
    running = start(concurrency=2)
    ask("wait")
    gate.entered.acquire(timeout=PATIENCE_SECONDS)
    running.worker.stop(StopLevel.CANCEL)
    assert running.turn_until(TaskEnded).outcome is TaskOutcome.ABANDONED
    running.end()
    assert len(running.recorder.of(TaskEnded)) == 1


def test_all_tasks_have_ended_before_the_worker(start: Start, ask: Callable[..., Flow]) -> None:
    """The end of each task is told before that of the worker, however many run at once."""
    ask(*["echo", "coroutine"] * 10)
    running = start(concurrency=5, loop=20)
    running.end()
    assert [type(event) for event in running.recorder.events].count(TaskEnded) == 20
    assert isinstance(running.recorder.events[-1], WorkerStopped)


# Heartbeats


def test_heartbeats(
    start: Start, ask: Callable[..., Flow], gate: Gate, local_swf: LocalSWF
) -> None:
    """Each try of a heartbeat is told, with why SWF did not accept it."""
    local_swf.faults.throttle("RecordActivityTaskHeartbeat")
    ask("beat")
    running = start(loop=1)
    running.recorder.wait_for(HeartbeatEnded)
    gate.clock.turn_when_awaited(1)
    running.end()
    (info,) = [event.info for event in running.recorder.of(TaskStarted)]
    assert running.recorder.of(HeartbeatEnded) == [
        HeartbeatEnded(info, False, "ThrottlingException"),
        HeartbeatEnded(info, True, None),
    ]
    assert running.recorder.of(StatusChanged) == []


def test_news_of_a_task(
    start: Start, ask: Callable[..., Flow], gate: Gate, client: SWFClient, domain: str
) -> None:
    """What a heartbeat learns is told, and how the task ended then."""
    gate.terminate = lambda info: client.terminate_workflow_execution(
        domain=domain, workflowId=info.workflow_id, childPolicy="TERMINATE"
    )
    ask("beat-closed")
    running = start(loop=1)
    running.end()
    (started,) = running.recorder.of(TaskStarted)
    beat = HeartbeatEnded(started.info, False, "UnknownResourceFault")
    assert running.recorder.of(HeartbeatEnded) == [beat]
    assert running.recorder.of(StatusChanged) == [StatusChanged(started.info, TaskStatus.CLOSED)]
    assert running.recorder.of(TaskEnded)[0].outcome is TaskOutcome.CLOSED


# Nobody who observes


def test_a_worker_without_observers_pays_nothing(
    local_swf: LocalSWF, domain: str, ask: Callable[..., Flow], gate: Gate
) -> None:
    """For each task it asks a few times whether there are observers, and calls nothing else."""
    ask(*["echo"] * 3)
    client, found = connect(local_swf.client()), declared_by(activities(gate))
    worker = ActivityWorker(client, domain, "list", found, loop=3, signals=False)
    called: Counter[str] = Counter()
    parts = re.compile(r"/flowy/(observer|metrics|health|otel|middleware)\b")

    def count(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        between = 0 < len(gate.infos) < 3  # from the first run to the last one
        if between and event == "call" and parts.search(code.co_filename):
            called[code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        report = worker.run()
    finally:
        sys.setprofile(before)
    assert report.completed == 3
    assert called.keys() <= {"__bool__"}
    assert called["__bool__"] <= 2 * 8


# Observers that are middleware


class Both(Middleware, Observer):
    """Notes what it is called for."""

    def __init__(self) -> None:
        self.noted: list[object] = []

    def run(self, run: Run, call_next: Callable[[Run], Any]) -> Any:
        self.noted.append("run")
        return call_next(run)

    def task_ended(self, event: TaskEnded) -> None:
        self.noted.append(event.outcome)


@pytest.mark.parametrize("given_twice", [False, True])
def test_middleware_that_is_an_observer_observes_too(
    start: Start, ask: Callable[..., Flow], given_twice: bool
) -> None:
    """It is given once, as middleware, and told once of each event."""
    both = Both()
    ask("echo")
    start(*[both] * given_twice, middleware=[Middleware(), both], loop=1).end()
    assert both.noted == ["run", TaskOutcome.COMPLETED]


# Observers in trouble


class Raising(Observer):
    """Raises from every method."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = errors
        self.raised = 0

    def raise_(self, event: Any) -> None:
        self.raised += 1
        raise self.errors[self.raised % len(self.errors)]


for _name in METHODS:

    def _raise(self: Raising, event: Any) -> None:
        self.raise_(event)

    _raise.__qualname__ = f"Raising.{_name}"
    setattr(Raising, _name, _raise)


def test_one_that_raises_changes_nothing(
    start: Start, ask: Callable[..., Flow], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes out of an observer is logged once for each method and class."""
    caplog.set_level(logging.ERROR, "flowy.observer")
    raising = Raising(ValueError("no"), SystemExit(3))
    flow = ask(*["beat", "coroutine"] * 6)
    running = start(raising, concurrency=3, loop=12)
    report = running.end()
    assert report.clean
    assert report.completed == 12
    assert {closing.kind for closing in flow.wait()} == {"Completed"}
    assert len(running.recorder.of(TaskEnded)) == 12
    assert raising.raised > 40
    logged = [record.getMessage() for record in caplog.records]
    assert len(logged) == len(set(logged))
    for error in ("ValueError", "SystemExit"):
        assert f"Observer method Raising.task_ended raised {error}." in "\n".join(logged)
    assert all(record.exc_info for record in caplog.records)


def test_one_that_hangs_does_not_keep_a_stop(
    start: Start, ask: Callable[..., Flow], gate: Gate
) -> None:
    """A stop waits for an observer as long as for an answer that is under way, then ends."""

    class Hanging(Observer):
        def task_ended(self, event: TaskEnded) -> None:
            gate.entered.release()
            gate.opened.wait(PATIENCE_SECONDS)

    running = start(Hanging(), concurrency=2)
    ask("echo")
    gate.entered.acquire(timeout=PATIENCE_SECONDS)
    running.worker.stop(StopLevel.CANCEL)
    assert running.end(turning=True).completed == 1
    assert not gate.opened.is_set()


def test_one_that_cannot_work_ends_the_start(domain: str, gate: Gate, local_swf: LocalSWF) -> None:
    """An ``ObserverError`` of ``starting`` comes before the scan; any other error is logged."""
    recorder = Recorder()

    def start(error: Exception) -> None:
        start_activity_worker(
            domain, "list", local_swf.client(), loop=0, activities=activities(gate)[:1],
            observers=[Raising(error), recorder],
        )  # fmt: skip

    with pytest.raises(ObserverError, match="no library"):
        start(ObserverError("Cannot export: no library. Install one."))
    assert recorder.events == []
    start(ValueError())
    assert recorder.events[0] == Starting(domain, "list")
    Observers([Raising(ObserverError(""))]).stop_requested(StopRequested(StopLevel.DRAIN))


def test_who_supervises() -> None:
    """The process without a slot, if there are several."""
    assert Starting("domain", "list", 2).supervises
    assert not Starting("domain", "list", 2, 0).supervises
    assert not Starting("domain", "list").supervises


def test_an_interruption_passes() -> None:
    """A KeyboardInterrupt in the main thread is Ctrl-C, and not the observer's."""
    raising = Raising(KeyboardInterrupt())
    event = StopRequested(StopLevel.DRAIN)
    with pytest.raises(KeyboardInterrupt):
        Observers([raising]).stop_requested(event)
    elsewhere = threading.Thread(target=Observers([raising]).stop_requested, args=(event,))
    elsewhere.start()
    elsewhere.join()
    assert raising.raised == 2


@pytest.mark.parametrize("given", [None, 7, "abc", Observer(), Observer, [Observer], [7]])
def test_what_is_no_observer_is_an_error_at_once(given: Any) -> None:
    """Everything but a list or tuple of ``Observer`` objects is a ValueError, which shows it."""
    with pytest.raises(ValueError, match="as observers: give a list of objects"):
        Observers(given)


def test_observers_by_name() -> None:
    """``module.name:OBJECT`` is imported."""
    before = len(BY_NAME.events)
    Observers([f"{__name__}:BY_NAME"]).stop_requested(StopRequested(StopLevel.KILL))
    assert BY_NAME.events[before:] == [StopRequested(StopLevel.KILL)]
    with pytest.raises(ImportError, match="Cannot import no_such_module:X: "):
        Observers(["no_such_module:X"])


BY_NAME = Recorder()


# Events


@pytest.mark.parametrize("kind", METHODS.values())
def test_events_are_frozen(kind: type) -> None:
    """An event is told to several observers: none may change it."""
    assert dataclasses.is_dataclass(kind)
    fields = [field.name for field in dataclasses.fields(kind)]
    event = kind(*fields)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, fields[0], None)


def test_each_method_does_nothing() -> None:
    """An observer overrides what it needs; the methods of the base class take any event."""
    for name, kind in METHODS.items():
        event = kind(*[field.name for field in dataclasses.fields(kind)])
        getattr(Observer(), name)(event)
        getattr(Observers([Observer()]), name)(event)
    assert set(METHODS) == {name for name in vars(Observer) if not name.startswith("_")}


def test_events_hold_no_secrets(
    start: Start, ask: Callable[..., Flow], client: SWFClient, domain: str
) -> None:
    """No event holds a token, an input, a result or the details of a heartbeat.

    The exception of a failure is the author's own; no ``repr`` shows it.
    """
    ask(*(Ask(name, '[["SECRET"], {}]') for name in ("echo", "coroutine")), "beat", "fail")
    running = start(loop=4)
    running.end()
    assert len(running.recorder.of(TaskEnded)) == 4
    for event in running.recorder.events:
        assert "SECRET" not in repr(event)
        assert "SECRET" not in repr({**vars(event), "error": None})
    names = {
        field.name
        for kind in (*METHODS.values(), ActivityInfo)
        for field in dataclasses.fields(kind)
    }
    assert not names & {"token", "task_token", "input", "args", "kwargs", "details"}


def test_an_object_that_no_process_can_be_handed_is_said() -> None:
    """With several processes an observer with a lock is an error at the start; a name is not."""
    with pytest.raises(ProcessError, match="Lock.*observers as 'module.name:OBJECT'"):
        start_activity_worker(
            "domain", "list", boto3_client, activities=[Picklable], reg_remote=False,
            processes=2, observers=[Recorder()], signals=False,
        )  # fmt: skip


@activity("picklable", 1, "list")
class Picklable(Activity):
    def run(self) -> None:
        """Do nothing."""
