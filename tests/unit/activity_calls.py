"""Activities of one function, and a scheduler without SWF behind it that they answer through."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from flowy.exception import OutsideActivityError, TooLongError
from flowy.invocation import StatusRecord, TaskStatus
from flowy.task import Activity, AsyncActivity


class RecordingScheduler:
    """A ``flowy.invocation.Scheduler`` that writes down each call, the verb first.

    Args:
        learns: what a heartbeat brings.
        is_stopping: whether the grace of a stop is over.
        is_forked: whether heartbeats are refused, as in a forked child of a worker.
    """

    def __init__(
        self,
        learns: Callable[[StatusRecord], object] = lambda status: None,
        *,
        is_stopping: bool = False,
        is_forked: bool = False,
    ) -> None:
        self.status = StatusRecord(lambda: is_stopping)
        self.calls: list[tuple[object, ...]] = []
        self._learns = learns
        self._is_forked = is_forked

    def heartbeat(self, token: str, details: str | None = None, *, now: bool = False) -> TaskStatus:
        if self._is_forked:
            raise OutsideActivityError("a forked child")
        self.calls.append(("heartbeat", token, details, now))
        self._learns(self.status)
        return self.status.tell()

    def progress(self, token: str, details: str | None = None) -> None:
        self.calls.append(("progress", token, details))

    def complete(self, token: str, result: str) -> bool:
        if len(result) > 32_768:
            raise TooLongError("the result is too long", length=len(result), limit=32_768)
        self.calls.append(("complete", token, result))
        return True

    def fail(self, token: str, reason: str, details: str | None = None) -> bool:
        self.calls.append(("fail", token, reason, details))
        return True

    def cancel(self, token: str, details: str | None = None) -> bool:
        self.calls.append(("cancel", token, details))
        return True

    def suspend(self, token: str) -> None:
        self.calls.append(("suspend", token))

    def hand_over(self, token: str) -> None:
        self.calls.append(("hand_over", token))

    @contextlib.contextmanager
    def suspending(self, token: str) -> Iterator[None]:
        self.calls.append(("suspending", token))
        yield
        self.calls.append(("kept", token))


def running(body: Callable[..., Any]) -> type[Activity]:
    """Return an activity whose ``run`` is *body*."""
    return type("Running", (Activity,), {"run": body})


def awaiting(body: Callable[..., Any]) -> type[Activity]:
    """Return an activity whose ``run`` is the coroutine *body*."""
    return type("Awaiting", (AsyncActivity,), {"run": body})


def called(
    kind: type[Activity],
    input: str | None = "[[], {}]",
    scheduler: RecordingScheduler | None = None,
) -> tuple[object, ...]:
    """Call an activity, and return the one answer that its scheduler got; () for none."""
    scheduler = scheduler or RecordingScheduler()
    call = kind(input, scheduler, "the token")
    if issubclass(kind, AsyncActivity):
        asyncio.run(call())
    else:
        call()
    ends = ("complete", "fail", "cancel", "suspend", "hand_over")
    answers = [each for each in scheduler.calls if each[0] in ends]
    assert len(answers) < 2
    return answers[0] if answers else ()


def raising(error: BaseException) -> list[type[Activity]]:
    """Return activities that raise *error*: in a thread, and as a coroutine."""

    def body(self: Activity) -> None:
        raise error

    async def coroutine(self: Activity) -> None:
        raise error

    return [running(body), awaiting(coroutine)]


def requested(status: StatusRecord) -> None:
    """Act as if a heartbeat had brought a request to cancel."""
    status.accepted(cancel_requested=True)
