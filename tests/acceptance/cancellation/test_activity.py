"""From the decider's request to the history: what an activity learns, and what its answer is."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, ClassVar

import pytest

from flowy.concurrency.stop import StopLevel
from flowy.exception import ActivityCanceledError, RefusedError, SuspendTask
from flowy.observer import HeartbeatEnded, Observer
from flowy.swf.boilerplate import async_scheduler
from flowy.swf.scanner import activity
from flowy.task import Activity, AsyncActivity
from flowy.testing.worker import LocalWorker
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from flowy.local import LocalSWF
    from tests.acceptance.cancellation.stage import GradedWorker, Stage


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ("cancel", "ActivityTaskCanceled"),
        ("none", "ActivityTaskCanceled"),
        ("value", "ActivityTaskCompleted"),
        ("fail", "ActivityTaskFailed"),
    ],
)
def test_told_by_a_heartbeat(stage: Stage, last: str, end: str) -> None:
    """The heartbeat after the request answers False; what the activity then does is the answer."""
    stage.schedule("beat", "beat", "look", last)
    stage.steps.wait()
    stage.steps.step()
    stage.request_cancel()
    stage.steps.step()
    stage.steps.step()
    stage.steps.last_step()
    stage.wait_for_end()
    assert stage.steps.answers == [True, False, True]
    assert stage.ends() == [end]
    if last == "cancel":
        assert stage.attributes("ActivityTaskCanceled")["details"] == "half of it"


@pytest.mark.parametrize("last", ["none", "value"])
def test_one_that_never_looks_completes(stage: Stage, last: str) -> None:
    """A request that the activity was not told of changes nothing, not even for None."""
    stage.schedule(last)
    stage.steps.wait()
    stage.request_cancel()
    stage.steps.last_step()
    stage.wait_for_end()
    assert stage.ends() == ["ActivityTaskCompleted"]


def test_cancel_task_without_a_request_fails(stage: Stage) -> None:
    """CancelTask that nobody asked for is a failure that says so."""
    stage.schedule("cancel")
    stage.steps.wait()
    stage.steps.last_step()
    stage.wait_for_end()
    assert stage.ends() == ["ActivityTaskFailed"]
    reason = stage.attributes("ActivityTaskFailed")["reason"]
    assert reason.startswith("Cancellation not requested: ")


def test_one_that_waits_in_line_never_starts(swf: LocalSWF, stage: Stage) -> None:
    """A task that no worker has yet is canceled by SWF itself."""
    stage.worker.stop()
    stage.schedule("value")
    stage.request_cancel()
    stage.wait_for_end()
    assert stage.ends() == ["ActivityTaskCanceled"]
    assert "ActivityTaskStarted" not in [event["eventType"] for event in stage.events()]


class Waiting:
    """What the activities below tell the test."""

    started = threading.Event()
    cleaned = threading.Event()
    token = ""
    beats: ClassVar[list[HeartbeatEnded]] = []


class Beats(Observer):
    """Tells the activities which heartbeats were sent."""

    def heartbeat_ended(self, event: HeartbeatEnded) -> None:
        Waiting.beats.append(event)


@activity("threaded", 1, "steps", heartbeat=60, auto_heartbeat=0.05)
class Threaded(Activity):
    """Never beats: the worker does."""

    def run(self) -> None:
        Waiting.started.set()
        until(lambda: self.cancel_requested)


@activity("coroutine", 1, "steps", heartbeat=60, auto_heartbeat=0.05)
class Coroutine(AsyncActivity):
    """Waits for ever, and cleans up while several heartbeats are sent."""

    async def run(self) -> None:
        Waiting.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            beats = len(Waiting.beats) + 3
            await asyncio.to_thread(until, lambda: len(Waiting.beats) >= beats)
            Waiting.cleaned.set()


@pytest.mark.parametrize("kind", [Threaded, Coroutine])
def test_arrives_without_the_activitys_beating(
    swf: LocalSWF, kind: type[Activity], in_thread: Callable[..., threading.Thread]
) -> None:
    """With auto_heartbeat a request arrives by itself; a coroutine may take time to clean up."""
    Waiting.started.clear()
    Waiting.cleaned.clear()
    client = swf.client()

    def cancel_when_it_runs() -> None:
        assert Waiting.started.wait(PATIENCE_SECONDS)
        client.request_cancel_workflow_execution(domain="local", workflowId="flow")

    with LocalWorker(swf, "local", kind, observers=[Beats()]) as worker:
        in_thread(cancel_when_it_runs)
        with pytest.raises(ActivityCanceledError):
            worker.call(kind, workflow_id="flow")
    assert worker.report.canceled == 1
    assert Waiting.cleaned.is_set() == (kind is Coroutine)


@activity("suspended", 1, "steps", heartbeat=60)
class Suspended(Activity):
    def run(self) -> None:
        Waiting.token = self.token
        Waiting.started.set()
        raise SuspendTask


def test_suspended_task_is_canceled_by_its_token(
    swf: LocalSWF, in_thread: Callable[..., threading.Thread]
) -> None:
    """async_scheduler(...).cancel answers canceled after a request, and only then, once."""
    Waiting.started.clear()
    client = swf.client()
    scheduler = async_scheduler("local", client)
    answers: list[bool] = []

    def cancel() -> None:
        assert Waiting.started.wait(PATIENCE_SECONDS)
        with pytest.raises(RefusedError):
            scheduler.cancel(Waiting.token)
        client.request_cancel_workflow_execution(domain="local", workflowId="flow")
        # The decider, in the other thread, passes it on.
        until(lambda: not scheduler.heartbeat(Waiting.token), "the request")
        answers.append(scheduler.cancel(Waiting.token, "by hand"))
        answers.append(scheduler.cancel(Waiting.token))

    with LocalWorker(swf, "local", Suspended) as worker:
        in_thread(cancel)
        with pytest.raises(ActivityCanceledError) as canceled:
            worker.call(Suspended, workflow_id="flow")
    assert canceled.value.details == "by hand"
    assert answers == [True, False]


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ("value", "ActivityTaskCompleted"),
        ("fail", "ActivityTaskFailed"),
        ("cancel", "ActivityTaskFailed"),
    ],
)
def test_the_end_was_faster_than_the_request(stage: Stage, last: str, end: str) -> None:
    """A request for an activity that has ended fails, and its end stands."""
    stage.schedule(last)
    stage.steps.wait()
    stage.steps.last_step()
    stage.poll_until_ended_then_request()
    stage.worker.stop()
    assert stage.ends() == [end]
    assert stage.attributes("RequestCancelActivityTaskFailed")["cause"] == "ACTIVITY_ID_UNKNOWN"


def test_the_request_was_faster_than_the_timeout(stage: Stage) -> None:
    """An activity that is told, and answers after its timeout, has timed out: SWF takes one end."""
    stage.swf.clock.hold()
    stage.schedule("beat", "cancel")
    stage.steps.wait()
    stage.request_cancel()
    stage.steps.step()
    assert stage.steps.answers == [False]
    stage.swf.clock.turn(60)
    stage.steps.last_step()
    report = stage.worker.stop()
    assert stage.ends() == ["ActivityTaskTimedOut"]
    assert report.closed == 1


def test_the_timeout_was_faster_than_the_request(stage: Stage) -> None:
    """A request for one that has timed out fails; its heartbeat answers False, closed."""
    stage.swf.clock.hold()
    stage.schedule("beat", "look", "none")
    stage.steps.wait()
    stage.swf.clock.turn(60)
    stage.request_cancel()
    stage.steps.step()
    stage.steps.step()
    stage.steps.last_step()
    report = stage.worker.stop()
    assert stage.steps.answers == [False, False]
    assert stage.ends() == ["ActivityTaskTimedOut"]
    assert report.closed == 1


def test_the_request_was_faster_than_the_stop(
    graded_stage: Stage, graded_worker: GradedWorker
) -> None:
    """An activity that is giving up when the worker must stop answers canceled, not abandoned."""
    graded_stage.schedule("beat", "cancel")
    graded_stage.steps.wait()
    graded_stage.request_cancel()
    graded_stage.steps.step()
    graded_worker.stop_to(StopLevel.CANCEL)
    graded_stage.steps.last_step()
    graded_stage.wait_for_end()
    report = graded_worker.stop()
    assert graded_stage.ends() == ["ActivityTaskCanceled"]
    assert (report.canceled, report.abandoned) == (1, ())


def test_the_stop_was_faster_than_the_request(
    graded_stage: Stage, graded_worker: GradedWorker
) -> None:
    """An activity whose heartbeat brings a request while the worker must stop answers canceled."""
    graded_stage.schedule("beat", "none")
    graded_stage.steps.wait()
    graded_worker.stop_to(StopLevel.DRAIN)
    graded_stage.request_cancel()
    graded_stage.steps.step()
    graded_stage.steps.last_step()
    graded_stage.wait_for_end()
    report = graded_worker.stop()
    assert graded_stage.ends() == ["ActivityTaskCanceled"]
    assert (report.canceled, report.abandoned) == (1, ())


def test_a_stop_that_told_first_leaves_to_the_timeout(
    graded_stage: Stage, graded_worker: GradedWorker
) -> None:
    """An activity that gave up for the stop is left to its timeout; a request changes nothing."""
    graded_stage.schedule("beat", "none")
    graded_stage.steps.wait()
    graded_worker.stop_to(StopLevel.CANCEL)
    graded_stage.steps.step()
    graded_stage.request_cancel()
    graded_stage.steps.last_step()
    report = graded_worker.stop()
    assert graded_stage.ends() == []
    assert len(report.abandoned) == 1
