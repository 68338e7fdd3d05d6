"""What the supervisor makes of what children say, and of their deaths."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import ProcessError, SWFError
from flowy.processes import Child
from flowy.shutdown import StopLevel
from flowy.swf.report import LostPoll, StopReport
from flowy.swf.supervisor import Supervisor, WorkerSpec
from flowy.swf.worker import default_identity
from tests.unit.swf.calls import PATIENCE_SECONDS, Calls, throttled, unknown

SPEC = WorkerSpec("domain", "tasks", ("package",), None, None, {"grace": None, "concurrency": 1})


class Client:
    """The client: each token has calls of its own."""

    def __init__(self) -> None:
        self.calls: dict[str, Calls] = {}
        self._lock = threading.Lock()

    def of(self, token: str) -> Calls:
        with self._lock:
            return self.calls.setdefault(token, Calls())

    def respond_activity_task_failed(self, token: str, reason: str, details: str | None) -> None:
        self.of(token).fail(token, reason, details)


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


class Case:
    def __init__(self, spec: WorkerSpec = SPEC) -> None:
        self.client = Client()
        client: Any = self.client
        self.supervisor = Supervisor(client, spec, 2, signals=False)

    def child(self, exitcode: int = 0, polls_out: int = 0) -> Child:
        return Child(Process(exitcode), Pipe(), Number(polls_out))

    def hear(self, child: Child, *messages: dict[str, Any]) -> None:
        for message in messages:
            self.supervisor._heard(child, message)

    def die(self, child: Child) -> bool:
        return self.supervisor._child_died(child)

    def report(self) -> StopReport:
        assert self.supervisor._failures.wait(PATIENCE_SECONDS) == []
        return self.supervisor._report()


@pytest.fixture
def case() -> Case:
    return Case()


def enter(token: str) -> dict[str, Any]:
    return {"enter": token, "subject": f"task {token}"}


def strike(token: str, outcome: str) -> dict[str, Any]:
    return {"strike": token, "outcome": outcome}


def test_open_tasks_of_a_dead_child_are_failed(case: Case) -> None:
    """Those it entered and did not strike out; the reason names its end."""
    child = case.child(exitcode=-9)
    case.hear(child, enter("a"), enter("b"), enter("c"), strike("b", "COMPLETED"))
    assert case.die(child) is True
    report = case.report()
    reason = f"{reasons.WORKER_PROCESS_DIED}killed by signal 9 (SIGKILL)."
    assert case.client.of("a").made == [("fail", reason, "")]
    assert case.client.of("c").made == [("fail", reason, "")]
    assert case.client.of("b").tried == []
    assert (report.completed, report.failed) == (1, 2)


@pytest.mark.parametrize("on_stop", ["abandon", "fail"])
def test_a_child_that_did_not_end_at_a_stop_leaves_its_tasks_as_the_policy_says(
    on_stop: str,
) -> None:
    """It is killed, for its interpreter hangs; deciders retry timeouts and no failures."""
    options = {"grace": 0, "concurrency": 1, "on_stop": on_stop}
    case = Case(dataclasses.replace(SPEC, options=options))
    child = case.child(exitcode=-9)
    case.hear(child, enter("a"))
    child.kill()
    case.die(child)
    report = case.report()
    assert report.abandoned == (("task a",) if on_stop == "abandon" else ())
    assert report.failed == (on_stop == "fail")
    assert len(case.client.of("a").made) == (on_stop == "fail")


@pytest.mark.parametrize("outcome", ["SUSPENDED", "ABANDONED", "UNKNOWN_LEFT"])
def test_what_was_left_on_purpose_is_not_failed(case: Case, outcome: str) -> None:
    """Struck out is struck out."""
    child = case.child(exitcode=1)
    case.hear(child, enter("a"), strike("a", outcome))
    case.die(child)
    case.report()
    assert case.client.of("a").tried == []


def test_a_late_failure_of_a_closed_task_is_no_error(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Its answer was accepted, and the child died before it could say so."""
    child = case.child(exitcode=3)
    case.client.of("a").trouble = [unknown()]
    case.hear(child, enter("a"))
    case.die(child)
    report = case.report()
    assert (report.closed, report.clean) == (1, True)
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert errors == ["Worker process 4711 died (exit code 3); its 1 tasks are failed."]


