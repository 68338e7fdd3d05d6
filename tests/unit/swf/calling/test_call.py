"""Calling one activity: its arguments, what is sent, what comes back."""

from __future__ import annotations

from typing import Any

import pytest

from flowy.concurrency.retry import Deadline
from flowy.context import RunningActivity, entered, occupies_only_slot
from flowy.exception import (
    SerializationError,
    TooLongError,
)
from flowy.local import LocalSWF
from flowy.swf.calling import call_activity
from flowy.swf.scanner import activity
from flowy.task import Activity
from flowy.testing import LocalWorker
from tests.suspended import an_info
from tests.unit.stand_ins import ScriptedLayer1
from tests.unit.swf.calling.callers import (
    Between,
    Echo,
    Otherwise,
    open_executions,
)


def test_a_call(swf: LocalSWF, worker: LocalWorker) -> None:
    """Start, decide, wait, decide, look: the value is the activity's result."""
    worker.call(Echo)  # registers the workflow type
    layer1 = Between(swf.client())
    value = worker.call(
        Echo, "x", kwargs={"key": 2}, timeout="60", workflow_id="mine", layer1=layer1
    )
    assert value == [["x"], {"key": 2}]
    # After a poll without a task, of one second, the history is read.
    assert list(dict.fromkeys(layer1.methods)) == [
        "start_workflow_execution",
        "poll_for_decision_task",
        "respond_decision_task_completed",
        "get_workflow_execution_history",
    ]
    (start,) = layer1.parameters("start_workflow_execution")
    assert start["workflowId"] == "mine"
    assert start["workflowType"] == {"name": "flowy.call_activity", "version": "1"}
    assert start["tagList"] == ["echo"]
    # Longer than the call's timeout and its grace, by a minute: for a caller that was killed.
    assert start["executionStartToCloseTimeout"] == "125"
    assert start["taskStartToCloseTimeout"] == "30"
    assert layer1.parameters("poll_for_decision_task")[0]["taskList"] == start["taskList"]
    first, last = layer1.parameters("respond_decision_task_completed")
    scheduled, _timer = first["decisions"]
    attributes = scheduled["scheduleActivityTaskDecisionAttributes"]
    assert attributes["input"] == '[["x"], {"key": 2}]'
    assert attributes["taskList"] == {"name": "list"}  # that of the class's mark
    assert [each["decisionType"] for each in last["decisions"]] == ["CompleteWorkflowExecution"]


def test_each_call_has_a_list_and_an_id_of_its_own(swf: LocalSWF, worker: LocalWorker) -> None:
    """Callers never see each other's decisions."""
    layer1 = Between(swf.client())
    for _ in range(2):
        worker.call(Echo, layer1=layer1)
    starts = layer1.parameters("start_workflow_execution")[-2:]
    assert len({start["taskList"]["name"] for start in starts}) == 2
    assert len({start["workflowId"] for start in starts}) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("do:main", "echo", 1), "'do:main' as domain"),
        (("domain", "", 1), "a name of 0"),
        (("domain", "echo", "v" * 65), "a version of 65"),
    ],
)
def test_bad_names(arguments: tuple[Any, Any, Any], said: str) -> None:
    """What SWF would refuse is refused before any call."""
    layer1 = ScriptedLayer1()
    with pytest.raises(ValueError, match=said):
        call_activity(*arguments, layer1=layer1)
    assert layer1.calls == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"timeout": None}, "Cannot call without a timeout"),
        ({"timeout": 0}, "0 as timeout"),
        ({"task_list": " "}, "' ' as task_list"),
        ({"workflow_id": "a:b"}, "'a:b' as workflow_id"),
        ({"workflow_id": ""}, "a workflow_id of 0"),
    ],
)
def test_bad_options(options: dict[str, Any], said: str) -> None:
    """So is every option, and a call without a timeout."""
    layer1 = ScriptedLayer1()
    with pytest.raises(ValueError, match=said):
        call_activity("domain", "echo", 1, layer1=layer1, **options)
    assert layer1.calls == []


def test_arguments_that_cannot_travel() -> None:
    """Nothing is started for arguments that cannot be sent, either."""
    layer1 = ScriptedLayer1()
    with pytest.raises(SerializationError, match=r"set at input\[0\]\[0\]"):
        call_activity("domain", "echo", 1, {1}, layer1=layer1)
    with pytest.raises(TooLongError, match="the input has 32,776 characters, SWF takes 32,768"):
        call_activity("domain", "echo", 1, "x" * 32_766, layer1=layer1)
    assert layer1.calls == []


def test_the_first_call_in_a_domain_registers(swf: LocalSWF, worker: LocalWorker) -> None:
    """SWF does not know the workflow type yet: it is registered, and the call goes on."""
    layer1 = Between(swf.client())
    assert worker.call(Echo, layer1=layer1) == [[], {}]
    assert layer1.methods[:3] == [
        "start_workflow_execution",
        "register_workflow_type",
        "start_workflow_execution",
    ]


def test_a_result_of_another_transport(swf: LocalSWF, worker: LocalWorker) -> None:
    """A result that is not JSON is an error of ours, and the execution is closed."""
    with pytest.raises(SerializationError):
        worker.call(Otherwise)
    assert open_executions(swf) == 0


@activity("holds only slot", 1, "list")
class HoldsOnlySlot(Activity):
    def run(self) -> bool:
        return occupies_only_slot()


def test_a_worker_tells_its_activities_of_its_slots(swf: LocalSWF) -> None:
    """With one slot, and only then, an activity takes the only one."""
    for concurrency in (1, 2):
        with LocalWorker(swf, "local", [HoldsOnlySlot], concurrency=concurrency) as worker:
            assert worker.call(HoldsOnlySlot) is (concurrency == 1)
    assert not occupies_only_slot()


@pytest.mark.parametrize(
    ("slots", "domain", "task_list", "warns"),
    [
        (1, "local", None, True),
        (1, "local", "list", True),
        (1, "local", "other", False),
        (1, "shop", None, False),
        (2, "local", None, False),
        (None, "local", None, False),
    ],
)
def test_a_call_in_the_only_slot_warns(
    swf: LocalSWF,
    worker: LocalWorker,
    caplog: pytest.LogCaptureFixture,
    slots: int | None,
    domain: str,
    task_list: str | None,
    warns: bool,
) -> None:
    """A call that may wait for its caller's own slot says so, and what to do; it goes on."""
    info = an_info(domain=domain, task_list=task_list or "list")
    called_list = None if task_list is None else "list"
    with entered(RunningActivity(info, Deadline(None), bool, slots)):
        value = call_activity(
            "local", "echo", 1, task_list=called_list, timeout=30, layer1=swf.client()
        )
    assert value == [[], {}]
    assert ("in the only slot of its worker" in caplog.text) is warns
    assert ("Give the worker concurrency=2 or more" in caplog.text) is warns
