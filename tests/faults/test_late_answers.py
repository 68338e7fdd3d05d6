"""Answers that meet a stop, and calls that never end: each finished task is accounted for."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint
from tests.faults.plan import ANSWERS, HEARTBEATS, POLLS, Fault
from tests.faults.reply import Reply
from tests.faults.test_stops import assert_accounted

COMPLETED = ("RespondActivityTaskCompleted",)
FAILED = "RespondActivityTaskFailed"

#: How long after its grace a worker settles what still runs, in seconds (docs, "Stopping").
SETTLED_AFTER_SECONDS = 2.0

#: When a stop without a grace ends at the latest, in seconds: after the 2 s in which activities
#: may give up an answer under way is waited for, up to 20 s (docs, "Stopping"), and then come the
#: ends of the processes.
ENDED_WITHIN_SECONDS = SETTLED_AFTER_SECONDS + 20.0 + 10.0

#: How late answers are sent when a moment within a call is to be met, in seconds.
LATENCY_SECONDS = 0.3

#: For this long a client can wait for an answer that trickles, in bytes and as many seconds.
TRICKLE_BYTES = 240

#: SWF takes the connection and says nothing.
SILENCE = Reply(then="hang")
#: It says one byte every three seconds, which no read timeout of 4 s or more ever meets.
A_BYTE_EVERY_3_SECONDS = Reply(
    b" " * TRICKLE_BYTES + b"{}", trickle="head", every_seconds=3.0, carried_out=False
)
#: It says one byte each second, for minutes.
TRICKLING = {
    part: Reply(b" " * TRICKLE_BYTES + b"{}", trickle=part, every_seconds=1.0)
    for part in ("head", "body")
}
#: More often than any client tries.
ALWAYS = 1_000


@dataclass(frozen=True)
class Gate:
    """A FIFO in which activities wait."""

    path: str
    fifo: int

    def open_for(self, count: int) -> None:
        """Let so many of them go."""
        os.write(self.fifo, b"x" * count)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate for the activities *released* and *released-coroutine*."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    fifo = os.open(path, os.O_RDWR)  # to be written before anybody reads
    yield Gate(str(path), fifo)
    os.close(fifo)


# An activity that ends while the stop settles its task


@pytest.mark.parametrize(
    ("processes", "names", "faults"),
    [
        (1, ["released"], []),
        (1, ["released"], [Fault.THROTTLE]),
        (1, ["released", "released-coroutine"] * 2, [Fault.THROTTLE] * 2),
        (2, ["released", "released-coroutine"], []),
    ],
    ids=["serial", "serial-throttled", "threads", "processes"],
)
def test_an_activity_that_ends_while_the_stop_fails_its_task(
    endpoint: Endpoint,
    start_worker: Workers,
    gate: Gate,
    processes: int,
    names: list[str],
    faults: list[Fault],
) -> None:
    """The failure is under way when the activity ends: it arrives, and the report counts it."""
    endpoint.plan.script([FAILED], faults)
    worker = start_worker(
        endpoint.environment,
        processes=processes,
        concurrency=len(names),
        grace=0.0,
        on_stop="fail",
    )
    record = endpoint.record
    tasks = len(names) * processes
    endpoint.wait_for(lambda _: len(record.identities) == processes, 30)
    for name in names * processes:
        endpoint.add(gate.path, name=name)
    endpoint.wait_for(lambda _: len(record.beats) == tasks, 30)
    endpoint.latency_seconds = LATENCY_SECONDS
    worker.stop()
    endpoint.wait_for(lambda _: record.calls[FAILED] >= tasks)
    gate.open_for(tasks)
    report = worker.report()
    print(f"{endpoint.told()}\n{report}")
    assert_accounted(record, report)
    assert not record.open
    assert 0 < len(report.failed_by_stop) == record.outcomes()[FAILED]
    assert not report.clean


@pytest.mark.parametrize("on_stop", ["abandon", "fail"])
@pytest.mark.parametrize(("processes", "concurrency"), [(1, 40), (2, 20)])
def test_activities_that_end_at_any_moment_of_a_stop(
    endpoint: Endpoint, start_worker: Workers, on_stop: str, processes: int, concurrency: int
) -> None:
    """From well before to well after the stop settles what runs, one ends every 20 ms."""
    tasks = processes * concurrency
    for number in range(tasks):
        endpoint.add(SETTLED_AFTER_SECONDS + 0.02 * (number - tasks // 2), name="lingering")
    worker = start_worker(
        endpoint.environment,
        processes=processes,
        concurrency=concurrency,
        grace=0.0,
        on_stop=on_stop,
    )
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.beats) == tasks, 30)
    endpoint.latency_seconds = LATENCY_SECONDS
    worker.stop()
    report = worker.report()
    print(f"{endpoint.told()}\n{report}")
    assert_accounted(record, report)
    assert report.completed, "no activity ended before the stop settled its task"
    assert report.failed_by_stop or report.abandoned, "none ended after that"


# An answer that is under way when a stop runs out of patience


@pytest.mark.parametrize(
    ("processes", "concurrency", "replies"),
    [
        (1, 1, [A_BYTE_EVERY_3_SECONDS]),
        (1, 4, [SILENCE, A_BYTE_EVERY_3_SECONDS]),
        (2, 2, [SILENCE, A_BYTE_EVERY_3_SECONDS]),
    ],
    ids=["serial", "threads", "processes"],
)
def test_an_answer_that_outlasts_the_stop_is_in_the_report(
    endpoint: Endpoint,
    start_worker: Workers,
    processes: int,
    concurrency: int,
    replies: list[Reply],
) -> None:
    """It is unanswered: the task has ended, and whether SWF knows of it cannot be told.

    The stop does not take longer than is documented, and nobody fails what was done well. What
    the stop itself fails is no exception.
    """
    worker = start_worker(
        endpoint.environment,
        processes=processes,
        concurrency=concurrency,
        grace=0.0,
        on_stop="fail",
    )
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == processes, 30)
    tokens = [
        token for reply in replies for token in endpoint.add(meets={COMPLETED: [reply] * ALWAYS})
    ]
    if concurrency > 1:
        silent = {ANSWERS: [SILENCE] * ALWAYS}
        tokens += endpoint.add(3_600.0, name="lingering", meets=silent)
        endpoint.wait_for(lambda _: tokens[-1] in record.beats)
    endpoint.wait_for(lambda _: len(record.replied) >= len(replies))
    signaled = time.monotonic()
    worker.stop()
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.process.wait(ENDED_WITHIN_SECONDS)
    print(f"{time.monotonic() - signaled:.1f} s; {endpoint.told()}")
    assert not record.answers, "finished work was failed"
    assert worker.process.poll() is not None, "the stop takes longer than is documented"
    report = worker.report()
    assert len(report.unanswered) == len(tokens)
    assert not report.clean
    assert_accounted(record, report)


# Calls that trickle while nobody stops


def test_a_heartbeat_that_trickles_does_not_hang_its_activity(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """One byte each second: the call has a deadline of its own, and the activity goes on."""
    for reply in (*TRICKLING.values(), SILENCE):
        endpoint.add(name="beats-once", meets={HEARTBEATS: [reply] * ALWAYS})
    worker = start_worker(endpoint.environment, concurrency=3)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.handed) == 3, 30)
    endpoint.wait_for(lambda _: len(record.answers) == 3, 13, "heartbeats end within about 10 s")
    assert record.outcomes() == {COMPLETED[0]: 3}
    worker.stop()
    assert worker.report().clean


@pytest.mark.timeout(90)
def test_an_answer_that_trickles_is_tried_again(endpoint: Endpoint, start_worker: Workers) -> None:
    """It is given up after a while, and sent again on another connection: SWF has it at last."""
    tokens = [endpoint.add(meets={ANSWERS: [reply]})[0] for reply in (*TRICKLING.values(), SILENCE)]
    worker = start_worker(endpoint.environment, concurrency=3)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.replied) == len(tokens), 30)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys(), 45, "answers are tried again")
    assert record.outcomes() == {COMPLETED[0]: len(tokens)}
    spoiled = {connection for _, connection in record.replied}
    assert not spoiled & {answer.connection for answer in record.answers.values()}
    worker.stop()
    report = worker.report()
    assert report.clean
    assert report.completed == len(tokens)


@pytest.mark.timeout(180)
def test_a_poll_that_trickles_ends(endpoint: Endpoint, start_worker: Workers) -> None:
    """After about 100 s it is given up, and is in the report: it may have cost a task."""
    endpoint.plan.script(POLLS, TRICKLING.values())
    worker = start_worker(endpoint.environment, concurrency=2)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.replied) == len(TRICKLING), 30)
    endpoint.wait_for(
        lambda _: record.calls[POLLS[0]] >= 2 * len(TRICKLING), 105, "polls are sent again"
    )
    tokens = endpoint.add(count=2)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys())
    worker.stop()
    report = worker.report()
    assert len(report.polls_lost) == len(TRICKLING)
    assert report.completed == 2
