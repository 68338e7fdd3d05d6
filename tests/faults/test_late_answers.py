"""Answers that meet a stop, and calls that never end: each finished task is accounted for."""

from __future__ import annotations

import pytest

from tests.faults.accounts import assert_accounted
from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint
from tests.faults.plan import ANSWERS, HEARTBEATS, POLLS, Fault
from tests.faults.reply import Reply
from tests.gates import Gate

COMPLETED = ("RespondActivityTaskCompleted",)
FAILED = "RespondActivityTaskFailed"

#: How long after its grace a worker settles what still runs, in seconds (docs, "Stopping").
SETTLED_AFTER_SECONDS = 2.0

#: How late answers are sent when a moment within a call is to be met, in seconds.
LATENCY_SECONDS = 0.3

#: How long a client can wait for an answer that trickles, in bytes and in as many seconds.
TRICKLE_BYTES = 240

#: How many times as fast a worker's clock is, if a test waits for its deadlines.
HURRY = 10

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
    endpoint.wait_for(lambda _: len(record.identities) == processes)
    for name in names * processes:
        endpoint.add(gate.path, name=name)
    endpoint.wait_for(lambda _: len(record.beats) == tasks)
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


@pytest.mark.parametrize(
    ("on_stop", "processes", "concurrency"), [("abandon", 1, 40), ("fail", 1, 40), ("fail", 2, 20)]
)
def test_activities_that_end_at_any_moment_of_a_stop(
    endpoint: Endpoint, start_worker: Workers, on_stop: str, processes: int, concurrency: int
) -> None:
    """Around the moment at which the stop settles what runs, one task ends every 20 ms.

    The first end well before, and the last well after it, on a machine that is busy too.
    """
    tasks = processes * concurrency
    for number in range(tasks - 8):
        endpoint.add(SETTLED_AFTER_SECONDS + 0.02 * (number - tasks // 2), name="lingering")
    endpoint.add(0.0, name="lingering", count=4)
    endpoint.add(3_600.0, name="lingering", count=4)
    worker = start_worker(
        endpoint.environment,
        processes=processes,
        concurrency=concurrency,
        grace=0.0,
        on_stop=on_stop,
    )
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.beats) == tasks)
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
    """It is unanswered: the task has ended, and nobody can tell whether SWF knows of it.

    The stop ends before the answer does, and nobody fails what was done well. This holds for what
    the stop itself fails, too.
    """
    worker = start_worker(
        endpoint.environment,
        processes=processes,
        concurrency=concurrency,
        grace=0.0,
        on_stop="fail",
        hurry=HURRY,
    )
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.identities) == processes)
    tokens = [
        token for reply in replies for token in endpoint.add(meets={COMPLETED: [reply] * ALWAYS})
    ]
    if concurrency > 1:
        silent = {ANSWERS: [SILENCE] * ALWAYS}
        tokens += endpoint.add(3_600.0, name="lingering", meets=silent)
        endpoint.wait_for(lambda _: tokens[-1] in record.beats)
    endpoint.wait_for(lambda _: len(record.replied) >= len(replies))
    worker.stop()
    report = worker.report()
    assert not record.answers, "finished work was failed"
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
    worker = start_worker(endpoint.environment, concurrency=3, hurry=HURRY)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.answers) == 3, what="heartbeats end")
    assert record.outcomes() == {COMPLETED[0]: 3}
    worker.stop()
    assert worker.report().clean


def test_an_answer_that_trickles_is_tried_again(endpoint: Endpoint, start_worker: Workers) -> None:
    """It is given up after a while, and sent again on another connection: SWF has it at last."""
    tokens = [endpoint.add(meets={ANSWERS: [reply]})[0] for reply in (*TRICKLING.values(), SILENCE)]
    worker = start_worker(endpoint.environment, concurrency=3, hurry=HURRY)
    record = endpoint.record
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys(), what="they are tried again")
    assert record.outcomes() == {COMPLETED[0]: len(tokens)}
    spoiled = {connection for _, connection in record.replied}
    assert not spoiled & {answer.connection for answer in record.answers.values()}
    worker.stop()
    report = worker.report()
    assert report.clean
    # What a client repeats past the deadline is cut, too, and may have arrived.
    assert report.completed + report.closed == len(tokens)


def test_a_poll_that_trickles_ends(endpoint: Endpoint, start_worker: Workers) -> None:
    """It is given up at its deadline, and is in the report: it may have cost a task."""
    endpoint.plan.script(POLLS, TRICKLING.values())
    worker = start_worker(endpoint.environment, concurrency=2, hurry=HURRY)
    record = endpoint.record
    endpoint.wait_for(
        lambda _: record.calls[POLLS[0]] >= 2 * len(TRICKLING), what="polls are sent again"
    )
    tokens = endpoint.add(count=2)
    endpoint.wait_for(lambda _: set(tokens) <= record.answers.keys())
    worker.stop()
    report = worker.report()
    assert len(report.polls_lost) == len(TRICKLING)
    assert report.completed == 2
