"""The worker as a whole, in the test's own thread: polls, tasks of every kind, and its report."""

from __future__ import annotations

import logging
import os
import platform
import threading
from typing import Any

import pytest

from flowy import __version__, reasons
from flowy.context import ActivityInfo, current
from flowy.exception import ThreadError
from flowy.observer import Observer, WorkerStarted, WorkerStopped
from flowy.swf.values import ActivityDefaults
from flowy.swf.worker import StopReport
from flowy.swf.worker.auto_heartbeats import AUTO_HEARTBEAT_THREADS
from flowy.swf.worker.stopping import ENDING_THREADS
from flowy.swf.worker.worker import calls_at_once, default_identity
from flowy.task import Activity
from tests.patience import until
from tests.unit.stand_ins import task_answer
from tests.unit.swf.worker.serial import outcome_of, served
from tests.unit.swf.worker.task_list_swf import TaskListSWF
from tests.unit.swf.worker.worker_case import ECHO, running


@pytest.fixture(autouse=True)
def all_logs(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "flowy")


def test_identity() -> None:
    """SWF is told of host, process and version."""
    identity = default_identity()
    assert identity == f"{platform.node()}:{os.getpid()} flowy/{__version__}"
    swf = TaskListSWF()
    served(swf, ECHO).run()
    assert swf.polls == [{"domain": "domain", "taskList": {"name": "list"}, "identity": identity}]


def test_the_identity_of_a_host_with_a_long_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is cut to what SWF takes."""
    monkeypatch.setattr(platform, "node", lambda: "h" * 300)
    assert default_identity() == "h" * 256


def test_a_task(caplog: pytest.LogCaptureFixture) -> None:
    """A task is run, answered and logged in one line."""
    swf = TaskListSWF(task_answer())
    served(swf, ECHO).run()
    assert swf.answers == [("completed", {"taskToken": "token", "result": "1"})]
    assert outcome_of(caplog) == "completed"
    assert caplog.messages[0].startswith("Worker started as ")
    assert caplog.messages[0].endswith(": 1 type, 1 at once, task list list of domain domain.")
    assert caplog.messages[-1] == "Worker stopped: 1 completed."


def test_info_is_what_came_with_the_task() -> None:
    """``info`` and ``current()`` tell of the task, with the declared timeouts."""
    seen: list[ActivityInfo] = []
    defaults = ActivityDefaults("elsewhere", 5, 40, None, 30)

    def body(self: Activity, value: int) -> None:
        seen.extend((self.info, current()))

    served(TaskListSWF(task_answer()), running(body, defaults=defaults)).run()
    expected = ActivityInfo(
        name="echo", version="1", activity_id="7", workflow_id="flow", run_id="run",
        domain="domain", task_list="list", started_event_id=6, identity=default_identity(),
        heartbeat=5, schedule_to_close=40, schedule_to_start=None, start_to_close=30,
    )  # fmt: skip
    assert seen == [expected, expected]


def test_each_task_has_an_instance_of_its_own() -> None:
    """Attributes that ``run`` sets belong to one task."""

    def body(self: Any, value: int) -> int:
        self.count = getattr(self, "count", 0) + 1
        return int(self.count)

    swf = TaskListSWF(task_answer("a"), task_answer("b"))
    served(swf, running(body), loop=2).run()
    assert [answer["result"] for _, answer in swf.answers] == ["1", "1"]


# Unknown types


def test_an_unknown_type_fails(caplog: pytest.LogCaptureFixture) -> None:
    """The failure names the type and what this worker has; the worker goes on."""
    swf = TaskListSWF(task_answer("a", "other"), task_answer("b"))
    served(swf, ECHO, running(lambda self: 1, "sum"), loop=2).run()
    (verb, failed), completed = swf.answers
    assert verb == "failed"
    assert failed["reason"] == (
        reasons.UNKNOWN_ACTIVITY_TYPE + "other 1. This worker serves echo 1, sum 1."
    )
    assert failed["details"] == f"Worker {default_identity()} serves echo 1, sum 1."
    assert completed[0] == "completed"
    assert "This worker does not serve other 1; it serves echo 1, sum 1." in caplog.messages


def test_a_worker_with_many_types() -> None:
    """Their names are cut to what SWF takes, in the reason and in the details."""
    many = [running(lambda self: 1, f"{number:03}" * 60) for number in range(250)]
    swf = TaskListSWF(task_answer(name="other"))
    served(swf, *many).run()
    ((_, failed),) = swf.answers
    assert len(failed["reason"]) == 256
    assert failed["reason"].startswith("Unknown activity type: other 1. This worker serves 000")
    assert len(failed["details"]) == 32_768


def test_an_unknown_type_abandoned(caplog: pytest.LogCaptureFixture) -> None:
    """``on_unknown="abandon"`` answers nothing."""
    swf = TaskListSWF(task_answer(name="other"))
    report = served(swf, ECHO, on_unknown="abandon").run()
    assert swf.answers == []
    assert outcome_of(caplog) == "left to its timeout: unknown type"
    assert report == StopReport(unknown_left=1)


# Around the tasks


class Life(Observer):
    def __init__(self) -> None:
        self.events: list[WorkerStarted | WorkerStopped] = []

    def worker_started(self, event: WorkerStarted) -> None:
        self.events.append(event)

    def worker_stopped(self, event: WorkerStopped) -> None:
        self.events.append(event)


def test_observers_are_told_of_start_and_end() -> None:
    """What the worker serves, and the report that ``run`` returns."""
    life = Life()
    report = served(TaskListSWF(task_answer()), ECHO, observers=[life]).run()
    assert life.events == [
        WorkerStarted("domain", "list", default_identity(), ("echo 1",), 1, 1),
        WorkerStopped(report),
    ]


def test_an_interruption_between_poll_and_run_leaves_the_task_in_the_report() -> None:
    """Whatever a poll has brought is named, however the worker ends."""
    life = Life()

    def interrupt(change: int) -> None:
        if change == -1:
            raise KeyboardInterrupt

    swf = TaskListSWF(task_answer())
    with pytest.raises(KeyboardInterrupt):
        served(swf, ECHO, observers=[life], polls_out=interrupt).run()
    assert life.events[-1] == WorkerStopped(
        StopReport(abandoned=("echo 1 (activity 7 of workflow flow)",))
    )
    assert swf.answers == []


def test_a_worker_that_cannot_watch_for_its_stop_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without that thread the grace would never end."""
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name == "flowy-stop":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    swf = TaskListSWF()
    with pytest.raises(ThreadError, match="Cannot start thread flowy-stop: "):
        served(swf, ECHO).run()
    assert swf.polls == []


def test_a_worker_leaves_no_thread_behind() -> None:
    """Once it has returned, its threads end."""
    before = set(threading.enumerate())
    served(TaskListSWF(task_answer()), ECHO, concurrency=2, loop=2).run()

    def left() -> list[threading.Thread]:
        """Return its threads, but for the one that stays a while to see whether there are calls."""
        threads = set(threading.enumerate()) - before
        return [thread for thread in threads if thread.name != "flowy-deadlines"]

    until(lambda: not left(), "the end of its threads")


@pytest.mark.parametrize("concurrency", [1, 8, 100])
def test_the_connection_pools_fit_all_calls_in_flight(concurrency: int) -> None:
    """Each activity may call, background heartbeats besides, and a stop's answers."""
    fewest = concurrency + AUTO_HEARTBEAT_THREADS + ENDING_THREADS
    assert calls_at_once(concurrency) >= fewest
