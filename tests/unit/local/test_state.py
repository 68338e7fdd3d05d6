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
