"""Background heartbeats by the timeout in force, and while a history is waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from flowy import activity
from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.swf.scanner import declared
from flowy.swf.worker.auto_heartbeats import AutoHeartbeats
from flowy.swf.worker.responder import StopPolicy
from flowy.swf.worker.timeouts_in_force import interval_in_force
from flowy.task import Activity
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.clocks import TurnedClock
from tests.unit.swf.worker import attempts_case
from tests.unit.swf.worker.attempts_case import AttemptsCase, open_case

DECLARED = {**attempts_case.DECLARED, "heartbeat": 60}


@pytest.fixture
def case(local_swf: LocalSWF) -> Iterator[AttemptsCase]:
    """An execution on a local SWF of its own."""
    with open_case() as case:
        yield case


@pytest.fixture
def clock() -> TurnedClock:
    """A clock for the worker's threads."""
    return TurnedClock()


@pytest.fixture
def attributes(clock: TurnedClock) -> Iterator[dict[str, Any]]:
    """What a worker has that waits by this clock."""
    beats = AutoHeartbeats(clock)
    yield {"auto_heartbeats": beats, "clock": clock}
    beats.close()


@pytest.mark.parametrize(
    ("asked", "in_force", "interval"),
    [
        (True, 12, 4.0),
        (True, 600, 200.0),
        (True, None, 20.0),
        (5, 12, 4.0),
        (5, 600, 5.0),
        (5, None, 5.0),
        (False, 12, None),
    ],
)
def test_the_interval(asked: Any, in_force: int | None, interval: float | None) -> None:
    """A third of the timeout in force; a number that the class gives, if it is less."""

    @activity(**DECLARED, auto_heartbeat=asked)
    class Beats(Activity):
        def run(self) -> None:
            """Do nothing."""

    assert interval_in_force(declared(Beats)[0], in_force) == interval


@pytest.mark.parametrize("when", ["before the run", "in the run"])
def test_beats_by_the_timeout_in_force(
    case: AttemptsCase, clock: TurnedClock, attributes: dict[str, Any], when: str
) -> None:
    """Declared are 60 seconds and a heartbeat every 20; in force are 12, so it comes after 4."""
    told = threading.Event()

    @activity(
        **DECLARED, auto_heartbeat=True, history="wanted" if when == "before the run" else "no"
    )
    class Beats(Activity):
        seen: ClassVar[list[Any]] = []

        def run(self) -> None:
            if when == "in the run":
                self.history()
            self.progress("mine")
            told.set()
            until(lambda: "record_activity_task_heartbeat" in case.layer1.calls)

    case.schedule(heartbeatTimeout="12")
    run = case.task_run(Beats, **attributes)
    thread = threading.Thread(target=run.run)
    thread.start()
    assert told.wait(PATIENCE_SECONDS)
    clock.turn_when_awaited(4)
    thread.join(PATIENCE_SECONDS)
    assert run.outcome is TaskOutcome.COMPLETED


def test_beats_while_the_history_is_waited_for(
    case: AttemptsCase, clock: TurnedClock, attributes: dict[str, Any]
) -> None:
    """An activity that cannot run without it must not time out meanwhile."""

    @activity(**DECLARED, history="needed")
    class Needs(Activity):
        def run(self) -> None:
            """Do nothing."""

    case.schedule()
    policy = StopPolicy(type(case.clock.flag)(clock))
    run = case.task_run(Needs, policy=policy, **attributes)
    case.swf.faults.throttle("GetWorkflowExecutionHistory", count=10_000)
    thread = threading.Thread(target=run.run)
    thread.start()
    clock.turn_when_awaited(20)  # then the first heartbeat is due
    until(lambda: "record_activity_task_heartbeat" in case.layer1.calls)
    case.swf.faults.clear()
    clock.keep_turning(lambda: not thread.is_alive())  # it may have begun another pause before
    assert run.outcome is TaskOutcome.COMPLETED


@pytest.mark.parametrize("asked", ["wanted", "needed"])
def test_beats_while_the_first_call_is_slow(
    case: AttemptsCase, clock: TurnedClock, attributes: dict[str, Any], asked: Any
) -> None:
    """A call may take half a minute, and so may the second one."""

    @activity(**DECLARED, history=asked)
    class Asks(Activity):
        def run(self) -> None:
            """Do nothing."""

    def slow(number: int) -> None:
        clock.turn_when_awaited(20)
        until(lambda: "record_activity_task_heartbeat" in case.layer1.calls)

    case.layer1.on_history = slow
    case.schedule()
    run = case.task_run(Asks, **attributes)
    run.run()
    assert run.outcome is TaskOutcome.COMPLETED


def test_a_new_run_begins_anew(case: AttemptsCase) -> None:
    """A workflow that continues as a new run has a new history, in which nothing came before."""

    @activity(**DECLARED, history="needed", same_as="id")
    class Knows(Activity):
        seen: ClassVar[list[Any]] = []

        def run(self) -> None:
            """Keep it."""
            self.seen.append((self.attempt, self.previous_details))

    case.lose(details="half")
    case.shop.close(
        "order-1", "ContinueAsNew", taskList={"name": "order-1"}, childPolicy="TERMINATE",
        executionStartToCloseTimeout="3600", taskStartToCloseTimeout="NONE",
    )  # fmt: skip
    case.schedule()
    case.task_run(Knows).run()
    assert Knows.seen == [(1, None)]
