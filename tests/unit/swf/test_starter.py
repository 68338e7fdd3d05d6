"""Calling one activity: arguments, trouble on the way, and what is left behind.

``tests/acceptance/cancellation/test_call_faults.py`` has what SWF, or the way to it, does by
itself; here something happens between two calls of the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowy.exception import (
    AlreadyExistsError,
    CallTimedOutError,
    RefusedError,
    SerializationError,
    TooLongError,
)
from flowy.local import LocalSWF
from flowy.swf.scanner import activity
from flowy.swf.starter import call_activity
from flowy.task import Activity
from flowy.testing import LocalWorker
from tests.unit.stand_ins import ScriptedLayer1


@activity("echo", 1, "list")
class Echo(Activity):
    def run(self, *args: Any, **kwargs: Any) -> Any:
        return [args, kwargs]


@activity("otherwise", 1, "list")
class Otherwise(Activity):
    """Says its result in no JSON."""

    def run(self) -> int:
        return 1

    @staticmethod
    def _serialize_result(result: Any) -> str:
        return f"<{result}>"


@pytest.fixture
def swf() -> Iterator[LocalSWF]:
    """A local SWF of the test's own, whose clock and faults it may use."""
    with LocalSWF(poll_seconds=1) as running:
        yield running


@pytest.fixture
def worker(swf: LocalSWF) -> Iterator[LocalWorker]:
    """Serves the activities above."""
    with LocalWorker(swf, "local", [Echo, Otherwise]) as worker:
        yield worker


#: What happens at a call of the caller's, told by the number of that call, from 1 on.
Happens = Callable[[int], object]


class Between:
    """A client that notes its calls, and lets something happen before or after one."""

    def __init__(
        self,
        client: Any,
        *,
        before: dict[str, Happens] | None = None,
        after: dict[str, Happens] | None = None,
    ) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._client = client
        self._before = before or {}
        self._after = after or {}

    def __getattr__(self, method: str) -> Any:
        called = getattr(self._client, method)
        if method not in self._client.meta.method_to_api_mapping:
            return called

        def call(**parameters: Any) -> Any:
            self.calls.append((method, parameters))
            number = self.methods.count(method)
            self._before.get(method, int)(number)
            answer = called(**parameters)
            self._after.get(method, int)(number)
            return answer

        return call

    @property
    def methods(self) -> list[str]:
        """The names of the methods called, in order."""
        return [method for method, _ in self.calls]

    def parameters(self, method: str) -> list[dict[str, Any]]:
        """The parameters of each call of one method."""
        return [parameters for name, parameters in self.calls if name == method]


def raises(error: BaseException) -> Happens:
    """What ends the first such call."""

    def happen(number: int) -> None:
        raise error

    return happen


def at(wanted: int, happens: Callable[[], object]) -> Happens:
    """What happens at the call of this number only."""
    return lambda number: happens() if number == wanted else None


def open_executions(swf: LocalSWF) -> int:
    """How many there are."""
    client: Any = swf.client()
    counted = client.count_open_workflow_executions(
        domain="local", startTimeFilter={"oldestDate": 0}
    )
    return int(counted["count"])


def terminate(swf: LocalSWF) -> None:
    """Close the execution ``mine`` from outside."""
    swf.client().terminate_workflow_execution(domain="local", workflowId="mine")


def register_for_nobody(client: Any) -> None:
    """Register ``echo``, for no worker and without any timeout."""
    timeouts = ("Heartbeat", "ScheduleToClose", "ScheduleToStart", "StartToClose")
    client.register_activity_type(
        domain="local",
        name="echo",
        version="1",
        defaultTaskList={"name": "nobody"},
        **{f"defaultTask{each}Timeout": "NONE" for each in timeouts},
    )


