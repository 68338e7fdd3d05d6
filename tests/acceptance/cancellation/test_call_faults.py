"""call_activity when SWF, or the way to it, is in trouble; nothing stays open behind it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from flowy.exception import RefusedError, TransientError, UnknownResourceError
from flowy.swf.calling import call_activity, decider_thread, execution
from flowy.swf.scanner import activity
from flowy.task import Activity
from flowy.testing import LocalWorker
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

if TYPE_CHECKING:
    from flowy.local import LocalSWF
    from tests.acceptance.cancellation.stage import Stage


@activity("ping", 1, "steps")
class Ping(Activity):
    def run(self) -> str:
        return "pong"


class Client:
    """A client that lets something happen before some of its calls are made."""

    def __init__(self, client: Any, **before: Callable[[], object]) -> None:
        self._client = client
        self._before = before

    def __getattr__(self, name: str) -> Any:
        if name in self._before:
            self._before[name]()
        return getattr(self._client, name)


def open_executions(swf: LocalSWF) -> int:
    """How many there are."""
    client: Any = swf.client()
    counted = client.count_open_workflow_executions(
        domain="local", startTimeFilter={"oldestDate": 0}
    )
    return int(counted["count"])


@pytest.mark.parametrize("action", ["PollForDecisionTask", "GetWorkflowExecutionHistory"])
def test_goes_on_through_errors(swf: LocalSWF, action: str) -> None:
    """A call that fails is made again."""
    with LocalWorker(swf, "local", Ping) as worker:
        failed = swf.faults.fail(action, count=2)
        assert worker.call(Ping) == "pong"
        assert failed.happened == 2


def test_a_lost_answer_to_a_decision_is_no_matter(swf: LocalSWF) -> None:
    """A decision whose answer was lost was made; the next poll tells."""
    with LocalWorker(swf, "local", Ping) as worker:
        lost = swf.faults.drop_answer("RespondDecisionTaskCompleted", count=2)
        assert worker.call(Ping) == "pong"
        assert lost.happened == 2


def test_a_lost_answer_to_the_start_leaves_nothing_open(swf: LocalSWF) -> None:
    """If nobody knows whether the execution was started, it is terminated."""
    with LocalWorker(swf, "local", Ping) as worker:
        worker.call(Ping)  # registers the workflow type
        swf.faults.drop_answer("StartWorkflowExecution")
        with pytest.raises(TransientError):
            worker.call(Ping)
        swf.faults.drop_answer("StartWorkflowExecution")
        with pytest.raises(TransientError):
            worker.call(Ping, workflow_id="my own")
    assert open_executions(swf) == 1, "an id of the user's may be that of another's execution"


def test_a_decider_that_is_refused_ends_the_call(swf: LocalSWF) -> None:
    """A caller that may not poll for decisions gets an error, and leaves nothing open."""

    def refuse() -> None:
        raise LookupError("no decisions for you")

    client = Client(swf.client(), poll_for_decision_task=refuse)
    with pytest.raises(RefusedError):
        call_activity("local", "ping", 1, layer1=client)
    assert open_executions(swf) == 0


def test_two_callers_register_the_workflow_type(swf: LocalSWF) -> None:
    """Of two first callers at once one registers the type, and both go on."""
    plain: Any = swf.client()

    def be_faster() -> None:
        plain.register_workflow_type(domain="local", name=execution.WORKFLOW_NAME, version="1")

    client = Client(swf.client(), register_workflow_type=be_faster)
    with LocalWorker(swf, "local", Ping) as worker:
        assert worker.call(Ping, layer1=client) == "pong"


def test_unknown_domain(swf: LocalSWF) -> None:
    """The error names a domain that does not exist."""
    with pytest.raises(UnknownResourceError, match="domain 'nowhere' does not exist"):
        call_activity("nowhere", "ping", 1, layer1=swf.client())


def test_swf_that_stays_away(swf: LocalSWF, monkeypatch: pytest.MonkeyPatch) -> None:
    """If SWF stays out of reach after the timeout and some patience, the call gives up."""
    monkeypatch.setattr(decider_thread, "PATIENCE_SECONDS", 0.5)
    away = swf.faults.break_connection("PollForDecisionTask", rate=1.0)
    with pytest.raises(TransientError):
        call_activity("local", "ping", 1, layer1=swf.client(), timeout=1, grace=0)
    assert away.happened > 2
    assert open_executions(swf) == 0


@pytest.mark.parametrize(
    ("failing", "note"),
    [
        (["RequestCancelWorkflowExecution"], "had not ended 2 s later and was cut off."),
        (
            ["RequestCancelWorkflowExecution", "TerminateWorkflowExecution"],
            "is still open; it ends by its timeout",
        ),
        (
            ["RequestCancelWorkflowExecution", "GetWorkflowExecutionHistory"],
            "may have ended: its history cannot be read (InternalFailure)",
        ),
    ],
)
def test_interrupted_while_swf_is_in_trouble(
    stage: Stage, caller: Callable[..., PythonProcess], failing: list[str], note: str
) -> None:
    """An interruption ends in any case, and says what it knows."""
    process = caller("none", grace=2)
    stage.swf.faults.fail(*failing, rate=1.0)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    stage.swf.faults.clear()
    assert said.endswith(f"activity stepping 1 {note}\n")
    stage.steps.last_step()
