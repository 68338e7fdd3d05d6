"""SIGTERM at any moment, under load: nothing that a poll brought is lost."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.faults.accounts import assert_accounted
from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint
from tests.faults.plan import ANSWERS, HEARTBEATS, POLLS, Fault

#: What the tasks are: their type, arguments, and about how long one takes, in seconds.
LOADS = (
    ("work", [0.0, 0], 0.02),
    ("work", [0.05, 1], 0.08),
    ("work", [0.3, 3], 0.35),
    ("awaiting", [0.2], 0.25),
    ("background", [0.3], 0.3),
    ("patient", [2.0], 2.0),
    ("work", [2.0, 0], 2.0),
)
#: How far after a poll's answer a stop may come, in seconds. The sleep waits for nothing: the test
#: is to hit any moment, also those at which nothing happens that it could wait for.
SPREAD_SECONDS = 0.1
#: Some of each fault, as on a bad day.
A_BAD_DAY = dict.fromkeys(
    (Fault.THROTTLE, Fault.ERROR, Fault.BREAK_BEFORE, Fault.BREAK_AFTER, Fault.RUBBISH), 0.03
)


@pytest.mark.parametrize("number", range(12))
def test_sigterm_at_a_random_moment_loses_nothing(
    number: int, seed: int, endpoint: Endpoint, start_worker: Workers
) -> None:
    """Whatever runs, however many at once: what a poll brought is answered or reported."""
    drawn = random.Random(seed)
    processes = 2 if number in (0, 1) else 1
    concurrency = drawn.choice((1, 4, 20))
    name, arguments, seconds = drawn.choice(LOADS)
    options = {
        "processes": processes,
        "concurrency": concurrency,
        "grace": drawn.choice((None, 0.0, 0.5)),
        "on_stop": drawn.choice(("abandon", "fail")),
    }
    if number % 2:
        endpoint.plan.rates((*POLLS, *HEARTBEATS, *ANSWERS), A_BAD_DAY)
    endpoint.latency_seconds = drawn.choice((0.0, 0.02))
    tasks_in_two_seconds = int(2 * processes * min(concurrency / seconds, 200))
    moment = drawn.randint(1, max(1, tasks_in_two_seconds))
    print(f"{name}{arguments}, {options}, at task {moment}")
    endpoint.supply(10**9, name=name, input=json.dumps([arguments, {}]))
    worker = start_worker(endpoint.environment, **options)
    endpoint.wait_for(lambda e: len(e.record.handed) >= moment)
    time.sleep(drawn.uniform(0, SPREAD_SECONDS))
    worker.stop()
    report = worker.report()
    print(f"{endpoint.told()}\n{report}")
    assert_accounted(endpoint.record, report)
    assert "Traceback" not in worker.text
