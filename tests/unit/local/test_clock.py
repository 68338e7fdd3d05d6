"""SWF's clock: hold, turn, release; what follows it and what does not."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest

from flowy.local import LocalSWF
from flowy.local.clock import Clock
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.local.conftest import Work


@pytest.fixture
def held() -> Iterator[LocalSWF]:
    """A local SWF whose clock is held."""
    with LocalSWF(poll_seconds=0.1) as swf:
        swf.clock.hold()
        yield swf


def test_a_held_clock_stands_still() -> None:
    """A held clock does not move; turn() moves it by exactly that many seconds."""
    clock = Clock()
    clock.hold()
    began = clock.now()
    clock.hold()
    assert clock.held
    assert clock.now() == began
    clock.turn(3600)
    assert clock.now() == began + 3600


def test_the_clock_shows_milliseconds() -> None:
    """SWF's time stamps are whole milliseconds, whatever the clock is turned by."""
    clock = Clock()
    for seconds in (0.0, 0.0123456, 3600.7):
        clock.turn(seconds)
        now = clock.now()
        assert now == round(now, 3)
    clock.hold()
    began = clock.now()
    for _ in range(2000):
        clock.turn(0.0005)
    assert clock.now() == began + 1


def test_a_released_clock_runs_on_from_where_it_stood() -> None:
    """release() neither jumps back to the wall clock nor forgets a turn."""
    clock = Clock()
    clock.hold()
    clock.turn(3600)
    stood = clock.now()
    clock.release()
    clock.release()
    assert not clock.held
    assert stood <= clock.now() < stood + 1000
    assert 2600 < clock.ahead_seconds < 3700


def test_a_running_clock_can_be_turned() -> None:
    """turn() needs no hold(): the clock is ahead from then on."""
    clock = Clock()
    clock.turn(1000)
    assert 900 < clock.now() - time.time() < 1100


@pytest.mark.parametrize("served", [False, True])
def test_turns_at_the_same_time_add_up(served: bool) -> None:
    """200 turns of an hour, from eight threads, are 200 hours."""
    swf = LocalSWF(poll_seconds=0)
    if served:
        swf.start()
    swf.clock.hold()
    began = swf.clock.now()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(swf.clock.turn, [3600] * 200))
    swf.stop()
    assert swf.clock.now() == pytest.approx(began + 200 * 3600)


def test_turns_that_wait_for_the_lock_add_up(held: LocalSWF) -> None:
    """A turn starts at the time when it gets the lock, not when it was called."""
    assert held._service is not None
    began = held.clock.now()
    turning = threading.Semaphore(0)

    def turn() -> None:
        turning.release()
        held.clock.turn(3600)

    threads = [threading.Thread(target=turn) for _ in range(2)]
    with held._service._backend.lock:
        for thread in threads:
            thread.start()
        assert all(turning.acquire(timeout=PATIENCE_SECONDS) for _ in threads)
        until(lambda: all(_waits_for_a_lock(thread) for thread in threads))
    for thread in threads:
        thread.join()
    assert held.clock.now() == began + 7200


