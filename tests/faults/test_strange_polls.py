"""Tasks whose type or input is not text: they do not end a worker."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.conftest import Workers
from tests.faults.endpoint import Endpoint


@pytest.mark.parametrize(
    "options",
    [{"concurrency": 1}, {"concurrency": 4, "processes": 2}],
    ids=["serial", "processes-of-threads"],
)
def test_tasks_that_are_not_as_swf_sends_them(
    endpoint: Endpoint, start_worker: Workers, options: dict[str, Any]
) -> None:
    """Each is failed, or its poll is in the report as one that may have cost a task.

    The tasks beside them are completed, by the same processes. boto3 passes on what it parses:
    ``tests/unit/swf/test_strange_polls.py`` has more of it.
    """
    fields: list[dict[str, Any]] = [
        {"name": 7},
        {"name": ["work"]},
        {"name": None},
        {"version": 1},
        {"version": {"number": 1}},
        {"input": 7},
        {"input": ["[[], {}]"]},
        {"input": {"args": []}},
    ]
    strange = [token for each in fields for token in endpoint.add(**each)]
    good = endpoint.add(count=8)
    worker = start_worker(endpoint.environment, **options)
    record = endpoint.record
    endpoint.wait_for(
        lambda _: record.answers.keys() >= set(good) or worker.process.poll() is not None
    )
    worker.stop()
    report = worker.report()
    assert len(record.identities) <= options.get("processes", 1), "a process was replaced"
    assert report.completed == len(good)
    answers = [record.answers[token].action for token in strange if token in record.answers]
    assert set(answers) <= {"RespondActivityTaskFailed"}
    assert report.failed == len(answers)
    assert len(report.polls_lost) == len(strange) - len(answers)
