"""Heartbeats in the background: when they go out, from which threads, and for how long."""

from __future__ import annotations

import contextlib
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from flowy.concurrency.clock import Clock
from flowy.exception import ThreadError, UnknownResourceError
from flowy.invocation import StatusRecord, TaskStatus
from flowy.swf.worker.auto_heartbeats import AUTO_HEARTBEAT_THREADS, AutoHeartbeats
from flowy.swf.worker.heartbeats import Heartbeats
from tests.patience import PATIENCE_SECONDS
from tests.suspended import an_info
from tests.unit.clocks import TurnedClock

#: Seconds from one heartbeat to the next, by a clock that the test turns.
INTERVAL = 20.0


class Wire:
    """Takes heartbeats, and answers as it is told."""

    def __init__(self) -> None:
        self.sent: list[str | None] = []
        self.changed = threading.Condition()
        self.answer: Callable[[], bool] = lambda: False

    def __call__(self, details: str | None) -> bool:
        with self.changed:
            self.sent.append(details)
            self.changed.notify_all()
        return self.answer()

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.sent) >= count, PATIENCE_SECONDS)


def closed() -> bool:
    raise UnknownResourceError("closed", fault="UnknownResourceFault")


def heartbeats_of(
    send: Callable[[str | None], bool], clock: Clock, status: StatusRecord | None = None
) -> Heartbeats:
    """Return the heartbeats of one task, each tried once."""
    return Heartbeats(
        an_info(),
        send,
        status or StatusRecord(),
        lost_after_seconds=None,
        pause=lambda seconds: True,
        clock=clock,
    )


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def auto(clock: TurnedClock) -> Iterator[AutoHeartbeats]:
    made = AutoHeartbeats(clock)
    yield made
    made.close()


def during(
    auto: AutoHeartbeats,
    heartbeats: Heartbeats,
    *,
    max_stall: float | None = None,
    sent: Callable[[], object] = lambda: None,
) -> AbstractContextManager[None]:
    """Return the block in which heartbeats go out."""
    return auto.during(
        heartbeats, interval_seconds=INTERVAL, max_stall_seconds=max_stall, sent=sent
    )


def turn_until(clock: TurnedClock, reached: Callable[[], bool]) -> None:
    """Turn the clock until heartbeats have gone out; several threads may be late by a turn."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert time.monotonic() < end
        clock.turn_when_awaited(INTERVAL)


def threads() -> set[threading.Thread]:
    """Return the threads that send heartbeats in the background."""
    return {each for each in threading.enumerate() if each.name.startswith("flowy-heartbeat")}


# When


def test_they_go_out_while_the_block_runs(
    wire: Wire, auto: AutoHeartbeats, clock: TurnedClock
) -> None:
    """One each interval, with the newest details."""
    heartbeats = heartbeats_of(wire, clock)
    with during(auto, heartbeats):
        assert wire.sent == []
        clock.turn_when_awaited(INTERVAL)
        wire.wait_for(1)
        heartbeats.progress("now")
        for count in (2, 3):
            clock.turn_when_awaited(INTERVAL)
            wire.wait_for(count)
    assert wire.sent == [None, "now", "now"]


def test_they_end_with_the_block(wire: Wire, auto: AutoHeartbeats, clock: TurnedClock) -> None:
    """None goes out after it, while those of another task go on."""
    other = Wire()
    with during(auto, heartbeats_of(other, clock)):
        with during(auto, heartbeats_of(wire, clock)):
            clock.turn_when_awaited(INTERVAL)
            wire.wait_for(1)
            other.wait_for(1)
        turn_until(clock, lambda: len(other.sent) >= 4)
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [(closed, TaskStatus.CLOSED), (lambda: True, TaskStatus.CANCEL_REQUESTED)],
)
def test_what_a_heartbeat_brings_is_known_when_it_is_told_of(
    wire: Wire,
    auto: AutoHeartbeats,
    clock: TurnedClock,
    answer: Callable[[], bool],
    status: TaskStatus,
) -> None:
    """``sent`` is called after each, and finds the task's status as it is now."""
    wire.answer = answer
    record = StatusRecord()
    known: list[TaskStatus] = []
    told = threading.Event()

    def sent() -> None:
        known.append(record.current)
        told.set()

    with during(auto, heartbeats_of(wire, clock, record), sent=sent):
        clock.turn_when_awaited(INTERVAL)
        assert told.wait(PATIENCE_SECONDS)
    assert known == [status]


