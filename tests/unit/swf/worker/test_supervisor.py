"""What the supervisor makes of what its worker processes say, of their deaths, and of a stop."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from flowy import Activity, activity, reasons
from flowy.concurrency.children import Child, Message
from flowy.concurrency.stop import StopLevel
from flowy.exception import ProcessError, SWFError
from flowy.invocation import TaskOutcome
from flowy.middleware import Middleware
from flowy.observer import (
    Observer,
    ProcessEnded,
    ProcessStarted,
    StopRequested,
    TaskEnded,
    WorkerStopped,
)
from flowy.swf.worker import LostPoll, StopReport, WorkerOptions, messages
from flowy.swf.worker.child import WorkerSpec
from flowy.swf.worker.stopping import LAST_ANSWER_SECONDS
from flowy.swf.worker.supervisor import SECONDS_TO_END, SECONDS_TO_LEAVE, Supervisor
from flowy.swf.worker.worker import default_identity
from tests.patience import PATIENCE_SECONDS
from tests.suspended import an_info
from tests.unit.stand_ins import CLOSED, THROTTLE
from tests.unit.swf.worker.task_list_swf import AnswerOnHold, TaskListSWF
from tests.unit.swf.worker.worker_case import StopClock

#: The task with the token "a", as a report names it.
TASK_A = str(an_info(name="a"))


@activity("idle", 1, "tasks")
class Idle(Activity):
    """What the children serve."""

    def run(self) -> None:
        """Do nothing."""


class Process:
    """What is left of a child."""

    def __init__(self, exitcode: int) -> None:
        self.pid = 4711
        self.exitcode = exitcode

    def kill(self) -> None:
        """It has ended already."""


class Pipe:
    """What a child is told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []

    def send_bytes(self, message: bytes) -> None:
        self.told.append(message)


@dataclasses.dataclass
class Number:
    value: int = 0


