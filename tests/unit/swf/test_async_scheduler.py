"""What finishes suspended tasks by token, against the local SWF."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from flowy import async_scheduler
from flowy.exception import OutOfReachError, RefusedError, SerializationError, TooLongError
from flowy.heartbeat import Verdict
from flowy.local import LocalSWF
from flowy.swf.scheduler import AsyncScheduler
from tests.suspended import Desk

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


@pytest.fixture
def desk(client: SWFClient, domain: str) -> Desk:
    return Desk(client, domain)


@pytest.fixture
def scheduler(client: SWFClient, domain: str) -> AsyncScheduler:
    return async_scheduler(domain, client)


def test_complete_is_a_returned_value(desk: Desk, scheduler: AsyncScheduler) -> None:
    """complete() ends the task with the JSON of the result, as if run had returned it."""
    execution, task = desk.waiting()
    assert scheduler.complete(task.token, {"yes": True})
    assert execution.said("ActivityTaskCompleted")["result"] == '{"yes": true}'


def test_fail_carries_reason_and_details(desk: Desk, scheduler: AsyncScheduler) -> None:
    """fail() ends the task with its reason and details, cut to SWF's limits."""
    execution, task = desk.waiting()
    assert scheduler.fail(task.token, "r" * 300, "d" * 40_000)
    said = execution.said("ActivityTaskFailed")
    assert (len(said["reason"]), len(said["details"])) == (256, 32_768)
    other, second = desk.waiting("other")
    assert scheduler.fail(second.token, "no")
    assert "details" not in other.said("ActivityTaskFailed")


def test_heartbeat_says_go_on(desk: Desk, scheduler: AsyncScheduler) -> None:
    """An open task: True, and GO_ON of a beat; details may be text or a value."""
    _, task = desk.waiting()
    assert scheduler.heartbeat(task.token)
    assert scheduler.heartbeat(task.token, {"read": 3})
    assert scheduler.beat(task.token, "x" * 5_000) is Verdict.GO_ON
    with pytest.raises(SerializationError):
        scheduler.heartbeat(task.token, object())


def test_a_closed_task_is_told_from_one_to_cancel(desk: Desk, scheduler: AsyncScheduler) -> None:
    """After a cancellation was requested a beat says so, and cancel() is taken; then CLOSED."""
    execution, task = desk.waiting()
    execution.request_cancel()
    assert scheduler.beat(task.token) is Verdict.CANCEL_REQUESTED
    assert not scheduler.heartbeat(task.token)
    assert scheduler.cancel(task.token, "as you like")
    assert execution.said("ActivityTaskCanceled")["details"] == "as you like"
    assert scheduler.beat(task.token) is Verdict.CLOSED
    assert not scheduler.heartbeat(task.token)
    assert not scheduler.cancel(task.token)


def test_a_closed_task_answers_false_and_logs_no_token(
    desk: Desk, scheduler: AsyncScheduler, caplog: pytest.LogCaptureFixture
) -> None:
    """Each verb answers False where the task is closed, with a log line that has no token."""
    caplog.set_level(logging.DEBUG, logger="flowy")
    execution, task = desk.waiting()
    execution.terminate()
    assert scheduler.beat(task.token) is Verdict.CLOSED
    assert not scheduler.complete(task.token, 1)
    assert not scheduler.fail(task.token, "no")
    assert not scheduler.cancel(task.token)
    assert "closed" in caplog.text
    assert task.token not in caplog.text


def test_of_two_approvers_at_once_one_is_taken(desk: Desk, scheduler: AsyncScheduler) -> None:
    """However many answer at the same moment: one True, all others False, one event."""
    for number in range(5):
        execution, task = desk.waiting(f"flow-{number}")
        barrier = threading.Barrier(4)

        def click(which: int, token: str = task.token, start: threading.Barrier = barrier) -> bool:
            start.wait()
            if which % 2:
                return scheduler.complete(token, which)
            return scheduler.fail(token, str(which))

        with ThreadPoolExecutor(4) as approvers:
            assert sorted(approvers.map(click, range(4))) == [False, False, False, True]
        ends = {"ActivityTaskCompleted", "ActivityTaskFailed"}
        assert len([event for event in execution.events() if event in ends]) == 1


def test_errors_are_the_callers_to_see(desk: Desk, scheduler: AsyncScheduler) -> None:
    """A token that SWF cannot read and a result that cannot travel raise, and change nothing."""
    _, task = desk.waiting()
    for token in ("nonsense", "", "x" * 2_000):
        for call in (
            lambda token=token: scheduler.beat(token),
            lambda token=token: scheduler.complete(token, 1),
            lambda token=token: scheduler.fail(token, "no"),
        ):
            with pytest.raises(RefusedError) as caught:
                call()
            assert not token or token not in str(caught.value)
    with pytest.raises(SerializationError):
        scheduler.complete(task.token, object())
    with pytest.raises(TooLongError):
        scheduler.complete(task.token, "x" * 40_000)
    assert scheduler.complete(task.token, 1)


def test_a_lost_answer_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Where the client had sent the call before, False may mean that this very call was taken."""
    with LocalSWF(poll_seconds=0) as swf:
        desk = Desk(swf.client(), swf.domain)
        execution, task = desk.waiting()
        swf.faults.drop_answer("RespondActivityTaskCompleted", count=1)
        scheduler = async_scheduler(
            swf.domain, swf.client(retries={"total_max_attempts": 2, "mode": "standard"})
        )
        assert not scheduler.complete(task.token, 1)
        assert "SWF may have taken it." in caplog.text
        assert "ActivityTaskCompleted" in execution.events()
        caplog.clear()
        assert not scheduler.complete(task.token, 1)
        assert "it is closed (UnknownResourceFault)." in caplog.text
        assert "SWF may have taken it" not in caplog.text


def test_many_threads_throw_no_connection_away(
    local_swf: LocalSWF, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A web app with many threads keeps a connection for each call that is out."""
    for name, value in local_swf.environment.items():
        monkeypatch.setenv(name, value)
    desk = Desk(local_swf.client(), local_swf.domain)
    _, task = desk.waiting("many-threads")
    scheduler = async_scheduler(local_swf.domain)
    barrier = threading.Barrier(40)

    def beat(_number: int) -> bool:
        barrier.wait()
        return scheduler.heartbeat(task.token)

    with ThreadPoolExecutor(40) as threads:
        assert all(threads.map(beat, range(40)))
    assert "pool is full" not in caplog.text


def test_swf_away_raises_and_may_be_tried_again() -> None:
    """No SWF, no answer: an error, and the same call works when SWF is back."""
    with LocalSWF(poll_seconds=0) as swf:
        desk = Desk(swf.client(), swf.domain)
        execution, task = desk.waiting()
        scheduler = async_scheduler(swf.domain, swf.client())
        swf.stop()
        with pytest.raises(OutOfReachError):
            scheduler.complete(task.token, 1)
        with pytest.raises(OutOfReachError):
            scheduler.beat(task.token)
        swf.start()
        assert scheduler.complete(task.token, 1)
        assert "ActivityTaskCompleted" in execution.events()
