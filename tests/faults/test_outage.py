"""The endpoint is gone for a while: the worker goes on by itself."""

from __future__ import annotations

from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint

#: Longer than botocore tries an answer again by itself, mostly.
OUTAGE_SECONDS = 6.0


def test_a_worker_outlasts_an_endpoint_that_is_gone(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """What ran while the endpoint was gone is answered, and what waits is polled.

    The polls that the outage broke are in the report: each may have cost a task.
    """
    endpoint.hold_seconds = 60.0
    worker = start_worker(endpoint.environment, concurrency=20, pollers=5)
    record = endpoint.record
    during = endpoint.add(3.0, 4, count=10)
    endpoint.wait_for(lambda e: len(record.handed) == len(during) and len(e.polls) == 5)
    endpoint.go_away(OUTAGE_SECONDS)
    endpoint.hold_seconds = 1.0
    after = endpoint.add(count=30)
    endpoint.wait_for(lambda _: len(record.answers) == len(during + after), 90)
    worker.stop()
    report = worker.report()
    assert record.outcomes() == {"RespondActivityTaskCompleted": len(during + after)}
    assert report.completed == len(during + after)
    assert len(report.polls_lost) == 5
    assert len(record.identities) == 1
