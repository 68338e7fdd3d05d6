"""An activity's heartbeats and what it learns by them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from flowy.exception import CancelTask, OutsideActivityError, SerializationError
from flowy.invocation import StatusRecord, TaskStatus
from flowy.task import Activity, AsyncActivity
from tests.unit.activity_calls import RecordingScheduler, awaiting, called, requested, running

# Heartbeats


LEARNED: list[tuple[Callable[[StatusRecord], object], bool]] = [
    (lambda status: status.accepted(cancel_requested=False), True),
    (requested, False),
    (StatusRecord.closed, False),
    (StatusRecord.lost, False),
]


@pytest.mark.parametrize(("learn", "answer"), LEARNED)
def test_what_a_heartbeat_answers(learn: Callable[[StatusRecord], object], answer: bool) -> None:
    """True to go on; False if the task is closed, lost, or to be canceled."""
    told: list[bool] = []

    async def coroutine(self: Any) -> int:
        told.append(await self.heartbeat())
        return 1

    def body(self: Activity) -> int:
        told.append(self.heartbeat())
        return 1

    for kind in (running(body), awaiting(coroutine)):
        called(kind, scheduler=RecordingScheduler(learn))
    assert told == [answer, answer]


def test_a_heartbeat_of_a_worker_that_stops() -> None:
    """False, too, once the grace is over."""
    scheduler = RecordingScheduler(is_stopping=True)
    answer = called(running(lambda self: [self.heartbeat()]), scheduler=scheduler)
    assert answer == ("complete", "the token", "[false]")


@pytest.mark.parametrize(
    ("details", "text"), [(None, None), ("half", "half"), ({"done": 1}, '{"done": 1}'), (0, "0")]
)
def test_details(details: object, text: str | None) -> None:
    """Text goes as it is, another value as JSON, None not at all; ``progress`` sends nothing."""

    def body(self: Activity) -> None:
        self.progress(details)
        self.heartbeat(details)

    scheduler = RecordingScheduler()
    called(running(body), scheduler=scheduler)
    progress, heartbeat, _ = scheduler.calls
    assert progress == ("progress", "the token", text)
    assert heartbeat == ("heartbeat", "the token", text, False)


@pytest.mark.parametrize("method", ["heartbeat", "progress"])
def test_details_without_a_json_form(method: str) -> None:
    """They are the author's mistake: an error in ``run``, and so a failure."""
    answer = called(running(lambda self: getattr(self, method)({1})))
    assert str(answer[2]).startswith("set at result")
    assert SerializationError.__name__ in str(answer[3])


def test_a_coroutines_heartbeat_does_not_block_the_loop() -> None:
    """It goes out in a thread."""
    threads: list[threading.Thread] = []

    async def coroutine(self: Any) -> None:
        threads.append(threading.current_thread())
        await self.heartbeat()

    scheduler = RecordingScheduler(lambda _: threads.append(threading.current_thread()))
    called(awaiting(coroutine), scheduler=scheduler)
    loop, thread = threads
    assert thread is not loop


def test_a_heartbeat_in_a_forked_child() -> None:
    """The scheduler refuses it: an error in ``run``."""

    def body(self: Activity) -> str:
        with pytest.raises(OutsideActivityError):
            self.heartbeat()
        return "refused"

    answer = called(running(body), scheduler=RecordingScheduler(is_forked=True))
    assert answer == ("complete", "the token", '"refused"')


def test_the_spelling_of_the_first_flowy() -> None:
    """``hearbeat`` calls ``heartbeat``, one that a subclass overrides too."""

    class Counts(Activity):
        def heartbeat(self, details: object = None) -> bool:
            return super().heartbeat(f"counted {details}")

        def run(self) -> bool:
            return self.hearbeat("one")

    class CountsLater(AsyncActivity):
        async def heartbeat(self, details: object = None) -> bool:  # type: ignore[override]
            return await super().heartbeat(f"counted {details}")

        async def run(self) -> bool:
            return await self.hearbeat("one")

    async def coroutine(self: Any) -> bool:
        return bool(await self.hearbeat("one"))

    plain = running(lambda self: self.hearbeat("one"))
    kinds: list[type[Activity]] = [plain, awaiting(coroutine), Counts, CountsLater]
    for kind, details in zip(kinds, ["one", "one", "counted one", "counted one"], strict=True):
        scheduler = RecordingScheduler()
        assert called(kind, scheduler=scheduler) == ("complete", "the token", "true")
        assert scheduler.calls[0][:3] == ("heartbeat", "the token", details)


# cancel_requested


def test_cancel_requested_makes_no_call() -> None:
    """It tells what the latest heartbeat brought."""

    def body(self: Activity) -> list[bool]:
        return [self.cancel_requested, self.heartbeat(), self.cancel_requested]

    scheduler = RecordingScheduler(requested)
    assert called(running(body), scheduler=scheduler)[2] == "[false, false, true]"
    assert [verb for verb, *_ in scheduler.calls] == ["heartbeat", "complete"]


def test_cancel_requested_that_was_read_and_obeyed() -> None:
    """An activity that read it as True and returns None, or raises CancelTask, was canceled."""

    def body(self: Activity, raises: bool) -> None:
        assert self.cancel_requested
        if raises:
            raise CancelTask("why")

    for text, details in (("[[false], {}]", None), ("[[true], {}]", "why")):
        scheduler = RecordingScheduler()
        requested(scheduler.status)  # by a heartbeat in the background
        assert called(running(body), text, scheduler) == ("cancel", "the token", details)


@pytest.mark.parametrize("learn", [StatusRecord.closed, StatusRecord.lost, lambda status: None])
def test_cancel_requested_is_about_nothing_else(learn: Callable[[StatusRecord], object]) -> None:
    """Any other status does not count as a request, and looking tells the activity nothing."""

    def body(self: Activity) -> None:
        assert not self.cancel_requested

    scheduler = RecordingScheduler()
    learn(scheduler.status)
    assert called(running(body), scheduler=scheduler)[0] == "complete"
    assert scheduler.status.told is TaskStatus.ACTIVE


def test_an_activity_that_never_looked_has_completed() -> None:
    """A request that the activity was not told of changes nothing."""
    scheduler = RecordingScheduler()
    requested(scheduler.status)
    assert called(running(lambda self: None), scheduler=scheduler)[0] == "complete"
