"""State in a file: what survives a restart or a kill."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
from botocore.loaders import Loader

from flowy.local import LocalSWF
from flowy.local.model.restore import records
from tests.python_process import PythonProcess
from tests.unit.local.conftest import Work
from tests.unit.local.stored import local

#: How near two readings of the wall clock are, in seconds: the machine may be busy.
NEAR_SECONDS = 100

#: A program that serves a local SWF and prints its endpoint.
SERVER = """
import sys
from flowy.local import LocalSWF
swf = LocalSWF(poll_seconds=0, state=sys.argv[1])
swf.start()
print(swf.endpoint_url, flush=True)
sys.stdin.read()
"""


#: The oldest supported botocore cannot delete types.
needs_deletion = pytest.mark.skipif(
    "DeleteActivityType" not in Loader().load_service_model("swf", "service-2")["operations"],
    reason="this botocore cannot delete types",
)

_SHAPES = Loader().load_service_model("swf", "service-2")["shapes"]

#: The oldest supported botocore has no override of the task list.
needs_override = pytest.mark.skipif(
    "taskList" not in _SHAPES["RespondDecisionTaskCompletedInput"]["members"],
    reason="this botocore has no task list override",
)


def test_a_restart_loses_nothing(file: Path) -> None:
    """Executions, histories, types, tokens, timers and requests are the same after a restart."""
    with local(file) as swf:
        work = Work(swf)
        execution = work.start()
        work.schedule("a", "b", "c")
        task, other = work.poll_activity(identity="w"), work.poll_activity()
        work.client.record_activity_task_heartbeat(taskToken=task["taskToken"], details="half")
        work.client.respond_activity_task_completed(taskToken=other["taskToken"], result="1")
        cancel = {"activityId": "a"}
        timer = {"timerId": "t", "startToFireTimeout": "100"}
        work.decide(
            {
                "decisionType": "RequestCancelActivityTask",
                "requestCancelActivityTaskDecisionAttributes": cancel,
            },
            {"decisionType": "StartTimer", "startTimerDecisionAttributes": timer},
        )
        work.client.request_cancel_workflow_execution(domain="local", workflowId="flow")
        decision = work.poll_decision()
        work.client.deprecate_activity_type(
            domain="local", activityType={"name": "activity", "version": "1"}
        )
        before = _all_of(work, execution)
    with local(file) as swf:
        work.client = swf.client()
        assert _all_of(work, execution) == before
        third = work.poll_activity()
        assert (third["activityId"], third["input"]) == ("c", "input of c")
        beat = work.client.record_activity_task_heartbeat(taskToken=task["taskToken"])
        assert beat["cancelRequested"]
        work.client.respond_activity_task_canceled(taskToken=task["taskToken"])
        with pytest.raises(
            work.client.exceptions.UnknownResourceFault, match="scheduledEventId = 6"
        ):
            work.client.respond_activity_task_completed(taskToken=other["taskToken"])
        work.client.respond_decision_task_completed(taskToken=decision["taskToken"])
        swf.clock.turn(100)
        assert "TimerFired" in work.event_types(execution)


def _all_of(work: Work, execution: Any) -> list[Any]:
    described = work.client.describe_workflow_execution(domain="local", execution=execution)
    types = work.client.list_activity_types(domain="local", registrationStatus="DEPRECATED")
    flows = work.client.list_workflow_types(domain="local", registrationStatus="REGISTERED")
    return [
        described["executionInfo"],
        described["openCounts"],
        described["latestActivityTaskTimestamp"],
        types["typeInfos"],
        flows["typeInfos"],
        work.events(execution),
    ]


def test_timeouts_run_on_while_it_is_stopped(file: Path) -> None:
    """A timeout that fell due while it was stopped fires at the start, at its own time."""
    with local(file) as swf:
        swf.clock.hold()
        work = Work(swf, timeouts="600")
        execution = work.start()
        work.schedule("a")
        token = work.poll_activity()["taskToken"]
    swf = local(file)
    swf.clock.turn(1000)  # while it is stopped
    with swf:
        work.client = swf.client()
        with pytest.raises(work.client.exceptions.UnknownResourceFault):
            work.client.respond_activity_task_completed(taskToken=token)
        events = work.events(execution)
        timed_out, started = events[6], events[5]
        assert timed_out["eventType"] == "ActivityTaskTimedOut"
        after = timed_out["eventTimestamp"] - started["eventTimestamp"]
        assert after.total_seconds() == 600


def test_a_clock_that_was_turned_stays_ahead(file: Path) -> None:
    """After a restart SWF's clock is not behind the events of its histories."""
    with local(file) as swf:
        work = Work(swf)
        work.start()
        swf.clock.turn(10_000)
        work.schedule("a")
    with local(file) as swf:
        assert swf.clock.ahead_seconds > 9_000


