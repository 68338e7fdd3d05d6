"""Memory and time: neither grows with closed executions."""

from __future__ import annotations

import gc
import json
import time
import weakref
from typing import Any

from flowy.local import LocalSWF
from flowy.local.model.events import LocalActivityTask
from flowy.local.timeout_queue import TimeoutQueue
from tests.unit.local.conftest import Work


def run_one(work: Work, name: str) -> None:
    """Run one execution with one activity, from start to end."""
    work.start(name)
    work.schedule("a")
    work.client.respond_activity_task_completed(taskToken=work.poll_activity()["taskToken"])
    work.decide({"decisionType": "CompleteWorkflowExecution"})


def test_nothing_outlives_its_swf() -> None:
    """moto keeps every event and task in lists of their classes; a LocalSWF is freed whole."""
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


def test_a_closed_execution_keeps_its_history_only() -> None:
    """A closed execution has no tasks, and no entries on task lists or among the timeouts."""
    with LocalSWF(poll_seconds=0) as swf:
        work = Work(swf)
        for number in range(5):
            run_one(work, str(number))
        assert swf._service is not None
        backend = swf._service._backend
        domain = backend.own_domain("local")
        assert len(domain.closed) == len(domain.runs) == 5
        assert not domain.open
        for execution in domain.closed:
            assert not execution.activities
            assert not execution.timers
        assert not domain.lists
        assert backend.timeouts.next_time() is None


def test_an_empty_task_list_is_dropped() -> None:
    """A task list that is used once, as by call_activity, is dropped with its last task."""
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
        for number in range(3):
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


def test_removed_tasks_do_not_pile_up() -> None:
    """Thousands of tasks that leave a list behind one that stays do not fill its heap."""
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
            tasks.put(other, (0, scheduled.event_timestamp))
            tasks.discard(other)
        assert len(tasks) == 1
        assert len(tasks._heap) < 2000
        assert tasks.first() is stays


def test_a_call_costs_the_same_after_thousands() -> None:
    """Closed and idle executions do not slow calls down."""
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

        def fifty(prefix: str) -> float:
            began = time.process_time()
            for number in range(50):
                name = f"{prefix}-{number}"
                start(name, "tasks")
                call("PollForDecisionTask", taskList={"name": "tasks"})
                call("TerminateWorkflowExecution", workflowId=name)
            return time.process_time() - began

        first = min(fifty(f"first {each}") for each in range(3))
        for number in range(1000):
            start(f"idle {number}", "idle")
        for number in range(500):
            start(f"over {number}", "idle")
            call("TerminateWorkflowExecution", workflowId=f"over {number}")
        assert min(fifty(f"last {each}") for each in range(3)) < 3 * first


def test_the_earliest_timeout_comes_first() -> None:
    """Each item comes once, at its earliest time, and not at all after it was discarded."""
    timeouts: TimeoutQueue[str] = TimeoutQueue()
    for item, timestamp in (("a", 5.0), ("b", 3.0), ("a", 4.0), ("a", 9.0), ("c", 1.0)):
        timeouts.add(item, timestamp)
    timeouts.discard("c")
    assert timeouts.next_time() == 3
    assert timeouts.pop_due(2.9) is None
    assert [timeouts.pop_due(10) for _ in range(3)] == ["b", "a", None]
    assert timeouts.next_time() is None


def test_outdated_timeouts_do_not_pile_up() -> None:
    """An item whose timeout moves thousands of times keeps a few entries, not thousands."""
    timeouts: TimeoutQueue[str] = TimeoutQueue()
    for number in range(100_000):
        timeouts.add("a", 1_000_000.0 - number)
    assert len(timeouts._heap) < 2000
    assert timeouts.next_time() == 900_001
