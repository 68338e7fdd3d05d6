"""What surrounds one call of an author's class: its context, and background heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from flowy import context
from flowy.concurrency.stop import StopLevel
from flowy.exception import OutsideActivityError
from flowy.invocation import (
    Canceled,
    Completed,
)
from flowy.swf.worker.auto_heartbeats import AutoHeartbeats
from flowy.swf.worker.heartbeats import Heartbeats
from flowy.task import Activity, AsyncActivity
from tests.unit.swf.worker.activity_call import Call
from tests.unit.swf.worker.runs import INTERVAL, Case

# Context


def test_the_context_is_there_in_a_run(case: Case) -> None:
    """And nowhere after it."""
    seen: list[Any] = []

    class Work(Activity):
        def run(self) -> None:
            seen.extend([self.info.workflow_id, context.worker_stopping()])
            case.flag.raise_to(StopLevel.DRAIN)
            seen.append(context.worker_stopping())

    Call(case, Work).answer()
    assert seen == ["flow", False, True]
    with pytest.raises(OutsideActivityError):
        context.current()


def test_the_context_is_there_in_a_coroutine_and_what_it_calls(case: Case) -> None:
    """info and worker_stopping work in coroutines, and in what to_thread runs."""
    seen: list[Any] = []

    class Work(AsyncActivity):
        async def run(self) -> None:
            seen.append(self.info.workflow_id)
            case.flag.raise_to(StopLevel.DRAIN)
            seen.append(await asyncio.to_thread(context.worker_stopping))

    Call(case, Work).answer()
    assert seen == ["flow", True]


def test_the_context_is_there_when_the_value_of_a_coroutine_is_encoded(case: Case) -> None:
    """That happens in a thread, after the run."""
    seen: list[str] = []

    class Work(AsyncActivity):
        async def run(self) -> int:
            return 1

        @staticmethod
        def _serialize_result(result: Any) -> str:
            seen.append(context.current().workflow_id)
            return str(result)

    assert Call(case, Work).answer() == Completed("1")
    assert seen == ["flow"]


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def test_each_run_has_a_copy_of_the_workers_context(case: Case) -> None:
    """It sees what was set before the worker started, and what it sets nobody else sees."""
    seen: list[str] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(VARIABLE.get())
            VARIABLE.set("by a run")

    shared = contextvars.copy_context()
    shared.run(VARIABLE.set, "by the worker")
    for _ in range(2):
        Call(case, Work, context=shared).answer()
    assert seen == ["by the worker"] * 2
    assert VARIABLE.get() == "unset"


class Remains(Activity):
    """Returns the seconds that are left."""

    def run(self) -> float | None:
        return self.remaining()


@pytest.mark.parametrize(
    ("start_to_close", "schedule_to_close", "left"),
    [(300, 420, "300.0"), (300, 200, "200.0"), (None, 420, "420.0"), (300, None, "300.0")],
)
def test_remaining_is_the_sooner_of_two_timeouts(
    case: Case, start_to_close: int | None, schedule_to_close: int | None, left: str
) -> None:
    """Start-to-close, with schedule-to-close as an upper bound."""
    call = Call(case, Remains, start_to_close=start_to_close, schedule_to_close=schedule_to_close)
    assert call.answer() == Completed(left)


def test_remaining_is_none_without_limits(case: Case) -> None:
    """No declared timeout, no estimate."""
    call = Call(case, Remains, start_to_close=None, schedule_to_close=None)
    assert call.answer() == Completed("null")


# Background heartbeats


def test_heartbeats_go_out_in_the_background_while_it_runs(case: Case) -> None:
    """With what the activity reports; each is told of."""

    class Work(Activity):
        def run(self) -> None:
            self.progress({"rows": 7})
            case.beat()
            case.beat()

    call = Call(case, Work, auto_heartbeat=True)
    call.answer()
    assert case.calls.beats == ['{"rows": 7}'] * 2
    assert call.heartbeats_told >= 1


def test_a_background_heartbeat_tells_a_running_activity(case: Case) -> None:
    """cancel_requested turns True without a call, and heartbeat() answers False."""
    case.calls.beat = lambda: True
    seen: list[bool] = []

    class Work(Activity):
        def run(self) -> None:
            seen.append(self.cancel_requested)
            while not self.cancel_requested:
                case.beat()
            seen.append(self.heartbeat())

    assert Call(case, Work, auto_heartbeat=True).answer() == Canceled()
    assert seen == [False, False]


class Settings(AutoHeartbeats):
    """Remembers with what settings heartbeats were to go out."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[float, float | None]] = []

    @contextlib.contextmanager
    def during(
        self,
        heartbeats: Heartbeats,
        *,
        interval_seconds: float,
        max_stall_seconds: float | None,
        sent: Callable[[], object],
        first_seconds: float | None = None,
    ) -> Iterator[None]:
        self.seen.append((interval_seconds, max_stall_seconds))
        yield


def test_the_settings_are_those_of_the_implementation(case: Case) -> None:
    """The interval and max_stall; without an interval, neither is set."""
    settings = Settings()
    Call(case, Remains, auto_heartbeat=True, max_stall=30, auto_heartbeats=settings).answer()
    Call(case, Remains, auto_heartbeats=settings).answer()
    assert settings.seen == [(INTERVAL, 30)]
