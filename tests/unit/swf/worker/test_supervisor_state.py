"""What a supervisor tells of its processes: those that start, serve, hang, die and stop."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import threading
from typing import Any

import pytest

from flowy.concurrency.children import Child, Link, Message
from flowy.concurrency.processes import Processes
from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.health import HealthOptions
from flowy.health.vitals import Vitals
from flowy.swf.worker import messages
from flowy.swf.worker.messages import Account
from flowy.swf.worker.supervisor_state import ANSWER_SECONDS, SupervisorState
from flowy.swf.worker.vitals_report import EVERY_SECONDS, VitalsReport
from tests.patience import PATIENCE_SECONDS
from tests.suspended import an_info
from tests.unit.clocks import TurnedClock
from tests.unit.health.healths import ILL, NEW, WELL
from tests.unit.swf.worker.stop_clock import StopClock

OPTIONS = HealthOptions(max_silence=30)


@dataclasses.dataclass
class Process:
    pid: int


class Pipe:
    """What a child is told."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self._news = threading.Condition()
        self._ends = multiprocessing.Pipe()

    def fileno(self) -> int:
        """It has room."""
        return self._ends[0].fileno()

    def send_bytes(self, text: bytes) -> None:
        with self._news:
            self.told.append(json.loads(text))
            self._news.notify_all()

    def wait_for(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: len(self.told) >= count, PATIENCE_SECONDS)


class TwoProcesses(Processes):
    """Those that the test has started."""

    def __init__(self) -> None:
        self.count = 2
        self.started: list[Child] = []

    @property
    def children(self) -> list[Child]:
        return self.started


class Case:
    """The state of a supervisor of two processes, which say what the test lets them say."""

    def __init__(self) -> None:
        self.clock = StopClock()
        self.stop = StopFlag(self.clock)
        self._processes = TwoProcesses()
        self._accounts: dict[Child, Account] = {}
        self._answered = threading.Condition()
        self.state = SupervisorState(
            self._processes, self._accounts, self.stop, self._answered, self.clock
        )
        self.first, self.second = self.start(11, 0), self.start(12, 1)

    def start(self, pid: int, slot: int) -> Child:
        child = Child(Process(pid), Pipe(), None, slot, self.clock.now())
        self._processes.started.append(child)
        return child

    def end(self, child: Child) -> None:
        self._processes.started.remove(child)

    def say(self, vitals: Vitals, *children: Child) -> None:
        for child in children or (self.first, self.second):
            self.hear(child, messages.vitals(vitals))

    def hear(self, child: Child, message: Message) -> None:
        account = self._accounts.setdefault(child, Account())
        account.hear(json.loads(json.dumps(message)), self.clock.now())
        with self._answered:
            self._answered.notify_all()

    @property
    def vitals(self) -> Vitals:
        return self.state.vitals(OPTIONS)


@pytest.fixture
def case() -> Case:
    return Case()


def test_processes_that_start(case: Case) -> None:
    """They are live for as long as a process may be silent, and not ready."""
    starting = ("process 11 is starting", "process 12 is starting")
    assert (case.vitals.not_live, case.vitals.not_ready) == ((), starting)
    assert case.vitals.summary == "serving, 2 of 2 processes"
    case.clock.turn(OPTIONS.max_silence)
    assert case.vitals.not_live == (
        "process 11 has said nothing for 30 s",
        "process 12 has said nothing for 30 s",
    )


def test_processes_that_serve(case: Case) -> None:
    """Each tells how it is, and one that is not well is not outweighed by another."""
    case.say(WELL)
    assert (case.vitals.live, case.vitals.ready) == (True, True)
    case.say(NEW, case.second)
    assert case.vitals.not_ready == ("process 12: it does not poll yet",)
    case.say(ILL, case.first)
    assert case.vitals.not_live == ("process 11: poller 0 is dead",)


def test_a_process_that_is_silent(case: Case) -> None:
    """It hangs, whatever it said last; any word of it counts."""
    case.say(WELL)
    case.clock.turn(29)
    case.say(WELL, case.first)
    case.clock.turn(1)
    silence = ("process 12 has said nothing for 30 s",)
    assert (case.vitals.not_live, case.vitals.not_ready) == (silence, silence)
    assert case.state.vitals(HealthOptions(max_silence=0)).live
    case.hear(case.second, {"opened": "token", "info": vars(an_info())})
    assert (case.vitals.live, case.vitals.ready) == (True, True)


def test_a_process_that_is_being_replaced(case: Case) -> None:
    """That is what a supervisor is for: no reason to restart it, but it is not all there."""
    case.say(WELL)
    case.end(case.second)
    assert (case.vitals.not_live, case.vitals.not_ready) == ((), ("1 of 2 processes not running",))
    case.start(13, 1)
    assert case.vitals.not_ready == ("process 13 is starting",)


def test_a_stop(case: Case) -> None:
    """Not ready, and live to the end."""
    case.say(ILL)
    case.stop.raise_to(StopLevel.DRAIN)
    case.clock.turn(1_000)
    now = case.vitals
    assert (now.not_live, now.not_ready, now.stopping) == ((), ("it stops",), True)
    assert case.state.status(ask=False)["phase"] == "stopping"


def test_the_status_is_that_of_all_processes(case: Case) -> None:
    """Each is asked, and its answer is waited for."""
    case.say(WELL)
    got: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: got.append(case.state.status()))
    asking.start()
    for child in (case.second, case.first):
        child.connection.wait_for(1)
        assert child.connection.told == [messages.ASK_STATUS]
        case.hear(child, messages.status({"pid": child.process.pid, "tasks": []}))
    asking.join(PATIENCE_SECONDS)
    assert got[0]["phase"] == "serving"
    assert got[0]["processes"] == [
        {"slot": 0, "pid": 11, "silent_seconds": 0.0, "status": {"pid": 11, "tasks": []}},
        {"slot": 1, "pid": 12, "silent_seconds": 0.0, "status": {"pid": 12, "tasks": []}},
    ]


def test_a_process_that_does_not_answer(case: Case) -> None:
    """It is waited for shortly, and asked once: what it does not read would fill its pipe."""
    case.say(WELL, case.first)
    for _ in range(2):
        got: list[dict[str, Any]] = []
        asking = threading.Thread(target=lambda got=got: got.append(case.state.status()))
        asking.start()
        case.clock.turn_by(ANSWER_SECONDS)
        asking.join(PATIENCE_SECONDS)
        assert [each["status"] for each in got[0]["processes"]] == [None, None]
    assert case.first.connection.told == [messages.ASK_STATUS]
    assert case.second.connection.told == []  # it is starting
    case.hear(case.first, messages.status({"pid": 11}))
    asking = threading.Thread(target=case.state.status)
    asking.start()
    case.first.connection.wait_for(2)
    case.hear(case.first, messages.status({"pid": 11}))
    asking.join(PATIENCE_SECONDS)


def test_a_process_tells_how_it_is_when_due_and_when_that_changes() -> None:
    """Every 2 seconds, so that silence means something."""
    clock, pipe = TurnedClock(), Pipe()
    report = VitalsReport(Link(pipe, None), clock)
    for vitals, seconds in ((WELL, 0.0), (WELL, 1.9), (ILL, 0.0), (ILL, 1.9), (ILL, 0.1)):
        clock.turn(seconds)
        report.show(vitals)
    report.close()
    assert EVERY_SECONDS == 2
    told = [each["vitals"]["not_live"] for each in pipe.told]
    assert told == [[], ["poller 0 is dead"], ["poller 0 is dead"]]
