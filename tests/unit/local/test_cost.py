"""Memory and time: neither grows with what is over."""

from __future__ import annotations

import gc
import json
import time
import weakref
from typing import Any

from flowy.local import LocalSWF
from flowy.local.alarms import Alarms
from flowy.local.model.events import LocalActivityTask
from tests.unit.local.conftest import Work


def run_one(work: Work, name: str) -> None:
    """One execution, from its start to its end, with one activity."""
    work.start(name)
    work.schedule("a")
    work.client.respond_activity_task_completed(taskToken=work.poll_activity()["taskToken"])
    work.decide({"decisionType": "CompleteWorkflowExecution"})


def test_nothing_outlives_its_swf() -> None:
    """moto keeps every event and task in lists of their classes; here all goes with its SWF."""
    from moto.swf.models.activity_task import ActivityTask
    from moto.swf.models.decision_task import DecisionTask
    from moto.swf.models.history_event import HistoryEvent
    from moto.swf.models.workflow_execution import WorkflowExecution

    models: list[Any] = [ActivityTask, DecisionTask, HistoryEvent, WorkflowExecution]
    # moto's name for the list has changed between its releases.
    name = "instances_tracked" if hasattr(ActivityTask, "instances_tracked") else "instances"
    before = [len(getattr(model, name)) for model in models]
    swf = LocalSWF(poll_seconds=0)
    with swf:
        run_one(Work(swf), "one")
    service = weakref.ref(swf._service)
    del swf
    gc.collect()
    assert service() is None
    assert [len(getattr(model, name)) for model in models] == before
    subclasses = [each for model in models for each in model.__subclasses__()]
    assert subclasses
    assert not any(getattr(each, name) for each in subclasses)


def test_what_is_over_keeps_its_history_only() -> None:
    """A closed execution holds no tasks, and its task lists and alarms hold nothing of it."""
    with LocalSWF(poll_seconds=0) as swf:
        work = Work(swf)
        for number in range(20):
            run_one(work, str(number))
        assert swf._service is not None
        backend = swf._service._backend
        domain = backend.own_domain("local")
        assert len(domain.closed) == len(domain.runs) == 20
        assert not domain.open
        for execution in domain.closed:
            assert not execution.activities
            assert not execution.timers
        assert not domain.lists
        assert backend.alarms.next() is None


def test_a_task_list_is_kept_while_something_waits_on_it() -> None:
    """Lists of a single use, as call_activity has, go with their last task, however it goes."""
    with LocalSWF(poll_seconds=0) as swf:
        swf.clock.hold()
        work = Work(swf, timeouts="60")
        assert swf._service is not None
        domain = swf._service._backend.own_domain("local")

        def schedule(task_list: str) -> None:
            decision = work.schedule_decision(task_list)
            attributes = decision["scheduleActivityTaskDecisionAttributes"]
            attributes["taskList"] = {"name": task_list}
            work.client.signal_workflow_execution(
                domain="local", workflowId="flow", signalName="more"
            )
            work.decide(decision)

        def lists() -> list[str]:
            return [name for kind, name in domain.lists if kind == "activity"]

        work.start()
        for number in range(30):
            name = f"polled {number}"
            schedule(name)
            assert lists() == [name]
            polled: Any = work.client.poll_for_activity_task(
                domain="local", taskList={"name": name}
            )
            assert polled["activityId"] == name
            assert not lists()
        schedule("canceled")
        work.client.signal_workflow_execution(domain="local", workflowId="flow", signalName="stop")
        work.decide(
            {
                "decisionType": "RequestCancelActivityTask",
                "requestCancelActivityTaskDecisionAttributes": {"activityId": "canceled"},
            }
        )
        assert not lists()
        schedule("timed out")
        swf.clock.turn(60)
        assert not lists()
        schedule("terminated")
        assert lists() == ["terminated"]
        work.client.terminate_workflow_execution(domain="local", workflowId="flow")
        assert not domain.lists


def test_a_task_list_forgets_those_that_have_left() -> None:
    """Thousands that time out behind one that stays do not pile up."""
    with LocalSWF(poll_seconds=0) as swf:
        work = Work(swf)
        execution = work.start()
        work.schedule("a")
        assert swf._service is not None
        domain = swf._service._backend.own_domain("local")
        tasks = domain.lists["activity", "tasks"]
        run = domain.runs[execution["runId"]]
        (stays,) = run.activities.values()
        scheduled = run.local_events[stays.scheduled_event_id - 1]
        for _ in range(5000):
            other = LocalActivityTask(run, scheduled)
            tasks.add(other)
            tasks.remove(other)
        assert len(tasks) == 1
        assert len(tasks._heap) < 2000
        assert tasks.first() is stays


def test_a_call_costs_the_same_after_thousands() -> None:
    """Finished and idle executions slow nothing down."""
    with LocalSWF(poll_seconds=0) as swf:
        Work(swf)
        service = swf._service
        assert service is not None

        def call(action: str, **parameters: Any) -> dict[str, Any]:
            body = json.dumps({"domain": "local", **parameters}).encode()
            status, text = service.answer(action, body, lambda: False)
            assert status == 200, text
            return dict(json.loads(text or "{}"))

        def start(name: str, task_list: str) -> None:
            call(
                "StartWorkflowExecution",
                workflowId=name,
                workflowType={"name": "workflow", "version": "1"},
                taskList={"name": task_list},
            )

        def hundred(prefix: str) -> float:
            began = time.process_time()
            for number in range(100):
                name = f"{prefix}-{number}"
                start(name, "tasks")
                call("PollForDecisionTask", taskList={"name": "tasks"})
                call("TerminateWorkflowExecution", workflowId=name)
            return time.process_time() - began

        first = min(hundred(f"first {each}") for each in range(3))
        for number in range(3000):
            start(f"idle {number}", "idle")
        for number in range(2000):
            start(f"over {number}", "idle")
            call("TerminateWorkflowExecution", workflowId=f"over {number}")
        assert min(hundred(f"last {each}") for each in range(3)) < 3 * first


def test_alarms_ring_in_their_order() -> None:
    """The earliest rings first, at most once for each item, and never once it is off."""
    alarms: Alarms[str] = Alarms()
    for item, timestamp in (("a", 5.0), ("b", 3.0), ("a", 4.0), ("a", 9.0), ("c", 1.0)):
        alarms.arm(item, timestamp)
    alarms.disarm("c")
    assert alarms.next() == 3
    assert alarms.pop_due(2.9) is None
    assert [alarms.pop_due(10) for _ in range(3)] == ["b", "a", None]
    assert alarms.next() is None


def test_alarms_that_are_off_are_swept() -> None:
    """An item that sets its alarm over and over keeps one, not thousands."""
    alarms: Alarms[str] = Alarms()
    for number in range(100_000):
        alarms.arm("a", 1_000_000.0 - number)
    assert len(alarms._heap) < 2000
    assert alarms.next() == 900_001