def test_polls_out_at_a_death_are_reported(case: Case) -> None:
    """As many as its number says."""
    case.die(case.child(exitcode=-11, polls_out=2))
    report = case.report()
    assert len(report.polls_lost) == 2
    assert report.polls_lost[0].identity == default_identity(4711)
    assert "SIGSEGV" in report.polls_lost[0].fault


def test_polls_that_a_child_lost_before_its_death_are_reported(case: Case) -> None:
    """A child that dies makes no report of its own; one that does has them in it."""
    child, other = case.child(exitcode=-9), case.child()
    lost = {"lost": "host:1 flowy", "fault": "ReadTimeoutError"}
    case.hear(child, lost)
    case.die(child)
    case.hear(other, lost, {"report": dataclasses.asdict(StopReport(completed=1))})
    case.die(other)
    (poll,) = case.report().polls_lost
    assert (poll.identity, poll.fault) == ("host:1 flowy", "ReadTimeoutError")


def test_a_childs_own_report_counts_where_it_made_one(case: Case) -> None:
    """And with it no poll is counted twice."""
    child = case.child(polls_out=1)
    told = StopReport(completed=5, polls_lost=(LostPoll("now", "me", "not waited for"),))
    case.hear(child, enter("a"), strike("a", "COMPLETED"))
    case.hear(child, {"report": dataclasses.asdict(told)})
    case.die(child)
    assert case.report() == told


def test_a_child_that_ended_well_is_replaced_unless_a_stop_was_asked_for(case: Case) -> None:
    """SIGTERM to one child is no stop of all."""
    assert case.die(case.child()) is True
    case.supervisor.stop()
    assert case.die(case.child()) is False


def test_a_child_that_gets_ready_during_a_stop_is_told(case: Case) -> None:
    """It was started as the stop came."""
    child = case.child()
    case.hear(child, {"ready": True})
    assert child.connection.told == []
    case.supervisor.stop(StopLevel.HURRY)
    case.hear(child, {"ready": True})
    assert child.connection.told == [b'{"stop": 2}']


def test_first_polls_refused_stop_all(case: Case) -> None:
    """It is set up wrongly: the error is raised by run()."""
    case.hear(case.child(), {"refused": "no such domain", "fault": "UnknownResourceFault"})
    assert case.supervisor._stop.is_set()
    assert isinstance(case.supervisor._error, SWFError)


def test_a_replacement_whose_first_polls_are_refused_stops_nobody(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    """Credentials that expired as a process was replaced may be renewed; others still work."""
    case.die(case.child(exitcode=1))
    case.hear(case.child(), {"refused": "expired", "fault": "ExpiredTokenException"})
    assert not case.supervisor._stop.is_set()
    assert "Another process will try again" in caplog.text


def test_what_cannot_be_failed_any_more_is_reported(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SWF out of reach to the end: the answers given up are named."""
    child = case.child(exitcode=1)
    case.client.of("a").trouble = [throttled() for _ in range(100)]
    case.hear(child, enter("a"))
    case.die(child)
    case.client.of("a").wait_until(lambda: len(case.client.of("a").tried) >= 1)
    case.supervisor.stop(StopLevel.AT_ONCE)
    assert case.report().unanswered == ("task a",)


def not_importable() -> Callable[[], None]:
    return lambda: None


def test_a_factory_that_cannot_be_imported_is_refused_at_once() -> None:
    """Before any process is started."""
    with pytest.raises(ProcessError, match="functions that can be imported"):
        Case(dataclasses.replace(SPEC, layer1=not_importable()))
