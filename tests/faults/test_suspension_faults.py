"""A process dies while an activity suspends itself: what is kept must not be failed.

Whoever finds the task in the store finishes it, hours later perhaps. A supervisor that fails it
because its process died takes that from them, and one that takes a task for kept that is not lets
it hang until a timeout.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowy import reasons
from flowy.swf.worker.report import StopReport
from flowy.tokens.sqlite import SQLiteTokenStore
from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint

SCRIPT = "tests.faults.rough_worker"

FAILED = "RespondActivityTaskFailed"


def named_unanswered(report: StopReport) -> set[str]:
    """Return the tokens of the tasks that the report names as not answered."""
    return set(re.findall(r"activity a-(\S+) of", " ".join(report.unanswered)))


def death_while_suspending(
    endpoint: Endpoint, start_worker: Workers, name: str, store: Path, moment: str
) -> tuple[str, str, StopReport]:
    """Let one of two processes die as one of its two tasks suspends itself.

    Returns:
        The token of that task, the one of the other task of its process, and the report.
    """
    worker = start_worker(endpoint.environment, script=SCRIPT, processes=2, concurrency=2)
    record = endpoint.record
    others = endpoint.add(3_600.0, name="patient", count=3)
    endpoint.wait_for(lambda _: record.beats.keys() >= set(others), 20)
    # One slot is left: whichever process has it runs one of the three beside this.
    (token,) = endpoint.add(str(store), moment, name=name)
    endpoint.wait_for(lambda _: len(record.identities) == 3, 20)
    identity = record.handed[token].identity
    (beside,) = [other for other in others if record.handed[other].identity == identity]
    endpoint.wait_for(lambda _: beside in record.answers)
    for other in others:
        endpoint.request_cancel(other)
    after = endpoint.add(count=4)
    endpoint.wait_for(lambda _: record.answers.keys() >= {*others, *after})
    worker.stop()
    return token, beside, worker.report()


@pytest.mark.parametrize("name", ["suspends-deadly", "suspends-deadly-async"])
def test_a_task_that_is_kept_is_not_failed(
    endpoint: Endpoint, start_worker: Workers, tmp_path: Path, name: str
) -> None:
    """The store has committed when the process dies: the task is open, at SWF and in the store.

    The report has it, as suspended or as unanswered. The other task of the process is failed.
    """
    path = tmp_path / "tokens"
    token, beside, report = death_while_suspending(endpoint, start_worker, name, path, "after")
    record = endpoint.record
    assert token not in record.answers, record.answers[token].body
    (kept,) = SQLiteTokenStore(path).pending()
    assert kept.token == token
    assert report.suspended == 1 or named_unanswered(report) == {token}
    assert record.answers[beside].action == FAILED
    assert record.answers[beside].body["reason"].startswith(reasons.WORKER_PROCESS_DIED)
    assert report.failed == 1


def test_a_task_that_is_not_kept_is_not_taken_for_suspended(
    endpoint: Endpoint, start_worker: Workers, tmp_path: Path
) -> None:
    """The process dies before the store commits: the task is failed, or named as unanswered."""
    path = tmp_path / "tokens"
    token, beside, report = death_while_suspending(
        endpoint, start_worker, "suspends-deadly", path, "before"
    )
    record = endpoint.record
    assert report.suspended == 0
    if token in record.answers:
        assert record.answers[token].action == FAILED
        assert report.failed == 2
    else:
        assert named_unanswered(report) == {token}
    assert record.answers[beside].action == FAILED
