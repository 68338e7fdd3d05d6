"""Calling one activity: trouble on the way, and what is left behind.

``tests/acceptance/cancellation/test_call_faults.py`` has the faults of SWF and of the network; here
something happens between two calls of the caller's.
"""

from __future__ import annotations

import pytest

from flowy.exception import (
    AlreadyExistsError,
    CallTimedOutError,
    RefusedError,
    TransientError,
)
from flowy.local import LocalSWF
from flowy.swf.calling import call_activity
from flowy.testing import LocalWorker
from tests.unit.swf.calling.callers import (
    Between,
    Echo,
    at,
    open_executions,
    raises,
    register_for_nobody,
    terminate,
)


def test_an_execution_that_closed_before_the_decision(swf: LocalSWF, worker: LocalWorker) -> None:
    """The history tells the end then, and that the activity has completed."""
    last = at(2, lambda: terminate(swf))
    layer1 = Between(swf.client(), before={"respond_decision_task_completed": last})
    assert worker.call(Echo, workflow_id="mine", layer1=layer1) == [[], {}]


def test_a_decision_that_came_too_late(swf: LocalSWF, worker: LocalWorker) -> None:
    """If only the decision timed out, it is made again."""
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
    """If boto3 repeated the start of an execution whose id was made here, it is terminated."""
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


def test_an_execution_that_was_never_started(
    swf: LocalSWF, caplog: pytest.LogCaptureFixture
) -> None:
    """If nobody listens, nothing is left to end by a timeout, and no ERROR claims so."""
    client = swf.client(retries={"total_max_attempts": 1})
    swf.stop()
    with pytest.raises(TransientError):
        call_activity("local", "echo", 1, layer1=client)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
