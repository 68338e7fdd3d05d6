"""A process dies while an activity suspends itself: what is kept must not be failed.

Whoever finds the task in the store finishes it, hours later perhaps. A supervisor that fails it
because its process died takes that from them, and one that takes a task for kept that is not lets
it hang until a timeout.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from flowy import reasons
from flowy.swf.worker.report import StopReport
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint

SCRIPT = "tests.faults.rough_worker"

FAILED = "RespondActivityTaskFailed"

#: Which activity suspends itself, and when its process dies: after the store has committed, or
#: before.
DEATHS = (
    ("suspends-deadly", "after"),
    ("suspends-deadly-async", "after"),
    ("suspends-deadly", "before"),
)


def named_unanswered(report: StopReport) -> set[str]:
    """Return the tokens of the tasks that the report names as not answered."""
    return set(re.findall(r"activity a-(\S+) of", " ".join(report.unanswered)))


def are_running(endpoint: Endpoint, tokens: list[str]) -> bool:
    """Return whether the tasks of these tokens run, and have beaten."""
    return endpoint.record.open & endpoint.record.beats.keys() >= set(tokens)


def test_a_process_that_dies_while_it_suspends_a_task(
    endpoint: Endpoint, start_worker: Workers, tmp_path: Path
) -> None:
    """What the store has committed is open, at SWF and in the store; what it has not is failed.

    The report has a task that is kept as suspended or as unanswered, and one that is not as failed
    or as unanswered. The other tasks of the processes that died are failed.
    """
    worker = start_worker(endpoint.environment, script=SCRIPT, processes=2, concurrency=2)
    record, store = endpoint.record, tmp_path / "tokens"
    endpoint.wait_for(lambda _: len(record.identities) == 2)
    others = endpoint.add(3_600.0, name="patient", count=3)
    # One slot is left in each round: whichever process has it runs one of the three beside this.
    dying, beside = [], []
    for name, moment in DEATHS:
        endpoint.wait_for(partial(are_running, tokens=others))
        (token,) = endpoint.add(str(store), moment, name=name)
        endpoint.wait_for(lambda _, token=token: token in record.handed)  # type: ignore[misc]
        identity = record.handed[token].identity
        (other,) = [one for one in others if record.handed[one].identity == identity]
        endpoint.wait_for(lambda _, other=other: other in record.answers)  # type: ignore[misc]
        dying.append(token)
        beside.append(other)
        others.remove(other)
        others += endpoint.add(3_600.0, name="patient")
    endpoint.wait_for(partial(are_running, tokens=others))
    for other in others:
        endpoint.request_cancel(other)
    after = endpoint.add(count=4)
    endpoint.wait_for(lambda _: record.answers.keys() >= {*others, *after})
    worker.stop()
    report = worker.report()

    *kept, not_kept = dying
    assert not record.answers.keys() & set(kept)
    assert {task.token for task in SQLiteTokenStore(store).pending()} == set(kept)
    unanswered = named_unanswered(report)
    assert report.suspended == len(set(kept) - unanswered)
    if not_kept in record.answers:
        assert record.answers[not_kept].action == FAILED
        assert report.failed == len(DEATHS) + 1
    else:
        assert not_kept in unanswered
        assert report.failed == len(DEATHS)
    for token in beside:
        assert record.answers[token].action == FAILED
        assert record.answers[token].body["reason"].startswith(reasons.WORKER_PROCESS_DIED)
