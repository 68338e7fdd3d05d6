"""Many tasks on the local SWF: a kill and a stop on the way, and the history as the judge."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from typing import TYPE_CHECKING

from flowy import reasons
from tests.acceptance.many.executions import ENDS, Execution
from tests.faults.conftest import Workers, pid_of

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

    from flowy.local import LocalSWF

#: Half of them run on threads, half as coroutines.
TASKS = 80


def test_a_kill_and_a_stop_lose_nothing_on_the_local_swf(
    seed: int,
    local_swf: LocalSWF,
    client: SWFClient,
    domain: str,
    start_worker: Workers,
) -> None:
    """SIGKILL of a worker process, then SIGTERM, then a new worker: each task has one end.

    What the killed process had in hand is failed, and nothing else is. A task that
    was handed to one of its polls may be lost; the report tells of the poll.
    """
    drawn = random.Random(seed)
    options = {"domain": domain, "processes": 2, "concurrency": 4}
    start_worker(local_swf.environment, domain=domain, loop=0).report()
    execution = Execution(client, domain)
    for _ in range(4):
        execution.schedule("work", 0.25, 1, times=TASKS // 8)
        execution.schedule("awaiting", 0.25, times=TASKS // 8)

    first = start_worker(local_swf.environment, **options)
    execution.wait_for(drawn.randint(16, 32), *ENDS)
    victim = pid_of(execution.attributes("ActivityTaskStarted")[-1]["identity"])
    os.kill(victim, signal.SIGKILL)
    execution.wait_for(drawn.randint(40, 56), *ENDS)
    first.stop()
    report = first.report()
    print(report)
    ended = execution.count(*ENDS)
    assert execution.count("ActivityTaskStarted") - ended <= len(report.polls_lost)

    second = start_worker(local_swf.environment, **options)
    execution.wait_for(TASKS - len(report.polls_lost), *ENDS)
    second.stop()
    assert second.report().clean

    events = {event["eventId"]: event for event in execution.events()}
    started = {
        number: event["activityTaskStartedEventAttributes"]
        for number, event in events.items()
        if event["eventType"] == "ActivityTaskStarted"
    }
    ends = Counter(
        event[f"a{event['eventType'][1:]}EventAttributes"]["startedEventId"]
        for event in events.values()
        if event["eventType"] in ENDS
    )
    assert ends.keys() <= started.keys()
    assert set(ends.values()) == {1}
    assert len(started.keys() - ends.keys()) <= len(report.polls_lost)
    failed = execution.attributes("ActivityTaskFailed")
    assert failed
    for end in failed:
        assert pid_of(started[end["startedEventId"]]["identity"]) == victim
        assert end["reason"] == f"{reasons.WORKER_PROCESS_DIED}killed by signal 9 (SIGKILL)."
    assert execution.count("ActivityTaskCompleted") + len(failed) == len(ends)