def _waits_for_a_lock(thread: threading.Thread) -> bool:
    """Whether a thread waits for the lock in the service's turn()."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and frame.f_code.co_filename.endswith("service.py")


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_clock_turns_forward_only(seconds: float) -> None:
    """The clock never goes back, because events are in the order of time."""
    with pytest.raises(ValueError, match="forward"):
        Clock().turn(seconds)


def test_a_timeout_of_an_hour_takes_no_time(held: LocalSWF) -> None:
    """When turn() returns, a timeout of an hour has fired, at its own time."""
    work = Work(held)
    execution = work.start()
    work.schedule("a")
    work.poll_activity()
    held.clock.turn(3599)
    assert "ActivityTaskTimedOut" not in work.event_types(execution)
    held.clock.turn(1)
    events = work.events(execution)
    timed_out = events[-2]
    assert timed_out["eventType"] == "ActivityTaskTimedOut"
    hour = timed_out["eventTimestamp"] - events[4]["eventTimestamp"]
    assert hour == timedelta(seconds=3600)


def test_one_turn_goes_through_all_that_happens_meanwhile(held: LocalSWF) -> None:
    """A timeout that starts during a turn counts from its start, not from the end of the turn."""
    work = Work(held)
    work.client.register_workflow_type(
        domain=work.domain,
        name="retried",
        version="1",
        defaultTaskList=work.task_list,
        defaultTaskStartToCloseTimeout="10",
        defaultExecutionStartToCloseTimeout="100",
        defaultChildPolicy="TERMINATE",
    )
    run = work.client.start_workflow_execution(
        domain=work.domain,
        workflowId="f",
        workflowType={"name": "retried", "version": "1"},
    )
    work.poll_decision()
    held.clock.turn(1000)
    events = work.events({"workflowId": "f", "runId": run["runId"]})
    began = events[0]["eventTimestamp"]
    found = [
        (event["eventType"], (event["eventTimestamp"] - began).total_seconds())
        for event in events[3:]
    ]
    assert found == [
        ("DecisionTaskTimedOut", 10),
        ("DecisionTaskScheduled", 10),
        ("WorkflowExecutionTimedOut", 100),
    ]


def test_no_timeout_fires_while_the_clock_is_held(held: LocalSWF) -> None:
    """No timeout falls due while the clock is held, however much real time passes."""
    work = Work(held, timeouts="1")
    execution = work.start()
    work.schedule("a")
    held.clock.turn(0.999)
    assert not work.poll_decision()["taskToken"]  # held for 0.1 s
    assert "ActivityTaskTimedOut" not in work.event_types(execution)


def test_a_timeout_of_0_s_is_due_at_once(held: LocalSWF) -> None:
    """A timeout of 0 s fires without a turn of the clock."""
    work = Work(held, timeouts="0")
    execution = work.start()
    work.schedule("a")
    work.poll_decision()
    assert "ActivityTaskTimedOut" in work.event_types(execution)


def test_a_released_clock_fires_by_itself() -> None:
    """After release(), timeouts fire by themselves again."""
    with LocalSWF(poll_seconds=PATIENCE_SECONDS) as swf:
        work = Work(swf, timeouts="2")
        swf.clock.hold()
        execution = work.start()
        work.schedule("a")
        swf.clock.turn(1.8)
        swf.clock.release()
        assert work.poll_decision()["taskToken"]
        assert "ActivityTaskTimedOut" in work.event_types(execution)


def test_polls_go_by_real_time(held: LocalSWF) -> None:
    """A poll ends after poll_seconds of real time, even if the clock is held."""
    answer = held.client().poll_for_activity_task(domain="local", taskList={"name": "t"})
    assert "taskToken" not in answer


def test_a_held_poll_gets_the_task_that_a_turn_brings() -> None:
    """A decider that polls gets the decision task of a timeout as soon as turn() fires it."""
    with LocalSWF(poll_seconds=2 * PATIENCE_SECONDS) as swf:
        swf.clock.hold()
        work = Work(swf)
        work.start()
        work.schedule("a")
        work.poll_activity()
        with ThreadPoolExecutor(1) as pool:
            polled = pool.submit(work.poll_decision)
            swf.clock.turn(3600)
            assert polled.result(PATIENCE_SECONDS)["taskToken"]


def test_executions_are_dropped_after_the_retention_period(held: LocalSWF) -> None:
    """ "After the retention period, the workflow execution isn't available"."""
    client = held.client()
    client.register_domain(name="short", workflowExecutionRetentionPeriodInDays="2")
    work = Work(held)
    work.domain = "short"
    for kind in ("activity", "workflow"):
        getattr(client, f"register_{kind}_type")(domain="short", name=kind, version="1")
    run = client.start_workflow_execution(
        domain="short",
        workflowId="w",
        workflowType={"name": "workflow", "version": "1"},
        taskList=work.task_list,
        taskStartToCloseTimeout="NONE",
        executionStartToCloseTimeout="60",
        childPolicy="ABANDON",
    )
    execution = {"workflowId": "w", "runId": run["runId"]}
    token = work.poll_decision()["taskToken"]
    held.clock.turn(2 * 24 * 3600 + 59)
    assert work.event_types(execution)[-1] == "WorkflowExecutionTimedOut"
    held.clock.turn(1)
    with pytest.raises(client.exceptions.UnknownResourceFault):
        work.events(execution)
    with pytest.raises(client.exceptions.UnknownResourceFault, match="Unknown execution"):
        client.respond_decision_task_completed(taskToken=token)


def test_the_clock_is_set_to_a_date() -> None:
    """Before anything has happened, to any date; what happens then has that date."""
    date = datetime(2001, 2, 3, 4, 5, 6, 789_000, tzinfo=timezone.utc)
    with LocalSWF(poll_seconds=0, throttle={"ListDomains": (1, 0.1)}) as swf:
        client = swf.client()
        client.list_domains(registrationStatus="REGISTERED")
        swf.clock.set(date)
        client.list_domains(registrationStatus="REGISTERED")
        swf.clock.hold()
        swf.clock.set(date)
        work = Work(swf)
        execution = work.start()
        assert work.events(execution)[0]["eventTimestamp"] == date
        swf.clock.set(date.timestamp() + 3600)
        assert swf.clock.held
        assert swf.clock.now() == date.timestamp() + 3600


def test_a_later_date_is_a_turn(held: LocalSWF) -> None:
    """Everything that falls due until the date happens, at its own time."""
    work = Work(held)
    execution = work.start()
    began = work.events(execution)[0]["eventTimestamp"]
    held.clock.set(began + timedelta(days=3))
    last = work.events(execution)[-1]
    assert last["eventType"] == "WorkflowExecutionTimedOut"
    assert last["eventTimestamp"] - began == timedelta(days=1)


def test_the_clock_is_not_set_back_behind_what_happened(held: LocalSWF) -> None:
    """Types and executions have time stamps, which would lie in the future."""
    Work(held)
    stood = held.clock.now()
    with pytest.raises(ValueError, match="has types or executions"):
        held.clock.set(stood - 1)
    held.clock.set(stood)
    assert held.clock.now() == stood


def test_a_clock_that_is_not_served_can_be_set() -> None:
    """The date is that of the start, and a stopped local SWF's clock runs on from it."""
    swf = LocalSWF(poll_seconds=0)
    swf.clock.set(86_400)
    with swf:
        assert 86_400 <= swf.clock.now() < 86_400 + 1000


@pytest.mark.parametrize(
    ("when", "why"),
    [
        (datetime(2030, 1, 1), "no time zone"),  # noqa: DTZ001
        (-1, "from 1970"),
        (float("nan"), "from 1970"),
        (float("inf"), "from 1970"),
    ],
)
def test_what_is_no_date(when: datetime | float, why: str) -> None:
    """A datetime needs a time zone; seconds are finite and at least 0."""
    with pytest.raises(ValueError, match=why):
        Clock().set(when)