def test_a_held_clock_is_held_after_a_restart(file: Path) -> None:
    """A held clock does not move while the state is closed and read again."""
    swf = local(file)
    with swf:
        work = Work(swf, timeouts="1")
        execution = work.start()
        swf.clock.turn(100)
        swf.clock.hold()
        work.schedule("a")
        swf.clock.turn(0.999)
        stood = swf.clock.now()
    with swf:
        assert swf.clock.now() == stood
        assert "ActivityTaskTimedOut" not in work.event_types(execution)
        swf.clock.turn(0.001)
        assert "ActivityTaskTimedOut" in work.event_types(execution)


@pytest.mark.parametrize("stopped", [True, False])
def test_a_clock_that_was_held_is_behind_after_a_restart(file: Path, *, stopped: bool) -> None:
    """The clock stays behind by the time it was held, so no timeout fires early."""
    swf = local(file)
    with swf:
        swf.clock.hold()
        swf.clock.set(swf.clock.now() - 1000)  # as if it was held for so long
        swf.clock.release()
        Work(swf)
        if not stopped:
            file.with_name("killed").touch(0o600)
            file.with_name("killed").write_bytes(file.read_bytes())
    with local(file if stopped else file.with_name("killed")) as swf:
        assert -1000 - NEAR_SECONDS < swf.clock.ahead_seconds < NEAR_SECONDS - 1000


def test_a_clock_that_is_held_from_before_the_start(file: Path) -> None:
    """A clock that is held before start() is not earlier than the events in the file."""
    with local(file) as swf:
        work = Work(swf)
        swf.clock.turn(10_000)
        execution = work.start()
        began = work.events(execution)[0]["eventTimestamp"]
    swf = local(file)
    swf.clock.hold()
    with swf:
        assert 0 <= swf.clock.now() - began.timestamp() < NEAR_SECONDS


def test_a_clock_that_was_turned_before_the_start_stays_ahead(file: Path) -> None:
    """Reading a file may put the clock ahead, never back."""
    for turned, wanted in ((1000, 1000), (500, 1000), (2000, 2000)):
        swf = local(file)
        swf.clock.turn(turned)
        with swf:
            assert abs(swf.clock.ahead_seconds - wanted) < NEAR_SECONDS


@needs_override
def test_a_task_list_override_survives_a_restart(file: Path) -> None:
    """A decider's override of the task list survives, with its waiting task and timeout."""
    with local(file) as swf:
        work = Work(swf)
        execution = work.start()
        mine: Any = {"name": "mine"}
        work.client.respond_decision_task_completed(
            taskToken=work.poll_decision()["taskToken"],
            taskList=mine,
            taskListScheduleToStartTimeout="60",
        )
        for name in ("one", "two"):
            work.client.signal_workflow_execution(
                domain="local", workflowId="flow", signalName=name
            )
    with local(file) as swf:
        work.client = swf.client()
        client: Any = work.client
        taken = client.poll_for_decision_task(domain="local", taskList=mine)
        client.signal_workflow_execution(domain="local", workflowId="flow", signalName="three")
        # The next task comes onto its list, and its timeout starts, with this answer.
        swf.clock.turn(90)
        client.respond_decision_task_completed(taskToken=taken["taskToken"])
        assert work.event_types(execution)[-1] == "DecisionTaskCompleted"
    with local(file) as swf:
        work.client = swf.client()
        swf.clock.turn(59)
        assert not work.poll_decision()["taskToken"]
        swf.clock.turn(1)
        assert work.poll_decision()["taskToken"]
        assert work.event_types(execution)[-3:] == [
            "DecisionTaskTimedOut",
            "DecisionTaskScheduled",
            "DecisionTaskStarted",
        ]


