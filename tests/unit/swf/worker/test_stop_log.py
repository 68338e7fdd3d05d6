"""What a stop says, by a clock that the test turns."""

from __future__ import annotations

import logging
import re
import signal
from collections.abc import Iterator

import pytest

from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.swf.worker.stop_log import NAMED, SAY_SECONDS, Awaited, StopLog
from tests.unit.swf.worker.stop_clock import StopClock


class Case:
    """A stop, and what it awaits as the test says."""

    def __init__(self, grace: float | None = None, level: int = logging.INFO) -> None:
        self.clock = StopClock()
        self.flag = StopFlag(self.clock)
        self.awaited = Awaited(("charge 1 (activity 7 of workflow order-1)", "another"), 14)
        self.over = False
        self.log = StopLog(
            self.flag,
            lambda: self.awaited,
            grace_seconds=grace,
            cancel_seconds=2,
            is_over=lambda: self.over,
            level=level,
            clock=self.clock,
        )

    def reach(self, level: StopLevel, cause: str | None = None) -> None:
        self.flag.raise_to(level, cause)
        self.log.reached(level)

    def end(self) -> None:
        """Let its thread end."""
        self.over = True
        self.flag.raise_to(StopLevel.KILL)


@pytest.fixture
def case(caplog: pytest.LogCaptureFixture) -> Iterator[Case]:
    caplog.set_level(logging.INFO)
    case = Case()
    yield case
    case.end()


def test_each_signal_is_answered_at_once(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """The line names the signal, what is awaited, and what the next one does."""
    case.reach(StopLevel.DRAIN, signal.SIGTERM.name)
    case.awaited = Awaited(("charge",), 1)
    case.reach(StopLevel.CANCEL, signal.SIGINT.name)
    case.reach(StopLevel.KILL, signal.SIGINT.name)
    assert caplog.messages == [
        "Stopping (SIGTERM): 2 activities run, 14 polls are out, up to 60 s. Again: cancel what "
        "runs. A third time: end now.",
        "Canceling (SIGINT): 1 activity runs, up to 2 s, 1 poll is out, up to 60 s. Again: end "
        "now.",
        "Ending now (SIGINT): 1 activity runs, 1 poll is out.",
    ]
    assert {record.__dict__["flowy_event"] for record in caplog.records} == {"stop_requested"}


def test_a_stop_without_a_signal(caplog: pytest.LogCaptureFixture) -> None:
    """Without a signal the next one is not mentioned; the grace is told if something runs."""
    caplog.set_level(logging.INFO)
    case = Case(grace=30)
    case.reach(StopLevel.DRAIN)
    case.reach(StopLevel.CANCEL, "the grace of 30 s is over")
    case.end()
    assert caplog.messages == [
        "Stopping: 2 activities run, up to 30 s, 14 polls are out, up to 60 s.",
        "Canceling (the grace of 30 s is over): 2 activities run, up to 2 s, 14 polls are out, up "
        "to 60 s.",
    ]


def test_nothing_is_awaited(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Then the line says so."""
    case.awaited = Awaited((), 0, 2)
    case.reach(StopLevel.DRAIN)
    assert caplog.messages == ["Stopping: no activity runs, 2 processes have not ended."]


def test_levels_that_are_passed_over(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Of a stop that goes to the last level at once only that is told."""
    case.flag.raise_to(StopLevel.KILL)
    for level in (StopLevel.DRAIN, StopLevel.CANCEL, StopLevel.KILL):
        case.log.reached(level)
    assert [line.partition(":")[0] for line in caplog.messages] == ["Ending now"]


def test_what_is_still_awaited(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Every 15 s, with the names of the activities; no more once the worker has ended."""
    case.reach(StopLevel.DRAIN)
    case.clock.turn_by(SAY_SECONDS)
    case.clock.wait_for_waiter(SAY_SECONDS)
    case.awaited = Awaited(tuple("abcdefghijkl"), 0)
    case.clock.turn(SAY_SECONDS)
    case.clock.wait_for_waiter(SAY_SECONDS)
    assert caplog.messages[1:] == [
        "Still stopping after 15 s: 2 activities run, 14 polls are out, up to 45 s (charge 1 "
        "(activity 7 of workflow order-1), another).",
        "Still stopping after 30 s: 12 activities run (a, b, c, d, e, f, g, h, i, j, and 2 more).",
    ]
    assert NAMED == 10
    assert [record.__dict__.get("flowy_seconds") for record in caplog.records] == [None, 15, 30]


def test_how_long_polls_may_stay_out(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """SWF keeps the last one open for 60 s from the beginning of the stop, whatever its level."""
    case.reach(StopLevel.DRAIN, signal.SIGTERM.name)
    case.clock.turn_by(SAY_SECONDS)
    case.clock.wait_for_waiter(SAY_SECONDS)
    case.reach(StopLevel.CANCEL, signal.SIGINT.name)
    case.clock.turn(SAY_SECONDS)
    case.clock.turn_by(SAY_SECONDS)
    case.clock.turn_by(SAY_SECONDS)
    case.clock.wait_for_waiter(SAY_SECONDS)
    limits = [re.findall(r"polls are out(?:, up to (\d+) s)?", text) for text in caplog.messages]
    assert limits == [["60"], ["45"], ["45"], ["30"], ["15"], [""]]


def test_a_worker_process_leaves_the_word_to_its_supervisor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its own lines are of the level that it is given."""
    caplog.set_level(logging.DEBUG)
    case = Case(level=logging.DEBUG)
    case.reach(StopLevel.DRAIN)
    case.end()
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]
