"""What observers are told of polls and other calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowy.invocation import TaskOutcome
from flowy.local import LocalSWF
from flowy.observer import (
    CallEnded,
    CallStarted,
    PollEnded,
    PollStarted,
    Starting,
    TaskEnded,
)
from flowy.swf.boilerplate import start_activity_worker
from tests.acceptance.flows import Flow
from tests.unit.observer.observed import (
    Gate,
    Recorder,
    Start,
    activities,
)


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
