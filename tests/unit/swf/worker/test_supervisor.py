"""What the supervisor makes of what its worker processes say, of their ends, and of a stop."""

from __future__ import annotations

import functools
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from flowy.concurrency.children import Message
from flowy.concurrency.stop import StopLevel
from flowy.exception import ProcessError, SWFError
from flowy.middleware import Middleware
from flowy.observer import (
    Observer,
    ProcessEnded,
    StopRequested,
    TaskEnded,
    WorkerStopped,
)
from flowy.swf.worker import LostPoll, StopReport, messages
from flowy.swf.worker.supervisor import SECONDS_TO_END, SECONDS_TO_LEAVE
from flowy.swf.worker.worker import default_identity
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.swf.worker.supervised import (
    Case,
    opened,
    settled,
)


@pytest.fixture
def case() -> Case:
    return Case()


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
    until(lambda: len(list(tmp_path.iterdir())) == 2 or not serving.is_alive())
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
