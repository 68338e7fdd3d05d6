"""A worker in the test's own thread."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.swf.values import ActivityImplementation
from flowy.swf.worker import ActivityWorker
from tests.unit.swf.worker.task_list_swf import TaskListSWF


def served(
    swf: TaskListSWF, *activities: ActivityImplementation, loop: int = 1, **options: Any
) -> ActivityWorker:
    """Return a worker of these activities; it leaves signals alone unless told otherwise."""
    return ActivityWorker(
        swf.client(),
        "domain",
        "list",
        {each.type: each for each in activities},
        loop=loop,
        **{"signals": False, **options},
    )


def outcome_of(caplog: pytest.LogCaptureFixture) -> str:
    """Return what the line at the end of the task says became of it."""
    (line,) = [
        record.getMessage()
        for record in caplog.records
        if record.name == "flowy.swf.worker.task_run" and " after " in record.getMessage()
    ]
    return line.partition("): ")[2].partition(" after ")[0]
