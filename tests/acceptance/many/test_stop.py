"""A stop that loses nothing: signals, grace and policy."""

from __future__ import annotations

import signal
import time

import pytest

from flowy import reasons
from flowy.local import LocalSWF
from tests.acceptance.many.executions import Execution
from tests.acceptance.many.programs import SPOKEN, Programs
from tests.acceptance.many.stopping import ACTIVITIES, POLLING, serving
from tests.gates import Gate


def test_a_signal_waits_for_the_polls_and_runs_what_they_bring(
    program: Programs, swf_of_long_polls: LocalSWF
) -> None:
    """No new poll goes out; those that are out are waited for; exit code 0."""
    swf = swf_of_long_polls
    running = program(SPOKEN + serving(concurrency=3), swf=swf)
    running.wait_for(POLLING, 3)
    execution = Execution(swf.client(), swf.domain)
    running.kill(signal.SIGTERM)
    running.wait_for("level 1")
    execution.schedule("quick", times=3)
    assert running.wait() == 0
    assert running.found("report (.*)") == ["3 completed"]
    assert execution.count("ActivityTaskCompleted") == 3
    assert len(running.found(POLLING)) == 3


def test_without_a_grace_what_runs_finishes(
    program: Programs, execution: Execution, gate: Gate
) -> None:
    """What runs is told meanwhile that the worker stops."""
    running = program(SPOKEN + serving(concurrency=2))
    running.wait_for("Worker started")
    execution.schedule("hold", gate.path)
    running.wait_for("holding")
    running.kill(signal.SIGTERM)
    running.wait_for("level 1")
    gate.open_for(1)
    assert running.wait() == 0
    assert running.found("told of a stop: (.*)") == ["True"]
    assert running.found("report (.*)") == ["1 completed"]


def test_heartbeats_go_on_during_the_grace_and_answer_false_after_it(
    program: Programs, execution: Execution
) -> None:
    """The activity saves its state in the grace, gives up after it, and is left to its timeout."""
    running = program(serving(concurrency=2, grace=0.7))
    running.wait_for("Worker started")
    execution.schedule("beats")
    running.wait_for("holding")
    at = time.monotonic()
    running.kill(signal.SIGTERM)
    running.wait_for("told to stop")
    assert time.monotonic() - at >= 0.7
    assert running.wait() == 0
    assert running.found("worker is stopping")
    assert "abandoned by the stop: beats 1 (activity beats-1 of" in running.text
    assert execution.count("ActivityTaskFailed", "ActivityTaskCompleted") == 0


def test_what_is_left_may_be_failed(program: Programs, execution: Execution) -> None:
    """on_stop="fail": the fixed reason, the last details, and a report that is not clean."""
    running = program(serving(concurrency=2, grace=0.3, on_stop="fail"))
    running.wait_for("Worker started")
    execution.schedule("beats")
    running.wait_for("holding")
    running.kill(signal.SIGTERM)
    assert running.wait() == 0
    (failed,) = execution.wait_for(1, "ActivityTaskFailed")
    assert failed["reason"].startswith(reasons.WORKER_STOPPED)
    assert failed["details"] == "Last heartbeat: saving"
    assert running.found("clean (.*)") == ["False"]


def test_a_third_signal_waits_for_no_poll(program: Programs, swf_of_long_polls: LocalSWF) -> None:
    """The polls of threads run on; they are reported."""
    running = program(
        ACTIVITIES
        + f"""
{SPOKEN}
report = flowy.start_activity_worker(DOMAIN, TASK_LIST, concurrency=2)
say(f"report {{report}}")
""",
        swf=swf_of_long_polls,
    )
    running.wait_for(POLLING, 2)
    for level in (1, 2, 3):
        running.kill(signal.SIGINT)
        running.wait_for(f"level {level} on MainThread" if level < 3 else "level 3")
    running.wait_for("that may have cost a task")
    assert running.wait() == 0
    assert ": 2 polls of " in (report := running.found("report (.*)")[0])
    assert ", not waited for, " in report


@pytest.mark.parametrize("on_stop", ["abandon", "fail"])
def test_a_task_that_comes_after_the_grace_is_answered_not_started(
    swf_of_long_polls: LocalSWF, program: Programs, on_stop: str
) -> None:
    """The poll was out when the stop came, and brings a task when the grace is over.

    The second signal comes after the grace. It still is the second one: the poll is waited for.
    """
    swf = swf_of_long_polls
    running = program(SPOKEN + serving(concurrency=2, pollers=1, grace=0, on_stop=on_stop), swf=swf)
    running.wait_for(POLLING)
    execution = Execution(swf.client(), swf.domain)
    execution.schedule("beats")
    running.wait_for("holding")
    running.wait_for(POLLING, 2)
    running.kill(signal.SIGTERM)
    running.wait_for("told to stop")
    running.kill(signal.SIGTERM)
    running.wait_for("level 2 on MainThread")
    execution.schedule("quick")
    assert running.wait() == 0
    assert execution.count("ActivityTaskStarted") == 2
    assert execution.count("ActivityTaskCompleted") == 0
    assert execution.count("ActivityTaskFailed") == (2 if on_stop == "fail" else 0)
    (report,) = running.found("report (.*)")
    assert "quick 1 (activity quick-2 of" in report
    assert "may have cost" not in report