class Seen(Observer):
    """Keeps what the supervisor tells."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def process_started(self, event: ProcessStarted) -> None:
        self.events.append(event)

    def process_ended(self, event: ProcessEnded) -> None:
        self.events.append(event)

    def stop_requested(self, event: StopRequested) -> None:
        self.events.append(event)

    def worker_stopped(self, event: WorkerStopped) -> None:
        self.events.append(event)

    def task_ended(self, event: TaskEnded) -> None:
        self.events.append(event)


class Case:
    """A supervisor, and children that have ended."""

    def __init__(self, **options: Any) -> None:
        self.swf = TaskListSWF()
        self.clock = StopClock()
        self.seen = Seen()
        given = {"processes": 2, "observers": [self.seen], "activities": [Idle], **options}
        spec = WorkerSpec(WorkerOptions("domain", "tasks", **given))
        self.supervisor = Supervisor(self.swf.client(), spec, clock=self.clock)

    def child(self, exitcode: int = 0, polls_out: int = 0) -> Child:
        return Child(Process(exitcode), Pipe(), Number(polls_out), slot=1, started_at=0.0)

    def hear(self, child: Child, *told: Message) -> None:
        for message in told:
            self.supervisor._heard(child, message)

    def die(self, child: Child) -> bool:
        """Return whether it is to be replaced."""
        return self.supervisor._died(child)

    def report(self) -> StopReport:
        return self.supervisor._report()

    @property
    def is_stopping(self) -> bool:
        return self.supervisor._stop.is_set()


@pytest.fixture
def case() -> Case:
    return Case()


def opened(token: str) -> Message:
    return {"opened": token, "info": vars(an_info(name=token))}


def settled(token: str, outcome: TaskOutcome = TaskOutcome.COMPLETED) -> Message:
    return {"settled": token, "outcome": outcome.name}


# Tasks of a child that died


def test_open_tasks_of_a_dead_child_are_failed(case: Case) -> None:
    """The reason names how the child ended."""
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"), opened("b"), opened("c"), settled("b"))
    assert case.die(child) is True
    report = case.report()
    reason = f"{reasons.WORKER_PROCESS_DIED}killed by signal 9 (SIGKILL)."
    assert case.swf.answers_of("a") == case.swf.answers_of("c") == [("failed", reason)]
    assert case.swf.answers_of("b") == []
    assert (report.completed, report.failed) == (1, 2)


def test_the_end_of_a_task_whose_process_died_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """By the supervisor, in the words and with the keys of a worker, and to its observers."""
    caplog.set_level(logging.INFO)
    case = Case()
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"))
    case.clock.turn(7)
    case.swf.at_answer = lambda _token: case.clock.turn(2)
    case.die(child)
    case.report()
    (record,) = [each for each in caplog.records if "after" in each.getMessage()]
    assert record.getMessage() == f"Activity {TASK_A}: failed after 9.000 s (Worker process died)."
    assert record.levelno == logging.ERROR
    keys: dict[str, object] = record.__dict__
    assert (keys["flowy_activity"], keys["flowy_workflow_id"]) == ("a", "order-7")
    assert (keys["flowy_outcome"], keys["flowy_fault"]) == ("failed", "Worker process died")
    ended = TaskEnded(an_info(name="a"), TaskOutcome.FAILED, 7.0, 2.0)
    assert [event for event in case.seen.events if isinstance(event, TaskEnded)] == [ended]


@pytest.mark.parametrize("on_stop", ["abandon", "fail"])
def test_a_child_that_did_not_end_at_a_stop_leaves_its_tasks_as_the_policy_says(
    on_stop: str,
) -> None:
    """It was killed because its interpreter hangs. Deciders retry timeouts but not failures."""
    case = Case(grace=0, on_stop=on_stop)
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"))
    child.kill()
    case.die(child)
    report = case.report()
    assert report.abandoned == ((TASK_A,) if on_stop == "abandon" else ())
    assert report.failed == len(case.swf.answers) == (on_stop == "fail")


@pytest.mark.parametrize(
    "outcome",
    [
        TaskOutcome.SUSPENDED,
        TaskOutcome.HANDED_OVER,
        TaskOutcome.ABANDONED,
        TaskOutcome.LEFT_UNKNOWN,
    ],
)
def test_what_was_left_on_purpose_is_not_failed(case: Case, outcome: TaskOutcome) -> None:
    """The child had settled it."""
    child = case.child(exitcode=1)
    case.hear(child, opened("a"), settled("a", outcome))
    case.die(child)
    case.report()
    assert case.swf.tried == []


def test_a_task_that_may_be_in_a_store_is_not_failed(case: Case) -> None:
    """Whoever finishes it must find it open. The report names it, because nobody may."""
    child = case.child(exitcode=-9)
    case.hear(child, opened("a"), {"suspending": "a"})
    case.die(child)
    assert case.report().unanswered == (f"{TASK_A}, perhaps suspended",)
    assert case.swf.tried == []


def test_a_late_failure_of_a_closed_task_is_no_error(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """SWF had its answer, and the child died before it could say so."""

    def closed(_token: str) -> None:
        raise CLOSED

    child = case.child(exitcode=3)
    case.swf.at_answer = closed
    case.hear(child, opened("a"))
    case.die(child)
    report = case.report()
    assert (report.closed, report.clean) == (1, True)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert errors == ["Worker process 4711 died (exit code 3); 1 task is failed."]


def test_what_cannot_be_failed_any_more_is_reported(case: Case) -> None:
    """At the last level of a stop a failure is tried once."""

    def throttled(_token: str) -> None:
        raise THROTTLE

    child = case.child(exitcode=1)
    case.swf.at_answer = throttled
    case.hear(child, opened("a"))
    case.die(child)
    case.swf.wait_until(lambda: bool(case.swf.tried))
    case.supervisor.stop(StopLevel.KILL)
    assert case.report().unanswered == (TASK_A,)


def test_a_failure_that_hangs_is_not_waited_for(case: Case) -> None:
    """It counts as unanswered, once, even if SWF takes it after all."""
    answer = AnswerOnHold(case.swf)
    child = case.child(exitcode=1)
    case.hear(child, opened("a"))
    case.die(child)
    answer.wait()
    reports: list[StopReport] = []
    reporting = threading.Thread(target=lambda: reports.append(case.report()))
    reporting.start()
    case.clock.turn_by(LAST_ANSWER_SECONDS)
    reporting.join(PATIENCE_SECONDS)
    assert reports == [StopReport(unanswered=(TASK_A,))]
    answer.let_through()
    case.swf.wait_until(lambda: bool(case.swf.answers))
    assert case.report() == reports[0]


class SlowObserver(Observer):
    """Needs its time to be told that a task ended."""

    def __init__(self) -> None:
        self.told, self.may_go_on = threading.Event(), threading.Event()
        self.ended: list[TaskEnded] = []

    def __reduce__(self) -> Any:
        """Let another process make a new one; locks cannot be pickled."""
        return type(self), ()

    def task_ended(self, event: TaskEnded) -> None:
        self.told.set()
        assert self.may_go_on.wait(PATIENCE_SECONDS)
        self.ended.append(event)


def test_a_report_waits_until_the_outcome_of_a_failure_is_recorded() -> None:
    """SWF has the failure already, but the observers are still being told."""
    observer = SlowObserver()
    case = Case(observers=[observer])
    child = case.child(exitcode=1)
    case.hear(child, opened("a"))
    case.die(child)
    assert observer.told.wait(PATIENCE_SECONDS)
    reporting = threading.Thread(target=case.report)
    reporting.start()
    try:
        case.clock.wait_for_waiter(LAST_ANSWER_SECONDS)
    finally:
        observer.may_go_on.set()
    reporting.join(PATIENCE_SECONDS)
    assert [event.outcome for event in observer.ended] == [TaskOutcome.FAILED]


# Polls and reports


def test_polls_out_at_a_death_are_reported(case: Case) -> None:
    """The number that the child shares with its supervisor says how many."""
    case.die(case.child(exitcode=-11, polls_out=2))
    report = case.report()
    assert len(report.polls_lost) == 2
    assert report.polls_lost[0].identity == default_identity(4711)
    assert "SIGSEGV" in report.polls_lost[0].fault


def test_a_childs_own_report_counts_if_it_made_one(case: Case) -> None:
    """Nothing that it told before is counted twice; of a child that died, all of that counts."""
    lost = {"lost": "host:1 flowy", "fault": "ReadTimeoutError"}
    dead, other = case.child(exitcode=-9), case.child(polls_out=1)
    case.hear(dead, lost)
    case.die(dead)
    told = StopReport(completed=5, polls_lost=(LostPoll("now", "me", "not waited for"),))
    case.hear(other, lost, opened("a"), settled("a"), messages.reported(told))
    case.die(other)
    report = case.report()
    assert report.completed == 5
    assert [poll.fault for poll in report.polls_lost] == ["ReadTimeoutError", "not waited for"]


# Replacing children, and refused polls


def test_a_child_that_ended_well_is_replaced_unless_the_supervisor_stops(case: Case) -> None:
    """SIGTERM to one child does not stop all."""
    assert case.die(case.child()) is True
    case.supervisor.stop()
    assert case.die(case.child()) is False


def test_a_child_that_gets_ready_during_a_stop_is_told(case: Case) -> None:
    """It was started as the stop came."""
    child = case.child()
    case.hear(child, messages.ready())
    assert child.connection.told == []
    case.supervisor.stop(StopLevel.CANCEL)
    case.hear(child, messages.ready())
    assert child.connection.told == [b'{"stop": 2}']


def refused(fault: str) -> Message:
    return messages.refused(SWFError("Cannot poll.", fault=fault))


def test_first_polls_that_are_refused_stop_all(case: Case) -> None:
    """The worker is set up wrongly."""
    case.hear(case.child(), refused("UnknownResourceFault"))
    assert case.is_stopping


def test_a_replacement_whose_first_polls_are_refused_stops_nobody(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Credentials that expired as a process was replaced may be renewed; others still work."""
    case.die(case.child(exitcode=1))
    case.hear(case.child(), refused("ExpiredTokenException"))
    assert not case.is_stopping
    assert "Another process will try again" in caplog.text


