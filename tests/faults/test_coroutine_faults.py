"""Coroutines that cannot start, and answers and heartbeats that are throttled beside each other."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint
from tests.faults.plan import ANSWERS, HEARTBEATS, Fault
from tests.faults.record import Record

SCRIPT = "tests.faults.rough_worker"

COMPLETED = "RespondActivityTaskCompleted"
FAILED = "RespondActivityTaskFailed"

#: Coroutines whose calls are throttled: more than a worker has threads for such calls.
MANY = 64
#: Coroutines beside them that must not notice.
FEW = 8


def actions(record: Record, tokens: list[str]) -> list[str | None]:
    """Return how each of these tokens was answered, None if it was not."""
    return [record.answers[token].action if token in record.answers else None for token in tokens]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_coroutine_that_cannot_start_fails_its_task(
    endpoint: Endpoint, start_worker: Workers, concurrency: int
) -> None:
    """An activity has set a task factory that raises on the loop that all of them share.

    The tasks of the next coroutines are failed, with that error as their reason, and none keeps
    its slot; once the factory is gone coroutines run again.
    """
    worker = start_worker(endpoint.environment, script=SCRIPT, concurrency=concurrency)
    record = endpoint.record

    def run(name: str, *arguments: str, count: int = 1) -> list[str]:
        tokens = endpoint.add(*arguments, name=name, count=count)
        endpoint.wait_for(lambda _: record.answers.keys() >= set(tokens))
        return tokens

    good, hopeless = [], []
    for raised in ("RuntimeError", "MemoryError", "SystemExit"):
        good += run("breaks-factory", raised)
        hopeless += run("brief", count=2 * concurrency)
        good += run("repairs-factory")
        good += run("brief", count=2 * concurrency)
    worker.stop()
    report = worker.report()
    assert actions(record, good) == [COMPLETED] * len(good)
    assert actions(record, hopeless) == [FAILED] * len(hopeless)
    reasons = {record.answers[token].body["reason"] for token in hopeless}
    assert all("no task today" in reason for reason in reasons)
    assert (report.completed, report.failed) == (len(good), len(hopeless))
    assert report.clean


def beats(record: Record, tokens: list[str]) -> int:
    """Return how often the least lively of these tokens has beaten."""
    return min(len(record.beats.get(token, ())) for token in tokens)


def test_throttled_answers_keep_no_heartbeat_waiting(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """64 coroutines have ended and their answers are throttled; 8 others beat on all the same."""
    worker = start_worker(endpoint.environment, script=SCRIPT, concurrency=MANY + FEW)
    record = endpoint.record
    beating = endpoint.add(name="beating", count=FEW)
    endpoint.wait_for(lambda _: beats(record, beating) >= 1)
    endpoint.plan.rates(ANSWERS, {Fault.THROTTLE: 1.0})
    ended = endpoint.add(name="brief", count=MANY)
    # 32 fill the threads that a worker has for such calls, should the others wait for these.
    endpoint.wait_for(lambda _: endpoint.plan.struck[COMPLETED, Fault.THROTTLE] >= 32)
    before = {token: len(record.beats[token]) for token in beating}
    endpoint.wait_for(
        lambda _: all(len(record.beats[token]) >= before[token] + 3 for token in beating)
    )
    assert not record.answers
    endpoint.plan.rates(ANSWERS, {})
    endpoint.wait_for(lambda _: record.answers.keys() >= set(ended))
    for token in beating:
        endpoint.request_cancel(token)
    worker.stop()
    report = worker.report()
    assert actions(record, ended) == [COMPLETED] * MANY
    assert (report.completed, report.canceled, report.clean) == (MANY, FEW, True)


def test_throttled_heartbeats_keep_no_answer_waiting(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """64 coroutines beat and are throttled; others that end meanwhile are answered at once."""
    worker = start_worker(endpoint.environment, script=SCRIPT, concurrency=MANY + FEW)
    record = endpoint.record
    (heartbeat,) = HEARTBEATS
    endpoint.plan.rates(HEARTBEATS, {Fault.THROTTLE: 1.0})
    beating = endpoint.add(name="beating", count=MANY)
    endpoint.wait_for(lambda _: endpoint.plan.struck[heartbeat, Fault.THROTTLE] >= 32)
    ended = endpoint.add(name="brief", count=3 * FEW)
    endpoint.wait_for(lambda _: record.answers.keys() >= set(ended))
    endpoint.plan.rates(HEARTBEATS, {})
    for token in beating:
        endpoint.request_cancel(token)
    endpoint.wait_for(lambda _: record.answers.keys() >= set(beating))
    worker.stop()
    report = worker.report()
    assert (report.completed, report.canceled, report.clean) == (3 * FEW, MANY, True)
