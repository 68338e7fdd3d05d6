"""What a stop counts, names and leaves, in this process."""

from __future__ import annotations

import threading

import pytest

from flowy import context
from flowy.concurrency.stop import StopLevel
from flowy.swf.scanner import activity
from flowy.task import Activity
from tests.acceptance.many.executions import TASK_LIST, Execution
from tests.acceptance.many.workers import Starter
from tests.patience import PATIENCE_SECONDS


def test_the_report_counts_and_names(start: Starter, execution: Execution) -> None:
    """Each task has one place in it; what the stop left is named by type, activity and workflow."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    @activity("ends", 1, TASK_LIST)
    class Ends(Activity):
        def run(self, how: str) -> None:
            if how == "raise":
                raise ValueError(how)
            if how == "hang":
                begun.release()
                assert go_on.wait(PATIENCE_SECONDS)

    worker = start(Ends, concurrency=4, grace=0)
    execution.schedule("ends", "return", times=5)
    execution.schedule("ends", "raise", times=3)
    execution.schedule("ends", "hang", times=2)
    for _ in range(2):
        assert begun.acquire(timeout=PATIENCE_SECONDS)
    execution.wait_for(8, "ActivityTaskCompleted", "ActivityTaskFailed")
    report = worker.stop()
    go_on.set()
    flow = execution.execution["workflowId"]
    assert (report.completed, report.failed, report.suspended, report.closed) == (5, 3, 0, 0)
    assert sorted(report.abandoned) == [
        f"ends 1 (activity ends-{number} of workflow {flow})" for number in (10, 9)
    ]
    assert str(report).startswith("5 completed, 3 failed; 2 abandoned by the stop: ends 1 (")


def test_worker_stopping_is_false_until_a_stop(start: Starter, execution: Execution) -> None:
    """And in a function that the activity calls, too."""
    seen: list[bool] = []

    def deep() -> None:
        seen.append(context.worker_stopping())

    @activity("deep", 1, TASK_LIST)
    class Deep(Activity):
        def run(self) -> None:
            deep()

    worker = start(Deep)
    execution.schedule("deep")
    execution.wait_for(1, "ActivityTaskCompleted")
    worker.stop()
    assert seen == [False]


@pytest.mark.parametrize("attempt", range(3))
def test_a_stop_under_load_leaves_nothing_without_its_place(
    start: Starter, execution: Execution, attempt: int
) -> None:
    """Whenever it comes: each task that was started is answered, or in the report."""

    @activity("load", 1, TASK_LIST)
    class Load(Activity):
        def run(self) -> None:
            pass

    worker = start(Load, concurrency=8, pollers=4, grace=0)
    execution.schedule("load", times=60)
    execution.wait_for(5 + 15 * attempt, "ActivityTaskCompleted")
    worker.worker.stop(StopLevel(1 + attempt))
    report = worker.join()
    started = execution.count("ActivityTaskStarted")
    ended = execution.count("ActivityTaskCompleted")
    assert ended == report.completed
    assert started - ended <= len(report.abandoned) + len(report.polls_lost)
