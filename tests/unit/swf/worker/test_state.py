"""What a worker tells of itself: whether it is live and ready, and what it does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.exception import TransientError
from flowy.health import HealthOptions
from flowy.health.vitals import Vitals
from flowy.nouns import counted
from flowy.swf.worker import ActivityWorker
from flowy.swf.worker.pollers import BROKEN_POLLER_SECONDS
from tests.patience import until
from tests.unit.stand_ins import THROTTLE
from tests.unit.swf.worker.worker_case import WorkerCase

OPTIONS = HealthOptions(max_block=30)


@pytest.fixture
def case() -> Iterator[WorkerCase]:
    with WorkerCase() as made:
        yield made


def vitals(worker: ActivityWorker) -> Vitals:
    return worker.state.vitals(OPTIONS)


def test_before_the_first_poll(case: WorkerCase) -> None:
    """A worker that registers its types is live, and not ready."""
    worker = case.make()
    assert vitals(worker) == Vitals(
        not_live=(),
        not_ready=("it does not poll yet",),
        stopping=False,
        summary="starting, tasks in 0 of 1 slot, 0 polls out",
    )


def test_an_empty_list(case: WorkerCase) -> None:
    """Ready once SWF has held a poll for 2 s; live as long as polls come back in time."""
    worker = case.start(concurrency=2, pollers=1)
    case.swf.wait_for_polls(1)
    (problem,) = vitals(worker).not_ready
    assert problem == "SWF has not answered a poll, nor held one for 2 s"
    case.clock.turn(2)
    assert vitals(worker).ready
    case.clock.turn(87)
    assert vitals(worker).live
    case.clock.turn(1)
    assert vitals(worker).not_live == ("poller 0 polls, for 90 s",)
    case.swf.give_nothing()
    case.swf.wait_for_polls(2)
    assert vitals(worker).live


@pytest.mark.parametrize("concurrency", [1, 2])
def test_full_slots(case: WorkerCase, concurrency: int) -> None:
    """A worker that runs as many tasks as it may is live and ready, however long they take."""
    worker = case.start(concurrency=concurrency)
    for _ in range(concurrency):
        case.swf.give()
    case.wait_for_begun(concurrency)
    case.clock.turn(1_000_000)
    assert (vitals(worker).live, vitals(worker).ready) == (True, True)
    assert vitals(worker).summary == (
        f"serving, tasks in {concurrency} of {counted(concurrency, 'slot')}, 0 polls out"
    )


def test_swf_away(case: WorkerCase) -> None:
    """An outage is live, because no restart would end it; and not ready, as no task comes."""
    worker = case.start(concurrency=2, pollers=1)
    case.swf.wait_for_polls(1)
    case.clock.turn(2)
    assert vitals(worker).ready
    for number in range(2, 10):
        case.swf.break_poll(THROTTLE)
        until(lambda: worker.state.status()["polls_out"] == 0, "a poller that waits")
        assert (vitals(worker).live, vitals(worker).ready) == (True, False)
        case.clock.turn_until(lambda number=number: len(case.swf.polls) >= number)  # type: ignore[misc]
        assert worker.state.status()["polls_out"] == 1
    case.swf.give()
    case.wait_for_begun()
    assert (vitals(worker).live, vitals(worker).ready) == (True, True)


def test_one_poller_that_is_throttled_is_not_all(case: WorkerCase) -> None:
    """A worker is ready while SWF serves any of its pollers."""
    worker = case.start(concurrency=2)
    case.swf.wait_for_polls(2)
    case.clock.turn(2)
    case.swf.break_poll(TransientError("slow down", fault="ThrottlingException"))
    case.clock.turn_until(lambda: len(case.swf.polls) >= 3)
    assert vitals(worker).ready


def test_a_parked_poller(case: WorkerCase) -> None:
    """A poller that failed for a reason of its own is not live until it polls again."""
    calls = 0

    def fail_once(change: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("of the author's making")

    worker = case.start(concurrency=2, pollers=1, polls_out=fail_once)
    case.clock.wait_for_waiter(BROKEN_POLLER_SECONDS)
    assert vitals(worker).not_live == ("poller 0 has failed, and waits to start again, for 0 s",)
    case.clock.turn(BROKEN_POLLER_SECONDS)
    case.swf.wait_for_polls(1)
    assert vitals(worker).live


def test_a_drain(case: WorkerCase) -> None:
    """A worker that was asked to stop is not ready, and live until its end."""
    worker, _ = case.start_busy(concurrency=2)
    worker.stop()
    for _ in range(2):
        now = vitals(worker)
        assert (now.live, now.not_ready, now.stopping) == (True, ("it stops",), True)
        assert now.summary.startswith("stopping, tasks in 1 of 2 slots")
        case.clock.turn(60)
    case.release.set()
    case.swf.give_nothing()
    case.join()
    assert vitals(worker).live


def test_a_blocked_event_loop(case: WorkerCase, caplog: pytest.LogCaptureFixture) -> None:
    """It is not live after ``max_block``; 0 bears any time. The log names the task."""
    worker = case.start(concurrency=2)
    token = case.swf.give("blocks")
    case.wait_for_begun()
    worker.state.look()
    case.clock.turn(29)
    assert vitals(worker).live
    case.clock.turn(1)
    assert vitals(worker).not_live == ("the event loop has been blocked for 30 s",)
    assert worker.state.vitals(HealthOptions(max_block=0)).live
    status = worker.state.status()
    assert status["loop_blocked_seconds"] == 30.0
    assert status["loop_blocked_by"] == f"blocks 1 (activity {token} of workflow flow)"
    worker.state.look()
    (record,) = [each for each in caplog.records if "event loop" in each.getMessage()]
    assert f"by blocks 1 (activity {token} of workflow flow)" in record.getMessage()
    keys = {"flowy_event": "loop_blocked", "flowy_activity_id": token, "flowy_seconds": 30.0}
    assert record.__dict__ | keys == record.__dict__
    case.release.set()
    case.swf.wait_until(lambda: bool(case.swf.answers))
    case.clock.turn_until(lambda: vitals(worker).live)
    assert worker.state.status()["loop_blocked_by"] is None


def test_a_stop_that_a_coroutine_blocks(case: WorkerCase, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the task during a stop, too; the worker stays live, and so does its end."""
    worker = case.start(concurrency=2)
    token = case.swf.give("blocks")
    case.wait_for_begun()
    worker.stop()
    worker.state.look()
    case.clock.turn(5)
    worker.state.look()
    (message,) = [each for each in caplog.messages if "event loop" in each]
    assert f"by blocks 1 (activity {token} of workflow flow)" in message
    assert vitals(worker).live
    assert worker.state.status()["loop_blocked_seconds"] == 5.0
    case.release.set()
    case.swf.give_nothing()
    case.join()


