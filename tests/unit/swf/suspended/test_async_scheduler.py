"""What finishes suspended tasks by token."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from flowy import async_scheduler
from flowy.exception import (
    CredentialsError,
    SerializationError,
    TooLongError,
    TransientError,
    ValidationError,
)
from flowy.invocation import TaskStatus
from flowy.local import LocalSWF
from flowy.swf.suspended.async_scheduler import AsyncScheduler
from tests.patience import PATIENCE_SECONDS
from tests.suspended import Desk
from tests.unit.stand_ins import Line, ScriptedLayer1
from tests.unit.swf.client.faulting import FaultingLayer1
from tests.unit.swf.client.lean.raw_server import Peer, RawServer, answer

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient


# Each verb is one call


VERBS: dict[str, Callable[[AsyncScheduler, str], bool]] = {
    "heartbeat": lambda scheduler, token: scheduler.heartbeat(token),
    "complete": lambda scheduler, token: scheduler.complete(token, {"a": 1}),
    "fail": lambda scheduler, token: scheduler.fail(token, "why"),
    "cancel": lambda scheduler, token: scheduler.cancel(token),
}


@pytest.fixture(params=list(VERBS))
def act(request: pytest.FixtureRequest) -> Callable[[AsyncScheduler, str], bool]:
    return VERBS[request.param]


def scripted(*script: Line) -> tuple[ScriptedLayer1, AsyncScheduler]:
    layer1 = ScriptedLayer1(*script)
    return layer1, AsyncScheduler(layer1.client())


def test_taken(act: Callable[[AsyncScheduler, str], bool]) -> None:
    """True when SWF took it, by one call."""
    layer1, scheduler = scripted({})
    assert act(scheduler, "token") is True
    assert len(layer1.calls) == 1


def test_closed(
    act: Callable[[AsyncScheduler, str], bool], caplog: pytest.LogCaptureFixture
) -> None:
    """False when the task is closed, with a log line that does not show the token."""
    caplog.set_level(logging.DEBUG, "flowy")
    scheduler = AsyncScheduler(FaultingLayer1("UnknownResourceFault", "Unknown").client())
    assert act(scheduler, "SECRET") is False
    (warning,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert "it is closed (UnknownResourceFault)." in warning.getMessage()
    assert "SECRET" not in caplog.text
    assert scheduler.beat("SECRET") is TaskStatus.CLOSED


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", TransientError),
        ("ValidationException", ValidationError),
        ("AccessDeniedException", CredentialsError),
    ],
)
def test_what_the_caller_must_learn(
    act: Callable[[AsyncScheduler, str], bool], code: str, kind: type[Exception]
) -> None:
    """SWF out of reach, a token that it cannot read, a missing permission: exceptions."""
    layer1 = FaultingLayer1(code)
    with pytest.raises(kind):
        act(AsyncScheduler(layer1.client()), "token")
    assert len(layer1.methods) == 1


def test_a_token_that_was_lost(act: Callable[[AsyncScheduler, str], bool]) -> None:
    """It is an exception too, not a closed task."""
    layer1, scheduler = scripted({})
    with pytest.raises(ValidationError):
        act(scheduler, "")
    assert layer1.calls == []


def test_a_heartbeat_that_brings_a_request_to_cancel(caplog: pytest.LogCaptureFixture) -> None:
    """False, with a log line."""
    caplog.set_level(logging.INFO)
    _, scheduler = scripted({"cancelRequested": True})
    assert scheduler.heartbeat("token") is False
    assert "cancellation of a suspended task was requested" in caplog.text


def test_values_that_cannot_travel() -> None:
    """Without a JSON form, or as a result too long: an exception before any call."""
    layer1, scheduler = scripted({})
    for call in (scheduler.complete, scheduler.heartbeat):
        with pytest.raises(SerializationError, match="set at result"):
            call("token", {1})
    with pytest.raises(TooLongError):
        scheduler.complete("token", "x" * 40_000)
    assert layer1.calls == []


def test_texts() -> None:
    """A reason and details are any object's text."""
    layer1, scheduler = scripted({})
    anything: Any = ValueError("why")
    scheduler.fail("token", anything, anything)
    scheduler.cancel("token", anything)
    assert [parameters for _, parameters in layer1.calls] == [
        {"taskToken": "token", "reason": "why", "details": "why"},
        {"taskToken": "token", "details": "why"},
    ]


