"""call_activity at its timeout: it cancels its activity, waits a moment, terminates, and tells.

SWF's clock is held and turned, so that the timeouts are those of real calls.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest

from flowy.exception import (
    ActivityCanceledError,
    AlreadyExistsError,
    CallError,
    CallTimedOutError,
)
from flowy.swf.calling import call_activity
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowy.local import LocalSWF
    from tests.acceptance.cancellation.stage import Stage


class Call:
    """A call of the stepping activity, under way in a thread."""

    def __init__(self, stage: Stage, in_thread: Any, *steps: str, **options: Any) -> None:
        self._stage = stage
        self._outcome: Future[Any] = Future()
        self._steps = steps
        self._options = {"timeout": 3600, "grace": 300, **options}
        stage.swf.clock.hold()
        in_thread(self._run)

    def _run(self) -> None:
        try:
            value = self._stage.call(
                "stepping", 1, *self._steps, workflow_id=self._stage.workflow_id, **self._options
            )
        except BaseException as error:
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(value)

    def value(self) -> Any:
        return self._outcome.result(PATIENCE_SECONDS)

    def error(self) -> Any:
        return self._outcome.exception(PATIENCE_SECONDS)


@pytest.fixture
def call(stage: Stage, in_thread: Any) -> Callable[..., Call]:
    """Start a call of the stepping activity, with SWF's clock held."""
    return lambda *steps, **options: Call(stage, in_thread, *steps, **options)


def test_error_says_how_it_ended(stage: Stage, call: Callable[..., Call]) -> None:
    """CallTimedOutError has in text and attributes what became of the activity."""
    running = call("beat", "cancel", timeout=50)
    stage.steps.wait()
    stage.swf.clock.turn(50)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.steps.step()
    assert stage.steps.answers == [False]
    stage.steps.last_step()
    error = running.error()
    assert isinstance(error, CallTimedOutError)
    assert str(error) == (
        "Activity stepping 1 had not ended after 50 s; asked to cancel, it was canceled: half of it"
    )
    assert (error.reason, error.details) == ("canceled", "half of it")
    assert error.workflow_id == stage.workflow_id
    assert stage.history()[-1] == "WorkflowExecutionCanceled"


def test_value_in_spite_of_the_timeout(stage: Stage, call: Callable[..., Call]) -> None:
    """The value of an activity that completes all the same is returned."""
    running = call("beat", "value", timeout=50)
    stage.steps.wait()
    stage.swf.clock.turn(50)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.steps.step()
    stage.steps.last_step()
    assert running.value() == "a value"
    assert stage.history()[-1] == "WorkflowExecutionCompleted"


def test_failure_after_the_timeout(stage: Stage, call: Callable[..., Call]) -> None:
    """If the activity fails when asked to cancel, the call timed out and tells of the failure."""
    running = call("fail", timeout=50)
    stage.steps.wait()
    stage.swf.clock.turn(50)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.steps.last_step()
    error = running.error()
    assert isinstance(error, CallTimedOutError)
    assert error.reason == "failed: failed by itself"
    assert "ValueError" in (error.details or "")


def test_own_timeout_of_the_activity_after_the_calls(
    stage: Stage, call: Callable[..., Call]
) -> None:
    """If the activity times out while asked to cancel, the call tells which timeout it was."""
    running = call("value", timeout=50)
    stage.steps.wait()
    stage.swf.clock.turn(50)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.swf.clock.turn(10)  # its heartbeat timeout is 60 s
    error = running.error()
    assert isinstance(error, CallTimedOutError)
    assert error.reason == "timed out: HEARTBEAT"
    stage.steps.last_step()


def test_one_that_does_not_listen_is_cut_off(stage: Stage, call: Callable[..., Call]) -> None:
    """After the grace the execution is terminated, and the task is closed for its activity."""
    running = call("beat", "beat", "value", timeout=10, grace=20)
    stage.steps.wait()
    stage.swf.clock.turn(10)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.swf.clock.turn(20)
    error = running.error()
    assert isinstance(error, CallTimedOutError)
    assert str(error).endswith("asked to cancel, it had not ended 20 s later and was cut off.")
    assert stage.history()[-1] == "WorkflowExecutionTerminated"
    stage.steps.step()
    assert stage.steps.answers == [False]
    stage.steps.step()
    stage.steps.last_step()
    assert stage.worker.stop().closed == 1


def test_one_that_nobody_serves_is_canceled_at_once(
    stage: Stage, call: Callable[..., Call]
) -> None:
    """A call of an activity without a worker ends at its timeout, without a moment's wait."""
    stage.worker.stop()
    running = call("value", timeout=100)
    stage.wait_for_event("ActivityTaskScheduled")
    stage.swf.clock.turn(100)
    error = running.error()
    assert isinstance(error, CallTimedOutError)
    assert error.reason == "canceled"


def test_request_from_outside(stage: Stage, call: Callable[..., Call]) -> None:
    """Whoever requests the cancellation of the execution cancels the activity in it."""
    running = call("beat", "cancel")
    stage.steps.wait()
    stage.client.request_cancel_workflow_execution(domain="local", workflowId=stage.workflow_id)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.steps.step()
    stage.steps.last_step()
    error = running.error()
    assert isinstance(error, ActivityCanceledError)
    assert str(error) == "Activity stepping 1 canceled"
    assert error.details == "half of it"


def test_terminated_from_outside(stage: Stage, call: Callable[..., Call]) -> None:
    """An execution that somebody terminates ends the call with what they said."""
    running = call("beat", "none")
    stage.steps.wait()
    stage.client.terminate_workflow_execution(
        domain="local", workflowId=stage.workflow_id, reason="enough of it"
    )
    error = running.error()
    assert type(error) is CallError
    assert error.reason == "enough of it"
    stage.steps.step()
    stage.steps.last_step()


def test_execution_of_a_killed_caller_ends_by_itself(
    stage: Stage, call: Callable[..., Call]
) -> None:
    """The execution's own timeout is that of the call, its grace and a minute."""
    running = call("value", timeout=100, grace=20)
    stage.steps.wait()
    started = stage.attributes("WorkflowExecutionStarted")
    assert started["executionStartToCloseTimeout"] == "180"
    stage.steps.last_step()
    assert running.value() == "a value"


def test_a_years_call_is_no_longer_than_swf_allows(stage: Stage, call: Callable[..., Call]) -> None:
    """SWF closes every execution after a year, so a call of a year has no margin."""
    running = call("value", timeout=31_536_000)
    stage.steps.wait()
    started = stage.attributes("WorkflowExecutionStarted")
    assert started["executionStartToCloseTimeout"] == "31536000"
    stage.steps.last_step()
    assert running.value() == "a value"


def test_workflow_id_that_is_taken(stage: Stage, call: Callable[..., Call]) -> None:
    """A call under an id that is taken is refused, and leaves its holder alone."""
    running = call("value")
    stage.steps.wait()
    with pytest.raises(AlreadyExistsError):
        stage.call("stepping", 1, workflow_id=stage.workflow_id)
    stage.steps.last_step()
    assert running.value() == "a value"


@pytest.mark.parametrize("grace", [None, -1, "soon"])
def test_grace_must_be_seconds(swf: LocalSWF, grace: object) -> None:
    """A grace is whole seconds, 0 or more; nothing is started with another."""
    with pytest.raises(ValueError, match="grace"):
        call_activity("local", "echo", 1, grace=grace, layer1=swf.client())
    with pytest.raises(ValueError, match="without a timeout"):
        call_activity("local", "echo", 1, timeout=None, layer1=swf.client())
