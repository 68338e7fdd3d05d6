"""call_activity in a process of its own, interrupted as people and machines interrupt."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

if TYPE_CHECKING:
    from tests.acceptance.cancellation.stage import Stage

#: Starts a caller: steps, and the grace in seconds.
Caller = Callable[..., PythonProcess]


def test_ctrl_c_cancels_the_activity(stage: Stage, caller: Caller) -> None:
    """SIGINT: the activity is canceled, the execution closed, and KeyboardInterrupt says so."""
    process = caller("beat", "cancel")
    process.send_signal(signal.SIGINT)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.steps.step()
    assert stage.steps.answers == [False]
    stage.steps.last_step()
    said, logged = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 3
    note = "The call was interrupted; asked to cancel, activity stepping 1 was canceled: half of it"
    assert said == f"KeyboardInterrupt|{note}\n"
    assert note in logged
    assert stage.history()[-1] == "WorkflowExecutionCanceled"


def test_ctrl_c_and_an_activity_that_completes(stage: Stage, caller: Caller) -> None:
    """An activity that completes all the same has completed; the interrupted caller says so."""
    process = caller("value")
    process.send_signal(signal.SIGINT)
    stage.wait_for_event("ActivityTaskCancelRequested")
    stage.steps.last_step()
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert said.endswith("activity stepping 1 completed\n")
    assert stage.history()[-1] == "WorkflowExecutionCompleted"


def test_second_ctrl_c_cuts_off(stage: Stage, caller: Caller) -> None:
    """A second SIGINT does not wait for the activity: the execution is terminated at once."""
    process = caller("beat", "none")
    process.send_signal(signal.SIGINT)
    stage.wait_for_event("ActivityTaskCancelRequested")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert stage.history()[-1] == "WorkflowExecutionTerminated"
    stage.steps.step()
    assert stage.steps.answers == [False]
    stage.steps.last_step()


def test_ctrl_c_and_an_activity_that_does_not_listen(stage: Stage, caller: Caller) -> None:
    """After the grace the execution is terminated, and KeyboardInterrupt says so."""
    process = caller("none", grace=1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert said.endswith("activity stepping 1 had not ended 1 s later and was cut off.\n")
    assert stage.history()[-1] == "WorkflowExecutionTerminated"
    stage.steps.last_step()


def test_kill_leaves_an_execution_that_ends_by_itself(stage: Stage, caller: Caller) -> None:
    """SIGKILL: an hour, the grace and a minute later SWF has closed the execution."""
    process = caller("beat", "none", grace=60)
    process.kill()
    process.wait(PATIENCE_SECONDS)
    stage.swf.clock.turn(3600 + 60 + 60 + 1)
    assert "WorkflowExecutionTimedOut" in stage.history()
    stage.steps.step()
    assert stage.steps.answers == [False]
    stage.steps.last_step()