# At the local SWF


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
    """An open task: True, and ACTIVE; details may be text or a value, and are cut."""
    _, task = desk.waiting()
    assert scheduler.heartbeat(task.token)
    assert scheduler.heartbeat(task.token, {"read": 3})
    assert scheduler.beat(task.token, "x" * 5_000) is TaskStatus.ACTIVE


def test_a_closed_task_is_told_from_one_to_cancel(desk: Desk, scheduler: AsyncScheduler) -> None:
    """After a cancellation was requested a heartbeat says so, cancel() is taken; then CLOSED."""
    execution, task = desk.waiting()
    execution.request_cancel()
    assert scheduler.beat(task.token) is TaskStatus.CANCEL_REQUESTED
    assert not scheduler.heartbeat(task.token)
    assert scheduler.cancel(task.token, "as you like")
    assert execution.said("ActivityTaskCanceled")["details"] == "as you like"
    assert scheduler.beat(task.token) is TaskStatus.CLOSED
    assert not scheduler.heartbeat(task.token)
    assert not scheduler.cancel(task.token)


def test_of_two_approvers_at_once_one_is_taken(desk: Desk, scheduler: AsyncScheduler) -> None:
    """However many answer at the same moment: one True, the others False, one event."""
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


def test_a_token_of_nobody(scheduler: AsyncScheduler) -> None:
    """SWF cannot read it: an error, which does not show it."""
    calls: list[Callable[[], object]] = [
        lambda: scheduler.beat("nonsense"),
        lambda: scheduler.complete("nonsense", 1),
        lambda: scheduler.fail("nonsense", "no"),
        lambda: scheduler.cancel("nonsense"),
    ]
    for call in calls:
        with pytest.raises(ValidationError) as caught:
            call()
        assert "nonsense" not in str(caught.value)


def test_a_lost_answer_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """If the client had sent the call before, False may mean that SWF took this very call."""
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


@pytest.mark.parametrize("way", ["", "botocore"])
def test_many_threads_throw_no_connection_away(
    no_settings: None, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A web app with many threads keeps a connection for each call that is out."""
    threads = 16  # botocore's own pool has room for 10
    all_out = threading.Barrier(threads)

    def behave(peer: Peer) -> None:
        while peer.read():
            all_out.wait(PATIENCE_SECONDS)
            peer.send(answer(b""))

    with RawServer(behave) as server, ThreadPoolExecutor(threads) as pool:
        monkeypatch.setenv("FLOWY_HTTP", way)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ENDPOINT_URL_SWF", server.url)
        scheduler = async_scheduler("domain")
        for _ in range(2):
            assert all(pool.map(lambda result: scheduler.complete("token", result), range(threads)))
        assert server.connections == threads


def test_swf_away_raises_and_may_be_tried_again() -> None:
    """No SWF, no answer: an error, and the same call works when SWF is back."""
    with LocalSWF(poll_seconds=0) as swf:
        desk = Desk(swf.client(), swf.domain)
        execution, task = desk.waiting()
        scheduler = async_scheduler(swf.domain, swf.client())
        swf.stop()
        with pytest.raises(TransientError):
            scheduler.complete(task.token, 1)
        with pytest.raises(TransientError):
            scheduler.beat(task.token)
        swf.start()
        assert scheduler.complete(task.token, 1)
        assert "ActivityTaskCompleted" in execution.events()
