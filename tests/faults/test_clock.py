"""The wall clock jumps: nothing in a worker may go by it."""

from __future__ import annotations

import time

from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint

#: How often a task is beaten for in the background, and how often it is to be, in seconds.
BEAT_SECONDS, BEATS = 0.1, 5

GRACE_SECONDS = 1.0
#: How long a worker may take to end after its grace, in seconds: activities have 2 to give up.
ENDED_SECONDS = 40.0


def test_a_jumping_wall_clock_makes_no_difference(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """Beats, answers and the grace are as with a steady clock, however time.time jumps."""
    worker = start_worker(endpoint.environment, concurrency=10, grace=GRACE_SECONDS, jumping=True)
    record = endpoint.record
    beaten_for = endpoint.add(name="background", count=5)
    endpoint.wait_for(lambda _: record.handed.keys() >= set(beaten_for))
    handed_at = time.monotonic()
    short = endpoint.add(0.02, 1, count=20) + endpoint.add(0.02, name="awaiting", count=10)
    endpoint.wait_for(
        lambda _: (
            record.answers.keys() >= set(short)
            and all(len(record.beats.get(token, ())) >= BEATS for token in beaten_for)
        )
    )
    seconds = time.monotonic() - handed_at
    assert all(len(record.beats[token]) <= seconds / BEAT_SECONDS + 1 for token in beaten_for)
    for token in beaten_for:
        endpoint.request_cancel(token)
    done = {*short, *beaten_for}
    endpoint.wait_for(lambda _: record.answers.keys() == done)
    assert record.outcomes() == {"RespondActivityTaskCompleted": len(done)}

    endpoint.add(3_600.0, name="patient", count=3)
    endpoint.wait_for(lambda _: len(record.open & record.beats.keys()) == 3)
    signaled_at = time.monotonic()
    worker.stop()
    report = worker.report()
    assert GRACE_SECONDS < time.monotonic() - signaled_at < GRACE_SECONDS + ENDED_SECONDS
    assert report.completed == len(done)
    assert len(report.abandoned) == 3
    assert (report.failed, report.unanswered, report.polls_lost) == (0, (), ())
    # A beat and the answer may pass each other on the way.
    assert all(one.action == "RecordActivityTaskHeartbeat" for _, one in record.refused)
