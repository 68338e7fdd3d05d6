"""Histories in a worker of several processes: each has a budget, and may die in an attempt."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.acceptance.flows import Ask, Flow
from tests.acceptance.processes import Process, seeing_the_tests
from tests.deciders.retrying import RetryingDecider, simpleflow
from tests.gates import Gate
from tests.patience import until

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

ACTIVITIES = """
    import os, signal
    from flowy import Activity, activity
    from flowy.observer import Observer
    from tests.gates import wait_in

    @activity("plain", 1, "list")
    class Plain(Activity):
        def run(self, gate):
            wait_in(gate)
            return [os.getpid(), self.attempt]

    @activity("asks", 1, "list", history="wanted")
    class Asks(Plain):
        pass

    @activity("dies", 1, "list", heartbeat=60, history="needed")
    class Dies(Activity):
        def run(self):
            if self.attempt == 1:
                self.heartbeat({"step": 3})
                os.kill(os.getpid(), signal.SIGKILL)
            return [self.attempt, self.previous_details]

    class Watching(Observer):
        def task_waited(self, event):
            os.write(1, f"waited in {os.getpid()} {event.seconds >= 0}\\n".encode())

    WATCHING = Watching()
"""


def started(flow: Flow) -> bool:
    """Whether a worker has taken the task."""
    return any(event["eventType"] == "ActivityTaskStarted" for event in flow.events())


def test_each_process_has_a_budget(
    write: Callable[..., Path],
    process: Callable[..., Process],
    flow: Callable[..., Flow],
    gate: Gate,
    domain: str,
    swf_environment: dict[str, str],
) -> None:
    """Of one read each; whoever reads by ``history`` and whoever samples share it."""
    write("budget_activities.py", ACTIVITIES)
    worker = process(
        "-m", "flowy", "worker", "--domain", domain, "--task-list", "list", "--processes", "2",
        "--history-rate", "0.001", "--queue-sample", "1",
        "--observer", "budget_activities:WATCHING", "budget_activities",
        **seeing_the_tests(swf_environment),
    )  # fmt: skip
    worker.wait_for("Worker started")

    def run(*names: str) -> list[list[int | None]]:
        """Run these activities side by side, each in an execution of its own."""
        flows = [flow(Ask(name, json.dumps([[gate.path], {}]))) for name in names]
        until(lambda: all(map(started, flows)))  # each process has one
        gate.open_for(len(flows))
        return [json.loads(each.wait()[0].result or "") for each in flows]

    first = run("plain", "plain")
    worker.wait_for("waited in ", count=2)
    assert {f"waited in {pid} True" for pid, _ in first} <= set(worker.lines)
    again = [*run("asks", "asks"), *run("plain", "plain")]
    assert {attempt for _, attempt in again} == {None}
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0, worker.output
    assert worker.count("waited in ") == len({pid for pid, _ in first}) == 2


def test_a_process_that_dies_leaves_its_details(
    write: Callable[..., Path],
    process: Callable[..., Process],
    client: SWFClient,
    domain: str,
    swf_environment: dict[str, str],
) -> None:
    """Its supervisor, which fails the task, passes them on to the next attempt."""
    write("budget_activities.py", ACTIVITIES)
    process(
        "-m", "flowy", "worker", "--domain", domain, "--task-list", "list", "--processes", "2",
        "budget_activities", **seeing_the_tests(swf_environment),
    ).wait_for("Worker started")  # fmt: skip
    decider = RetryingDecider(client, domain, simpleflow)
    assert decider.run("workflow", "dies", ["[[], {}]"]) == ['[2, {"step": 3}]']
