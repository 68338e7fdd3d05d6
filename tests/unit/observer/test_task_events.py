"""What observers are told of tasks and their heartbeats."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.invocation import TaskOutcome, TaskStatus
from flowy.local import LocalSWF
from flowy.observer import (
    CallEnded,
    CallStarted,
    HeartbeatEnded,
    PollEnded,
    PollStarted,
    StatusChanged,
    StopRequested,
    TaskEnded,
    TaskStarted,
    WorkerStarted,
    WorkerStopped,
)
from tests.acceptance.flows import Ask, Flow
from tests.patience import PATIENCE_SECONDS
from tests.unit.observer.observed import (
    Gate,
    Start,
)

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


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