def test_observers_are_told_of_each_child(case: Case) -> None:
    """How it ended, and whether somebody must look after that."""
    case.die(case.child())
    dead = case.child(exitcode=-9)
    case.hear(dead, opened("a"))
    case.die(dead)
    forgetful = case.child(exitcode=0)
    case.hear(forgetful, opened("b"))
    case.die(forgetful)
    report = case.report()
    assert [event for event in case.seen.events if not isinstance(event, TaskEnded)] == [
        ProcessEnded(4711, 1, "exit code 0", expected=True),
        ProcessEnded(4711, 1, "killed by signal 9 (SIGKILL)", expected=False),
        ProcessEnded(4711, 1, "exit code 0", expected=False),
        WorkerStopped(report),
    ]


# What cannot be handed to another process


class Local:
    """Where classes are that no other process can import."""

    @staticmethod
    def middleware() -> Middleware:
        class Mine(Middleware):
            """Importable by nobody."""

        return Mine()

    @staticmethod
    def observer() -> Observer:
        class Mine(Observer):
            """Importable by nobody."""

        return Mine()


class Locked(Observer):
    """Importable, but an object of it cannot be pickled."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"layer1": lambda: None}, "local|lambda"),
        ({"middleware": [Local.middleware()]}, "Mine"),
        ({"observers": [Local.observer()]}, "Mine"),
        ({"observers": [Locked()]}, "lock"),
    ],
)
def test_what_another_process_cannot_get_is_refused_at_once(
    options: dict[str, Any], what: str
) -> None:
    """An error before any process is started says what it is, and what would do."""
    way_out = "functions and classes that can be imported, .*middleware and observers as"
    with pytest.raises(ProcessError, match=f"to another process .*({what}).*{way_out}"):
        Case(**options)


# A stop with real processes, under a turned clock


class HangingSWF:
    """Hangs with the whole process at the first poll: no stop reaches it any more."""

    def __init__(self, folder: str) -> None:
        self._mark = Path(folder, str(os.getpid()))

    def poll_for_activity_task(self, **_: Any) -> dict[str, Any]:
        self._mark.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
        return {}


@pytest.mark.parametrize(
    ("level", "seconds"),
    [(StopLevel.DRAIN, 30 + SECONDS_TO_END), (StopLevel.KILL, SECONDS_TO_LEAVE)],
    ids=["drain", "kill"],
)
def test_children_that_do_not_end_in_time_are_killed(
    level: StopLevel, seconds: float, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They have the grace, if there is one, and what a child needs to end, but not more."""
    case = Case(layer1=functools.partial(HangingSWF, str(tmp_path)), grace=30)
    reports: list[StopReport] = []
    serving = threading.Thread(target=lambda: reports.append(case.supervisor.run()))
    serving.start()
    hanging = threading.Event()
    while len(list(tmp_path.iterdir())) < 2:
        assert not hanging.wait(0.01)
        assert serving.is_alive()
    case.supervisor.stop(level)
    case.clock.wait_for_waiter(seconds)
    case.clock.turn(seconds - 1)
    assert "is killed" not in caplog.text
    case.clock.turn_by(1)
    serving.join(PATIENCE_SECONDS)
    (report,) = reports
    assert len(report.polls_lost) == 2
    assert caplog.text.count("does not end; it is killed") == 2
    ended = [each for each in case.seen.events if isinstance(each, ProcessEnded)]
    assert {each.end for each in ended} == {"killed by signal 9 (SIGKILL)"}
    assert StopRequested(level) in case.seen.events
