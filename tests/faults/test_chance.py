"""Every call may fail, in every way: each task is answered all the same, and once."""

from __future__ import annotations

import math
import time

from tests.faults.chances import A_TENTH_OF_EACH, IN_THE_DARK
from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint
from tests.faults.plan import ANSWERS, HEARTBEATS, POLLS, Fault
from tests.patience import PATIENCE_SECONDS

TASKS = 240
SLOTS = 40


def test_hundreds_of_tasks_survive_a_tenth_of_each_fault(
    endpoint: Endpoint, start_worker: Workers
) -> None:
    """At 10 % of each fault on all calls every task that arrived is answered, exactly once.

    Those that got lost with their poll's answer are as many as the endpoint says, and every poll
    that may have cost one is in the report. No poll is repeated behind the worker's back, no
    answer is repeated but one whose fate is not known, no task is said to have been closed by
    somebody else, and nothing is called in a hot loop.
    """
    endpoint.plan.rates((*POLLS, *HEARTBEATS, *ANSWERS), A_TENTH_OF_EACH)
    endpoint.add(0.05, 1, count=TASKS)
    started = time.monotonic()
    worker = start_worker(endpoint.environment, concurrency=SLOTS, pollers=SLOTS)
    record = endpoint.record
    endpoint.wait_for(lambda _: len(record.handed) == TASKS and not record.open, 120)
    seconds = time.monotonic() - started
    # All are answered, but the worker may try an unlucky answer again, for minutes by chance.
    endpoint.plan.rates(ANSWERS, {})
    worker.stop()
    report = worker.report()
    struck, calls = endpoint.plan.struck, record.calls
    print(f"{seconds:.1f} s; {endpoint.told()}; struck {dict(struck)}")

    arrived = record.handed.keys() - record.lost.keys()
    assert record.answers.keys() == arrived
    assert record.outcomes() == {"RespondActivityTaskCompleted": len(arrived)}
    assert report.completed + report.closed == len(arrived)
    assert (report.failed, report.canceled, report.unanswered) == (0, 0, ())

    (poll,) = POLLS
    assert len(record.lost) > TASKS / 10
    assert len(report.polls_lost) == sum(struck[poll, fault] for fault in IN_THE_DARK)

    assert len(record.identities) == 1, "a worker process was replaced"
    assert "Traceback" not in worker.text

    assert record.repeated[poll] == 0
    dark = (Fault.BREAK_AFTER, Fault.RUBBISH)  # carried out, and not acknowledged
    dark_answers = sum(struck[action, fault] for action in ANSWERS for fault in dark)
    assert len([one for _, one in record.refused if one.action in ANSWERS]) <= dark_answers
    assert "was closed before its answer" not in worker.text
    assert record.polls_empty <= SLOTS * (seconds + PATIENCE_SECONDS)
    # Half of the polls meet a fault, those too that would have been empty: they go on for as long
    # as the unluckiest answer takes.
    assert calls[poll] < (TASKS + record.polls_empty) * 2
    assert sum(calls[action] for action in ANSWERS) < TASKS * 2.5
    assert sum(calls[action] for action in HEARTBEATS) < TASKS * 2.5


def test_a_broken_endpoint_is_not_hammered(endpoint: Endpoint, start_worker: Workers) -> None:
    """With every call throttled polls and answers come ever more seldom, and all heals after.

    Pauses begin at a quarter of a second at least and double: the fourth poll of a poller, which
    at least one of ten has sent when 31 were sent, is 1.75 s after its first.
    """
    pollers, tasks = 10, 5
    endpoint.add(0.2, count=tasks)
    worker = start_worker(endpoint.environment, concurrency=20, pollers=pollers)
    record, (poll,) = endpoint.record, POLLS
    endpoint.wait_for(lambda _: len(record.handed) == tasks)
    endpoint.plan.rates((*POLLS, *ANSWERS), {Fault.THROTTLE: 1.0})
    before, throttled_at = record.calls[poll], time.monotonic()
    endpoint.release_polls()
    endpoint.wait_for(lambda _: record.calls[poll] >= before + 3 * pollers + 1)
    assert time.monotonic() - throttled_at > 1.5
    # botocore tries an answer 4 times, with pauses of its own; then come ours, 0.25 s and up.
    rounds = 2 + math.log2((time.monotonic() - throttled_at) / 0.25)
    assert record.calls["RespondActivityTaskCompleted"] <= tasks * 4 * rounds
    endpoint.plan.rates((*POLLS, *ANSWERS), {})
    more = endpoint.add(count=pollers)
    endpoint.wait_for(lambda e: set(more) <= record.answers.keys() and not record.open)
    worker.stop()
    report = worker.report()
    assert report.completed == tasks + pollers
    assert report.clean