# The status


def test_stacks_name_the_activity_of_a_thread(
    case: WorkerCase, capfd: pytest.CaptureFixture[str]
) -> None:
    """A thread of the worker's has the name of what it runs."""
    worker, token = case.start_busy("work", concurrency=2)
    worker.print_state()
    said: list[str] = []

    def seen() -> bool:
        said.append(capfd.readouterr().err)
        return "Thread MainThread" in "".join(said)

    until(seen, "the stacks")
    named = re.findall(r"^Thread flowy-activity-\d.*, (.*):$", "".join(said), re.MULTILINE)
    assert named == [f"work 1 (activity {token} of workflow flow)"]


def test_the_status_of_a_task(case: WorkerCase) -> None:
    """Its type and ids, since when, its status, and the time that is left."""
    worker, token = case.start_busy("work", concurrency=2)
    case.clock.turn(10)
    (task,) = worker.state.status()["tasks"]
    assert task.pop("since")
    assert task == {
        "activity": "work",
        "version": "1",
        "activity_id": token,
        "workflow_id": "flow",
        "run_id": "run",
        "seconds": 10.0,
        "last_heartbeat": None,
        "status": "active",
        "remaining_seconds": 290.0,
    }
    worker.stop(StopLevel.CANCEL)
    (task,) = worker.state.status()["tasks"]
    assert task["status"] == "stopping"


def test_the_status_has_the_last_heartbeat(case: WorkerCase) -> None:
    """When it was accepted, and not its details."""
    worker, _ = case.start_busy("beating", concurrency=2)
    status = worker.state.status()
    (task,) = status["tasks"]
    assert task["last_heartbeat"] >= task["since"]
    assert "secret" not in json.dumps(status)


def test_the_status_of_a_worker(case: WorkerCase) -> None:
    """Slots, polls and pollers, and how tasks have ended."""
    worker, _ = case.start_busy(concurrency=3)
    case.swf.wait_for_polls(3)

    def states() -> list[str]:
        return sorted(poller["state"] for poller in worker.state.status()["pollers"])

    until(lambda: states() == ["awaiting_slot", "polling", "polling"], "three pollers")
    status = worker.state.status()
    assert (status["slots"], status["slots_used"], status["polls_out"]) == (3, 1, 2)
    assert status["phase"] == "serving"
    assert (status["domain"], status["task_list"]) == ("domain", "tasks")
    case.release.set()
    case.swf.wait_until(lambda: bool(case.swf.answers))
    case.journal.wait_for("settled", "token-1", "COMPLETED")
    assert worker.state.status()["ended"]["completed"] == 1


def test_the_status_counts_what_a_worker_leaves(case: WorkerCase) -> None:
    """Also the tasks that have no answer: they are those to look for."""
    worker, _ = case.start_busy(concurrency=3)
    worker.stop(StopLevel.CANCEL)
    case.clock.turn_until(lambda: sum(worker.state.status()["ended"].values()) > 0)
    ended = worker.state.status()["ended"]
    assert {name for name, number in ended.items() if number} == {"abandoned"}
    assert {"unanswered", "left_unknown", "failed_by_stop"} < ended.keys()
    case.release.set()