def test_a_call(swf: LocalSWF, worker: LocalWorker) -> None:
    """Start, decide, wait, decide, look: the value is the activity's result."""
    worker.call(Echo)  # registers the workflow type
    layer1 = Between(swf.client())
    value = worker.call(
        Echo, "x", kwargs={"key": 2}, timeout="60", workflow_id="mine", layer1=layer1
    )
    assert value == [["x"], {"key": 2}]
    # Where nothing comes for a second, a poll is answered so, and the history looked at.
    assert list(dict.fromkeys(layer1.methods)) == [
        "start_workflow_execution",
        "poll_for_decision_task",
        "respond_decision_task_completed",
        "get_workflow_execution_history",
    ]
    (start,) = layer1.parameters("start_workflow_execution")
    assert start["workflowId"] == "mine"
    assert start["workflowType"] == {"name": "flowy.call_activity", "version": "1"}
    # Longer than the call's timeout and its grace, by a minute: for a caller that was killed.
    assert start["executionStartToCloseTimeout"] == "125"
    assert start["taskStartToCloseTimeout"] == "30"
    assert layer1.parameters("poll_for_decision_task")[0]["taskList"] == start["taskList"]
    first, last = layer1.parameters("respond_decision_task_completed")
    scheduled, _timer = first["decisions"]
    attributes = scheduled["scheduleActivityTaskDecisionAttributes"]
    assert attributes["input"] == '[["x"], {"key": 2}]'
    assert "taskList" not in attributes
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
    """Nor is anything started for arguments that cannot be sent."""
    layer1 = ScriptedLayer1()
    with pytest.raises(SerializationError, match=r"set at input\[0\]\[0\]"):
        call_activity("domain", "echo", 1, {1}, layer1=layer1)
    with pytest.raises(TooLongError, match="the input has 32,776 characters, SWF takes 32,768"):
        call_activity("domain", "echo", 1, "x" * 32_766, layer1=layer1)
    assert layer1.calls == []


# The workflow type


def test_the_first_call_in_a_domain_registers(swf: LocalSWF, worker: LocalWorker) -> None:
    """SWF does not know the workflow type yet: it is registered, and the call goes on."""
    layer1 = Between(swf.client())
    assert worker.call(Echo, layer1=layer1) == [[], {}]
    assert layer1.methods[:3] == [
        "start_workflow_execution",
        "register_workflow_type",
        "start_workflow_execution",
    ]


# Trouble


def test_an_execution_that_closed_before_the_decision(swf: LocalSWF, worker: LocalWorker) -> None:
    """The history tells the end then, and that the activity has completed."""
    last = at(2, lambda: terminate(swf))
    layer1 = Between(swf.client(), before={"respond_decision_task_completed": last})
    assert worker.call(Echo, workflow_id="mine", layer1=layer1) == [[], {}]


def test_a_decision_that_came_too_late(swf: LocalSWF, worker: LocalWorker) -> None:
    """Where only the decision has timed out, it is made again."""
    late = at(1, lambda: swf.clock.turn(30))
    layer1 = Between(swf.client(), before={"respond_decision_task_completed": late})
    assert worker.call(Echo, timeout=600, layer1=layer1) == [[], {}]
    decided = layer1.parameters("respond_decision_task_completed")
    assert decided[0]["decisions"] == decided[1]["decisions"]
    assert decided[0]["taskToken"] != decided[1]["taskToken"]


def test_an_execution_that_does_not_close_at_once(swf: LocalSWF, worker: LocalWorker) -> None:
    """Something new has come meanwhile: SWF asks for one more decision."""

    def signal() -> None:
        swf.client().signal_workflow_execution(domain="local", workflowId="mine", signalName="s")

    layer1 = Between(swf.client(), before={"respond_decision_task_completed": at(2, signal)})
    assert worker.call(Echo, workflow_id="mine", layer1=layer1) == [[], {}]
    assert layer1.methods.count("respond_decision_task_completed") == 3
    assert open_executions(swf) == 0


def test_an_execution_that_is_closed_from_outside(swf: LocalSWF) -> None:
    """A poll that brings nothing looks whether there is still something to wait for."""
    client = swf.client()
    register_for_nobody(client)
    turned = at(1, lambda: swf.clock.turn(3_600))
    layer1 = Between(client, after={"respond_decision_task_completed": turned})
    with pytest.raises(CallTimedOutError, match="had not ended 5 s later and was cut") as caught:
        call_activity("local", "echo", 1, timeout=60, workflow_id="mine", layer1=layer1)
    assert "START_TO_CLOSE" in caught.value.reason
    (run_id,) = {
        parameters["execution"]["runId"]
        for parameters in layer1.parameters("get_workflow_execution_history")
    }
    assert (caught.value.workflow_id, caught.value.run_id) == ("mine", run_id)


