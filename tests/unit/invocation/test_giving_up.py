"""The answer of an activity that was told to give up: by a heartbeat, or by a CancelledError."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from flowy import reasons
from flowy.exception import CancelTask
from flowy.invocation import (
    Answer,
    Canceled,
    Completed,
    Failed,
    NoAnswer,
    StatusRecord,
    TaskStatus,
    invoke_async,
)
from tests.unit.invocation.activities import Plain, failed, invoked, running

LOST = Failed(
    "Heartbeat lost: the activity gave up because SWF accepted no heartbeat for too long."
)

#: What is learned of a task, and what the worker answers for an activity that gives up.
GIVEN_UP: dict[TaskStatus, Answer] = {
    TaskStatus.CANCEL_REQUESTED: Canceled(),
    TaskStatus.STOPPING: NoAnswer(TaskStatus.STOPPING),
    TaskStatus.LOST: LOST,
    TaskStatus.CLOSED: NoAnswer(TaskStatus.CLOSED),
}


def status_of(learned: TaskStatus) -> StatusRecord:
    """Return the status of a task of which this is known; the activity is not told yet."""
    status = StatusRecord(lambda: learned is TaskStatus.STOPPING)
    if learned is TaskStatus.CANCEL_REQUESTED:
        status.accepted(cancel_requested=True)
    elif learned is TaskStatus.LOST:
        status.lost()
    elif learned is TaskStatus.CLOSED:
        status.closed()
    assert status.current is learned
    return status


def telling(status: StatusRecord, value: object = None) -> Plain:
    """Return an activity that asks, and then returns *value* or raises it."""

    def body(self: Plain) -> object:
        status.tell()
        if isinstance(value, BaseException):
            raise value
        return value

    return running(body)


@pytest.mark.parametrize("learned", GIVEN_UP)
def test_none_after_it_was_told(learned: TaskStatus) -> None:
    """None does not complete it then: the worker sends the matching answer."""
    status = status_of(learned)
    assert invoked(telling(status), status=status) == GIVEN_UP[learned]


@pytest.mark.parametrize("learned", GIVEN_UP)
def test_none_before_it_was_told(learned: TaskStatus) -> None:
    """What an activity does not know changes nothing."""
    assert invoked(running(lambda self: None), status=status_of(learned)) == Completed("null")


@pytest.mark.parametrize("learned", GIVEN_UP)
@pytest.mark.parametrize(("value", "text"), [(1, "1"), (0, "0"), ("", '""'), (False, "false")])
def test_a_value_after_it_was_told(learned: TaskStatus, value: object, text: str) -> None:
    """Any other value completes, falsy ones too."""
    status = status_of(learned)
    assert invoked(telling(status, value), status=status) == Completed(text)


@pytest.mark.parametrize("learned", GIVEN_UP)
def test_an_exception_after_it_was_told(learned: TaskStatus) -> None:
    """An exception is a failure, whatever the activity knows."""
    status = status_of(learned)
    answer = invoked(telling(status, ValueError("why")), status=status)
    assert failed(answer)[0] == "why"


def test_cancel_task() -> None:
    """After a request that the activity knows of it answers *canceled*, with its details."""
    for details, text in ((None, None), ("why", "why"), (5, "5")):
        status = status_of(TaskStatus.CANCEL_REQUESTED)
        given: Any = details
        assert invoked(telling(status, CancelTask(given)), status=status) == Canceled(text)


@pytest.mark.parametrize(
    "learned", [TaskStatus.STOPPING, TaskStatus.LOST, TaskStatus.CLOSED], ids=str
)
def test_cancel_task_for_another_cause(learned: TaskStatus) -> None:
    """It gives up all the same, and the worker sends the matching answer."""
    status = status_of(learned)
    assert invoked(telling(status, CancelTask("why")), status=status) == GIVEN_UP[learned]


@pytest.mark.parametrize("learned", [TaskStatus.ACTIVE, TaskStatus.CANCEL_REQUESTED])
def test_cancel_task_unasked(learned: TaskStatus) -> None:
    """If nobody asked, or the activity did not look, it is a failure that says so."""

    def body(self: Plain) -> None:
        raise CancelTask("why")

    reason, details = failed(invoked(running(body), status=status_of(learned)))
    assert reason.startswith(reasons.CANCEL_NOT_REQUESTED)
    assert "CancelTask: why" in details


# Coroutines


def canceled_coroutine(
    status: StatusRecord, end: Callable[[asyncio.CancelledError], object]
) -> Answer:
    """Return the answer of a coroutine that was canceled once, and then does as *end* does."""

    async def body(self: Plain) -> object:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            return end(error)
        raise AssertionError

    async def run() -> Answer:
        task = asyncio.ensure_future(invoke_async(running(body), "[[], {}]", status))
        await begun.wait()
        task.cancel()
        return await task

    begun = asyncio.Event()
    return asyncio.run(run())


def reraise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("learned", GIVEN_UP)
@pytest.mark.parametrize("end", [reraise, lambda _: None], ids=["lets it pass", "returns None"])
def test_a_cancelled_error_tells_why(
    learned: TaskStatus, end: Callable[[BaseException], object]
) -> None:
    """A coroutine that lets it pass, or catches it and returns None, has given up."""
    assert canceled_coroutine(status_of(learned), end) == GIVEN_UP[learned]


def test_cancel_task_after_a_cancelled_error() -> None:
    """The coroutine was told by it."""

    def cancel(_: BaseException) -> None:
        raise CancelTask("why")

    status = status_of(TaskStatus.CANCEL_REQUESTED)
    assert canceled_coroutine(status, cancel) == Canceled("why")


def test_a_value_after_a_cancelled_error() -> None:
    """A coroutine may finish its work."""
    status = status_of(TaskStatus.CANCEL_REQUESTED)
    assert canceled_coroutine(status, lambda _: "done") == Completed('"done"')


def test_a_cancelled_error_without_a_cause() -> None:
    """Nobody asked Flowy for it: the task fails, and None completes it."""
    assert failed(canceled_coroutine(StatusRecord(), reraise))[0] == "CancelledError"
    assert canceled_coroutine(StatusRecord(), lambda _: None) == Completed("null")


def test_what_the_coroutine_was_told_before() -> None:
    """It stays told: an activity that knows of the request, and is canceled by its own code."""
    status = status_of(TaskStatus.LOST)
    status.tell()
    status.accepted(cancel_requested=False)  # heartbeats get through again
    assert canceled_coroutine(status, reraise) == LOST
