"""What observers are told of a worker: its start, its stop and its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.observer import (
    PollEnded,
    PollStarted,
    StopRequested,
    WorkerStarted,
    WorkerStopped,
)
from tests.acceptance.flows import Flow
from tests.patience import PATIENCE_SECONDS
from tests.unit.observer.observed import (
    Gate,
    Start,
)


def test_the_start(start: Start, domain: str) -> None:
    """``worker_started`` says what is polled, by whom, what is served, and how much at once."""
    running = start(concurrency=3, pollers=2)
    event = running.recorder.wait_for(WorkerStarted)
    assert running.recorder.events[0] is event
    types = ("beat 1", "beat-closed 1", "coroutine 1", "echo 1", "fail 1", "suspend 1",
             "take-time 1", "wait 1")  # fmt: skip
    assert (event.domain, event.task_list) == (domain, "list")
    assert " flowy/" in event.identity
    assert tuple(sorted(event.activity_types)) == types
    assert (event.concurrency, event.pollers) == (3, 2)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_end(start: Start, concurrency: int) -> None:
    """``worker_stopped`` is the last event, and has the report that ``run`` returns."""
    running = start(concurrency=concurrency)
    running.recorder.wait_for(WorkerStarted)
    running.worker.stop()
    report = running.end()
    assert running.recorder.events[-1] == WorkerStopped(report)
    assert running.recorder.events[-1].report is report
    assert [event.level for event in running.recorder.of(StopRequested)] == [StopLevel.DRAIN]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_end_of_a_loop(start: Start, ask: Callable[..., Flow], concurrency: int) -> None:
    """A worker that ends by itself tells of DRAIN, too, before it ends."""
    ask("echo", "coroutine")
    running = start(concurrency=concurrency, loop=2)
    running.end()
    assert running.recorder.of(StopRequested) == [StopRequested(StopLevel.DRAIN)]
    assert isinstance(running.recorder.events[-1], WorkerStopped)


def test_each_level_of_a_stop(start: Start, ask: Callable[..., Flow], gate: Gate) -> None:
    """Each level that a stop reaches is told once, in order."""
    running = start(concurrency=2, pollers=1)
    ask("wait")
    gate.entered.acquire(timeout=PATIENCE_SECONDS)
    for count, level in enumerate((StopLevel.DRAIN, StopLevel.CANCEL), start=1):
        running.worker.stop(level)
        running.worker.stop(level)
        assert running.recorder.wait_for(StopRequested, count).level is level
    running.worker.stop(StopLevel.KILL)
    gate.opened.set()
    running.end()
    levels = [event.level for event in running.recorder.of(StopRequested)]
    assert levels == [StopLevel.DRAIN, StopLevel.CANCEL, StopLevel.KILL]


def test_a_stop_that_goes_to_the_last_level_at_once(start: Start) -> None:
    """A worker that ends at once has told of all levels before."""
    running = start(concurrency=2)
    running.recorder.wait_for(WorkerStarted)
    running.worker.stop(StopLevel.KILL)
    running.end()
    polls = (PollStarted, PollEnded)
    told = [event for event in running.recorder.events if not isinstance(event, polls)][1:]
    levels = [StopRequested(level) for level in StopLevel if level]
    assert told == [*levels, WorkerStopped(running.report)]


def test_the_end_of_a_grace(start: Start, ask: Callable[..., Flow], gate: Gate) -> None:
    """CANCEL is told when the grace has passed, without a second request."""
    running = start(concurrency=2, grace=30)
    ask("wait")
    gate.entered.acquire(timeout=PATIENCE_SECONDS)
    running.worker.stop()
    running.recorder.wait_for(StopRequested)
    assert running.turn_until(StopRequested, 2).level is StopLevel.CANCEL
    gate.opened.set()
    running.end()