def test_polls_that_are_not_held() -> None:
    """What answers an empty poll at once is not asked again at once."""
    with LocalSWF(poll_seconds=0) as swf:
        layer1 = Between(swf.client())
        register_for_nobody(swf.client())
        with pytest.raises(CallTimedOutError):
            call_activity("local", "echo", 1, timeout=1, grace=0, layer1=layer1)
    # In a second: the rests between them grow to one. Unchecked there would be hundreds.
    assert 2 < layer1.methods.count("poll_for_decision_task") < 30


# What is left behind


@pytest.mark.parametrize("error", [KeyboardInterrupt(), LookupError(), ZeroDivisionError()])
def test_an_interrupted_call_leaves_nothing_open(swf: LocalSWF, error: BaseException) -> None:
    """Whatever ends the call, its own run is terminated."""
    kind = KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else RefusedError
    layer1 = Between(swf.client(), before={"poll_for_decision_task": raises(error)})
    with pytest.raises(kind):
        call_activity("local", "echo", 1, workflow_id="mine", layer1=layer1)
    (parameters,) = layer1.parameters("terminate_workflow_execution")
    assert (parameters["domain"], parameters["workflowId"]) == ("local", "mine")
    assert parameters["runId"]
    assert open_executions(swf) == 0


def test_an_interrupted_start(swf: LocalSWF) -> None:
    """It may have been made all the same: it is terminated by its id."""
    interrupted = raises(KeyboardInterrupt())
    layer1 = Between(swf.client(), after={"start_workflow_execution": interrupted})
    with pytest.raises(KeyboardInterrupt):
        call_activity("local", "echo", 1, layer1=layer1)
    assert "runId" not in layer1.parameters("terminate_workflow_execution")[0]
    assert open_executions(swf) == 0


def test_the_execution_of_somebody_else(swf: LocalSWF, worker: LocalWorker) -> None:
    """An id that is in use is another's execution: it is not touched."""
    worker.call(Echo)
    swf.client().start_workflow_execution(
        domain="local",
        workflowId="theirs",
        workflowType={"name": "flowy.call_activity", "version": "1"},
        taskList={"name": "theirs"},
        executionStartToCloseTimeout="60",
        taskStartToCloseTimeout="60",
        childPolicy="TERMINATE",
    )
    layer1 = Between(swf.client())
    with pytest.raises(AlreadyExistsError):
        worker.call(Echo, workflow_id="theirs", layer1=layer1)
    assert layer1.methods == ["start_workflow_execution"]
    assert open_executions(swf) == 1


def test_an_id_of_our_own_is_ours(swf: LocalSWF, worker: LocalWorker) -> None:
    """A start that boto3 repeated, under an id that nobody else knows, is terminated."""
    worker.call(Echo)  # registers the workflow type
    lost = swf.faults.drop_answer("StartWorkflowExecution")
    layer1 = Between(swf.client(retries={"mode": "standard", "total_max_attempts": 2}))
    with pytest.raises(AlreadyExistsError):
        worker.call(Echo, layer1=layer1)
    assert lost.happened == 1
    assert layer1.methods == ["start_workflow_execution", "terminate_workflow_execution"]
    assert open_executions(swf) == 0


def test_an_execution_that_is_closed_already(swf: LocalSWF) -> None:
    """There is nothing to terminate then, and the first error is the one that is raised."""

    def close_and_refuse(number: int) -> None:
        terminate(swf)
        raise LookupError

    layer1 = Between(swf.client(), before={"poll_for_decision_task": close_and_refuse})
    with pytest.raises(RefusedError):
        call_activity("local", "echo", 1, workflow_id="mine", layer1=layer1)
    assert layer1.methods[-1] == "terminate_workflow_execution"


def test_an_execution_that_cannot_be_terminated(
    swf: LocalSWF, caplog: pytest.LogCaptureFixture
) -> None:
    """An ERROR tells that it ends by its timeout; the first error is the one that is raised."""
    swf.faults.throttle("TerminateWorkflowExecution")
    layer1 = Between(swf.client(), before={"poll_for_decision_task": raises(LookupError())})
    with pytest.raises(RefusedError):
        call_activity("local", "echo", 1, workflow_id="mine", layer1=layer1)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [
        "Execution mine not terminated (ThrottlingException): it ends by its timeout."
    ]


def test_a_result_of_another_transport(swf: LocalSWF, worker: LocalWorker) -> None:
    """A result that is no JSON is an error of ours, and the execution is closed."""
    with pytest.raises(SerializationError):
        worker.call(Otherwise)
    assert open_executions(swf) == 0