@needs_deletion
def test_deleted_types_stay_deleted_after_a_restart(file: Path) -> None:
    """Executions and tasks of a deleted type go on, with the type that their history names."""
    wanted: Any = {"name": "activity", "version": "1"}
    flow_type: Any = {"name": "workflow", "version": "1"}
    with local(file) as swf:
        work = Work(swf)
        execution = work.start()
        work.schedule("a")
        work.client.deprecate_domain(name="local")
        work.client.delete_activity_type(domain="local", activityType=wanted)
        work.client.delete_workflow_type(domain="local", workflowType=flow_type)
    with local(file) as swf:
        service = swf._service
        assert service is not None
        # In the shortest journal only the histories name the types.
        service._journal.rewrite(records(service._backend))
    with local(file) as swf:
        work.client = swf.client()
        assert work.poll_activity()["activityType"] == wanted
        assert work.poll_decision()["taskToken"] == ""
        described: Any = work.client.describe_workflow_execution(
            domain="local", execution=execution
        )
        assert described["executionInfo"]["workflowType"] == flow_type
        with pytest.raises(work.client.exceptions.UnknownResourceFault):
            work.client.describe_activity_type(domain="local", activityType=wanted)
        listed: Any = work.client.list_domains(registrationStatus="DEPRECATED")
        assert [info["name"] for info in listed["domainInfos"]] == ["local"]


def test_a_priority_survives_a_restart(file: Path) -> None:
    """Decision tasks after a restart have the execution's priority."""
    with local(file) as swf:
        work = Work(swf)
        started = work.client.start_workflow_execution(
            domain="local",
            workflowId="flow",
            workflowType={"name": "workflow", "version": "1"},
            taskPriority="5",
        )
    with local(file) as swf:
        work.client = swf.client()
        work.decide()
        work.client.signal_workflow_execution(domain="local", workflowId="flow", signalName="s")
        last = work.events({"workflowId": "flow", "runId": started["runId"]})[-1]
        assert last["decisionTaskScheduledEventAttributes"]["taskPriority"] == "5"


def test_a_continued_execution_survives_a_restart(file: Path) -> None:
    """Both executions survive a restart, also after the journal was rewritten."""
    with local(file) as swf:
        work = Work(swf)
        execution = work.start()
        for _ in range(2):
            work.decide({"decisionType": "ContinueAsNewWorkflowExecution"})
        service = swf._service
        assert service is not None
        runs = list(service._backend.own_domain("local").runs)
        before = [work.events({**execution, "runId": run}) for run in runs]
    for _ in range(2):
        with local(file) as swf:
            work.client = swf.client()
            assert [work.events({**execution, "runId": run}) for run in runs] == before
            service = swf._service
            assert service is not None
            service._journal.rewrite(records(service._backend))
    with local(file) as swf:
        work.client = swf.client()
        work.decide({"decisionType": "CompleteWorkflowExecution"})
        assert work.event_types({**execution, "runId": runs[-1]})[-1].endswith("Completed")


def test_a_kill_loses_nothing_that_was_answered(file: Path) -> None:
    """After SIGKILL every answered call has happened and every token is valid."""
    answered: list[str] = []
    tokens: list[str] = []
    execution: Any = None
    work = Work()
    for life in range(3):
        process = PythonProcess(["-c", SERVER, str(file)], env=os.environ, stdin=PIPE)
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            client: Any = LocalSWF(int(url.rpartition(":")[2])).client()
            work.client = client
            if not life:
                work.register("NONE")
                execution = work.start()
            if tokens:
                client.respond_activity_task_completed(taskToken=tokens[-1])
                work.client.record_activity_task_heartbeat(taskToken=tokens[0])
            found = [event["eventType"] for event in work.events(execution)]
            assert found[: len(answered)] == answered
            decision = work.poll_decision()
            assert decision["taskToken"]
            client.respond_decision_task_completed(
                taskToken=decision["taskToken"],
                decisions=[work.schedule_decision(f"{life}{each}") for each in range(5)],
            )
            tokens.extend(work.poll_activity()["taskToken"] for _ in range(3))
            answered = [event["eventType"] for event in work.events(execution)]
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
    with local(file) as swf:
        work.client = swf.client()
        assert work.event_types(execution) == answered
        assert len(set(tokens)) == 9
