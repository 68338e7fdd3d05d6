"""Threads that cannot be had: the worker polls for no more tasks than it has threads.

A task that a poll has brought is started, as SWF sees it, and its timeouts run. So a worker that
is denied threads must poll for no more tasks than it has threads, however many slots it was given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import Worker, Workers
from tests.faults.endpoint import Endpoint
from tests.faults.plan import POLLS
from tests.faults.record import Record

SCRIPT = "tests.faults.rough_worker"

CANCELED = "RespondActivityTaskCanceled"

SLOTS = 20

#: How long an activity holds its thread, in seconds: others find none meanwhile.
WORK_SECONDS = 0.1

#: Tasks that begin with a heartbeat and run until they are canceled.
kinds = pytest.mark.parametrize(
    ("name", "arguments"), [("patient", [3_600.0]), ("beating", [])], ids=["threads", "coroutines"]
)


def serve_in_waves(endpoint: Endpoint, worker: Worker, tokens: list[str], beats: int = 1) -> bool:
    """Wait until each task that was polled has begun, then cancel those; again, until none is left.

    Args:
        beats: how many heartbeats show that a task has begun.

    Returns:
        False if the worker has ended before.

    Raises:
        AssertionError: a task was polled, and does not begin while no other one ends.
    """
    record = endpoint.record

    def over() -> bool:
        return worker.process.poll() is not None or record.answers.keys() >= set(tokens)

    def begun() -> set[str]:
        return {token for token, each in record.beats.copy().items() if len(each) >= beats}

    while not over():
        endpoint.wait_for(
            lambda _: over() or (record.open and record.open <= begun()),
            what="each task that was polled has begun",
        )
        running = record.open & begun()  # those that were polled since may not have begun
        for token in running:
            endpoint.request_cancel(token)
        endpoint.wait_for(lambda _, wave=running: over() or record.answers.keys() >= wave)  # type: ignore[misc]
    return record.answers.keys() >= set(tokens)


def open_at_once(record: Record) -> int:
    """Return how many tasks were open at one time, at most."""
    changes = [(one.at, 1) for one in record.handed.values()]
    changes += [(answer.at, -1) for answer in record.answers.values()]
    most = count = 0
    for _, change in sorted(changes):
        count += change
        most = max(most, count)
    return most


@kinds
def test_what_is_polled_runs(
    endpoint: Endpoint, start_worker: Workers, name: str, arguments: list[Any]
) -> None:
    """With 10 threads for 20 slots no task waits for a thread, and all are answered.

    Ten is what there is for everything: activities, two polls, heartbeats, the stop.
    """
    threads = 10
    worker = start_worker(
        endpoint.environment, script=SCRIPT, concurrency=SLOTS, pollers=2, threads=threads
    )
    record = endpoint.record
    tokens = endpoint.add(*arguments, name=name, count=SLOTS)
    assert serve_in_waves(endpoint, worker, tokens)
    worker.stop()
    report = worker.report()
    if name == "patient":
        assert open_at_once(record) <= threads
    assert record.outcomes() == {CANCELED: SLOTS}
    assert report.canceled == SLOTS
    assert report.clean


def test_heartbeats_go_on(endpoint: Endpoint, start_worker: Workers) -> None:
    """Activities do not take the thread that beats for them, while 20 slots compete for 8."""
    worker = start_worker(
        endpoint.environment, script=SCRIPT, concurrency=SLOTS, pollers=2, threads=8
    )
    tokens = endpoint.add(name="background", count=12)
    assert serve_in_waves(endpoint, worker, tokens, beats=3)
    worker.stop()
    assert worker.report().completed == len(tokens)


@pytest.mark.parametrize("name", ["prompt", "prompt-async"], ids=["threads", "coroutines"])
def test_threads_that_are_to_be_had_again_are_used(
    endpoint: Endpoint, start_worker: Workers, name: str
) -> None:
    """When the limit is lifted all slots fill again, without a restart."""
    worker = start_worker(
        endpoint.environment, script=SCRIPT, concurrency=SLOTS, pollers=2, threads=8
    )
    record = endpoint.record
    during = endpoint.add(WORK_SECONDS, name=name, count=SLOTS)
    endpoint.wait_for(lambda _: record.answers.keys() >= set(during))
    (lifts,) = endpoint.add(name="lifts-limit")
    endpoint.wait_for(lambda _: lifts in record.answers)
    waiting = endpoint.add(3_600.0, name="patient", count=SLOTS)
    endpoint.wait_for(lambda _: record.beats.keys() >= set(waiting), what="all slots are used")
    for token in waiting:
        endpoint.request_cancel(token)
    worker.stop()
    report = worker.report()
    assert (report.completed, report.canceled) == (SLOTS + 1, SLOTS)
    assert report.clean


@kinds
@pytest.mark.parametrize("threads", [0, 3, 4, 5, 6])
def test_a_worker_that_cannot_run_anything_polls_for_nothing(
    endpoint: Endpoint, start_worker: Workers, threads: int, name: str, arguments: list[Any]
) -> None:
    """With next to no threads it ends with an error that says so, or serves as it should.

    It never polls for tasks that it then fails, or leaves, because it has no thread.
    """
    worker = start_worker(
        endpoint.environment, script=SCRIPT, concurrency=4, pollers=1, threads=threads
    )
    record = endpoint.record
    tokens = endpoint.add(*arguments, name=name, count=4)
    if serve_in_waves(endpoint, worker, tokens):
        worker.stop()
        assert worker.report().canceled == len(tokens)
        assert record.outcomes() == {CANCELED: len(tokens)}
    else:
        assert worker.wait() != 0
        assert "flowy.exception.ThreadError: Cannot " in worker.text
        assert record.calls[POLLS[0]] == 0
        assert not record.handed


@pytest.mark.parametrize("threads", [0, 1])
def test_a_supervisor_without_threads_starts_no_process(
    endpoint: Endpoint, start_worker: Workers, threads: int
) -> None:
    """It ends with an error that says so: its stop and its signals need one each."""
    worker = start_worker(endpoint.environment, script=SCRIPT, processes=2, threads=threads)
    assert worker.wait() == 1
    assert "flowy.exception.ThreadError: Cannot start thread flowy-s" in worker.text
    assert not endpoint.record.calls


def ended_or_served(endpoint: Endpoint, worker: Worker, tokens: list[str]) -> bool:
    """Wait until the worker has ended, or has answered these tasks; return whether it has ended."""
    record = endpoint.record
    endpoint.wait_for(
        lambda _: worker.process.poll() is not None or record.answers.keys() >= set(tokens)
    )
    return worker.process.poll() is not None


def test_a_loop_that_cannot_start_leaks_no_descriptors(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """A worker whose event loop gets no thread holds no more files after many tries than after few.

    One that ends instead, or polls for none of them, is as good.
    """
    worker = start_worker(endpoint.environment, script=SCRIPT, concurrency=2, pollers=1, threads=3)
    record = endpoint.record
    few, many = endpoint.add(name="brief", count=5), endpoint.add(name="brief", count=50)
    if ended_or_served(endpoint, worker, few):
        return
    before = descriptors(worker)
    if ended_or_served(endpoint, worker, many):
        return
    assert descriptors(worker) <= before + 5
    worker.stop()
    assert worker.report().clean
    assert len(record.answers) == 55


def descriptors(worker: Worker) -> int:
    """Return how many descriptors the process of a worker has open."""
    return len(list(Path(f"/proc/{worker.process.pid}/fd").iterdir()))