def test_they_pause_while_the_author_reports_nothing(
    wire: Wire, auto: AutoHeartbeats, clock: TurnedClock
) -> None:
    """None goes out once the silence is longer than max_stall; a report lets them go on."""
    stalled, awake = heartbeats_of(wire, clock), Wire()
    with (
        during(auto, stalled, max_stall=INTERVAL * 1.5),
        during(auto, heartbeats_of(awake, clock)),
    ):
        clock.turn_when_awaited(INTERVAL)
        wire.wait_for(1)
        turn_until(clock, lambda: len(awake.sent) >= 4)
        assert wire.sent == [None]

        def resumed() -> bool:
            stalled.progress("on it")
            return len(wire.sent) > 1

        turn_until(clock, resumed)
    assert wire.sent[1] == "on it"


def test_what_is_raised_after_a_heartbeat_does_not_end_them(
    wire: Wire, auto: AutoHeartbeats, clock: TurnedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault of ours in a background thread is logged with the task's ids; the next goes out."""

    def sent() -> None:
        raise ValueError("our fault")

    with during(auto, heartbeats_of(wire, clock), sent=sent):
        for count in (1, 2):
            clock.turn_when_awaited(INTERVAL)
            wire.wait_for(count)
    first = caplog.records[0]
    assert first.getMessage().startswith("A background heartbeat of ")
    assert first.__dict__["flowy_event"] == "heartbeat_failed"
    assert first.__dict__["flowy_activity_id"]


# Threads


def test_one_task_needs_one_thread(wire: Wire, auto: AutoHeartbeats, clock: TurnedClock) -> None:
    """Threads are started when they are needed: one beats for a task by itself."""
    before = threads()
    with during(auto, heartbeats_of(wire, clock)):
        for count in range(1, 10):
            clock.turn_when_awaited(INTERVAL)
            wire.wait_for(count)
        assert len(threads() - before) == 1


def test_many_tasks_share_a_few_threads(auto: AutoHeartbeats, clock: TurnedClock) -> None:
    """A hundred tasks share at most eight threads, and one call that hangs delays no other."""
    release = threading.Event()

    def hang(details: str | None) -> bool:
        return not release.wait(PATIENCE_SECONDS)

    before = threads()
    wires = [Wire() for _ in range(100)]
    senders: list[Callable[[str | None], bool]] = [hang, *wires]
    with contextlib.ExitStack() as blocks:
        for send in senders:
            blocks.enter_context(during(auto, heartbeats_of(send, clock)))
        turn_until(clock, lambda: all(len(wire.sent) >= 2 for wire in wires))
        assert 2 <= len(threads() - before) <= AUTO_HEARTBEAT_THREADS
        release.set()


def test_they_start_with_a_thread(
    auto: AutoHeartbeats, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A system that gives no thread is an error before any task is taken."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(ThreadError, match="the system cannot start a thread"):
            auto.start()
    assert "Cannot start more than 0 of 8 threads for heartbeats" in caplog.text
    before = threads()
    auto.start()
    assert len(threads() - before) == 1


# Their end


def test_a_task_that_has_ended_is_not_kept(
    wire: Wire, auto: AutoHeartbeats, clock: TurnedClock
) -> None:
    """Behind one that runs, no more than a few ended tasks, inputs and all, stay in memory."""
    kept: list[weakref.ref[Heartbeats]] = []
    with during(auto, heartbeats_of(wire, clock)):
        for _ in range(1_000):
            heartbeats = heartbeats_of(wire, clock)
            kept.append(weakref.ref(heartbeats))
            with during(auto, heartbeats):
                pass
            del heartbeats
        gc.collect()
        assert sum(ref() is not None for ref in kept) < 200


def test_threads_end_when_it_is_closed(clock: TurnedClock) -> None:
    """close() lets every thread end, and no heartbeat goes out any more."""
    before = threads()
    auto = AutoHeartbeats(clock)
    wires = [Wire() for _ in range(20)]
    with contextlib.ExitStack() as blocks:
        for wire in wires:
            blocks.enter_context(during(auto, heartbeats_of(wire, clock)))
        clock.turn_when_awaited(INTERVAL)
        for wire in wires:
            wire.wait_for(1)
        started = threads() - before
        assert started
        auto.close()
        for thread in started:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
        clock.turn(INTERVAL * 10)
        with during(auto, heartbeats_of(wires[0], clock)):
            assert not threads() - before
        assert [len(wire.sent) for wire in wires] == [1] * 20
