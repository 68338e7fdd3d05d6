"""The wall clock jumps: nothing in a worker may go by it."""

from __future__ import annotations

import time

import pytest

from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint

GRACE_SECONDS = 1.0
#: How soon after its grace a worker whose activities give up has ended, in seconds.
SOON_SECONDS = 5.0


@pytest.mark.parametrize("jumping", [False, True], ids=["steady", "jumping"])
def test_a_jumping_wall_clock_makes_no_difference(
    endpoint: Endpoint, start_worker: Workers, jumping: bool
) -> None:
    """Beats, answers and the grace are as with a steady clock, however time.time jumps."""
    worker = start_worker(
        endpoint.environment, concurrency=10, grace=GRACE_SECONDS, jumping=jumping
    )
    record = endpoint.record
    short = endpoint.add(0.02, 1, count=80) + endpoint.add(0.02, name="awaiting", count=10)
    beaten_for = endpoint.add(1.05, name="background", count=10)
    endpoint.wait_for(lambda _: len(record.answers) == len(short + beaten_for), 30)
    assert record.outcomes() == {"RespondActivityTaskCompleted": len(short + beaten_for)}
    # Once each 0.1 s, plus the time that a beat takes.
    assert all(3 <= len(record.beats[token]) <= 10 for token in beaten_for)

    endpoint.add(60.0, name="patient", count=3)
    endpoint.wait_for(lambda _: len(record.open) == 3)
    signaled = time.monotonic()
    worker.stop()
    report = worker.report()
    assert GRACE_SECONDS < time.monotonic() - signaled < GRACE_SECONDS + SOON_SECONDS
    assert report.completed == len(short + beaten_for)
    assert len(report.abandoned) == 3
    assert (report.failed, report.unanswered, report.polls_lost) == (0, (), ())
    # A beat and the answer may pass each other on the way.
    assert all(one.action == "RecordActivityTaskHeartbeat" for _, one in record.refused)
