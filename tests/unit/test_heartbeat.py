"""The verdict on a task: what each beat tells, and when silence becomes one."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from flowy.exception import (
    CredentialsError,
    OutOfReachError,
    RefusedError,
    UnknownResourceError,
)
from flowy.heartbeat import BEAT_TRIED_SECONDS, Heartbeat, Verdict
from flowy.shutdown import StopLevel
from tests.unit.stand_ins import FakeTime

OUT_OF_REACH = OutOfReachError("no answer", fault="ReadTimeoutError")
CLOSED = UnknownResourceError("closed", fault="UnknownResourceFault")
REFUSED = RefusedError("refused", fault="ValidationException")
NO_PERMISSION = CredentialsError("refused", fault="AccessDeniedException")


def made(time: FakeTime, lost_after_seconds: float | None = 60.0) -> Heartbeat:
    return Heartbeat(
        "echo 1",
        lost_after_seconds=lost_after_seconds,
        pause=lambda seconds: time.wait(seconds, StopLevel.HURRY),
        clock=time.clock,
    )


class Line:
    """What sends a beat: each takes the next outcome; the last one is repeated."""

    def __init__(self, *outcomes: bool | Exception) -> None:
        self._outcomes = list(outcomes)
        self.sent = 0

    def __call__(self) -> bool:
        self.sent += 1
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def raising(error: Exception) -> Callable[[], bool]:
    return Line(error)


def test_accepted() -> None:
    """An accepted beat is GO_ON, or tells of the request to cancel."""
    heartbeat = made(FakeTime())
    assert heartbeat.beat(Line(False)) is Verdict.GO_ON
    assert heartbeat.beat(Line(True)) is Verdict.CANCEL_REQUESTED
    assert heartbeat.verdict is Verdict.CANCEL_REQUESTED


def test_closed_is_closed() -> None:
    """A closed task is not asked for again."""
    heartbeat = made(FakeTime())
    assert heartbeat.beat(raising(CLOSED)) is Verdict.CLOSED
    line = Line(False)
    assert heartbeat.beat(line) is Verdict.CLOSED
    assert line.sent == 0


def test_out_of_reach_is_tried_again() -> None:
    """A beat that does not get through is sent again, after pauses."""
    time = FakeTime()
    line = Line(OUT_OF_REACH, OUT_OF_REACH, False)
    assert made(time).beat(line) is Verdict.GO_ON
    assert line.sent == 3
    assert [0.1 <= pause <= 0.4 for pause in time.waits] == [True, True]


def test_tried_for_five_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """After 5 s within one call the activity goes on, and a warning tells why."""
    time = FakeTime()
    started = time.now
    line = Line(OUT_OF_REACH)
    assert made(time).beat(line) is Verdict.GO_ON
    assert BEAT_TRIED_SECONDS - 1.0 <= time.now - started <= BEAT_TRIED_SECONDS
    assert 6 <= line.sent <= 15
    (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    message = warning.getMessage()
    assert message == "Heartbeat of echo 1 not sent (ReadTimeoutError); the activity goes on."


def test_a_hurry_ends_the_tries() -> None:
    """Told to hurry, a worker tries a beat no more."""
    time = FakeTime({2: StopLevel.HURRY})
    line = Line(OUT_OF_REACH)
    assert made(time).beat(line) is Verdict.GO_ON
    assert line.sent == 2


def test_silence_is_a_verdict_only_after_the_timeout(caplog: pytest.LogCaptureFixture) -> None:
    """Until the declared timeout has passed without an accepted beat it is GO_ON, then LOST."""
    time = FakeTime()
    heartbeat = made(time, 60.0)
    time.now += 50.0
    assert heartbeat.beat(raising(REFUSED)) is Verdict.GO_ON
    time.now += 9.9
    assert heartbeat.beat(raising(REFUSED)) is Verdict.GO_ON
    time.now += 0.1
    assert heartbeat.beat(raising(REFUSED)) is Verdict.LOST
    assert heartbeat.beat(raising(OUT_OF_REACH)) is Verdict.LOST
    told = [record for record in caplog.records if "is told to give up" in record.message]
    assert [record.levelno for record in told] == [logging.ERROR]


def test_an_accepted_beat_winds_the_clock() -> None:
    """The timeout counts from the latest accepted beat, as SWF's own does."""
    time = FakeTime()
    heartbeat = made(time, 60.0)
    time.now += 50.0
    heartbeat.beat(Line(False))
    time.now += 59.0
    assert heartbeat.beat(raising(REFUSED)) is Verdict.GO_ON
    time.now += 1.0
    assert heartbeat.beat(raising(REFUSED)) is Verdict.LOST


def test_lost_is_found_again() -> None:
    """The declared timeout is a guess: a beat that SWF accepts tells that the task is open."""
    time = FakeTime()
    heartbeat = made(time, 1.0)
    time.now += 1.0
    assert heartbeat.beat(raising(REFUSED)) is Verdict.LOST
    assert heartbeat.beat(Line(False)) is Verdict.GO_ON


def test_no_timeout_is_never_lost() -> None:
    """Where no timeout is declared, silence never becomes a verdict."""
    time = FakeTime()
    heartbeat = made(time, None)
    time.now += 1e9
    assert heartbeat.beat(raising(OUT_OF_REACH)) is Verdict.GO_ON


def test_a_request_to_cancel_stays() -> None:
    """However silent SWF becomes afterwards, the request was made."""
    time = FakeTime()
    heartbeat = made(time, 1.0)
    heartbeat.beat(Line(True))
    time.now += 1_000.0
    assert heartbeat.beat(raising(OUT_OF_REACH)) is Verdict.CANCEL_REQUESTED


@pytest.mark.parametrize("error", [REFUSED, NO_PERMISSION])
def test_a_refusal_is_logged_once(error: RefusedError, caplog: pytest.LogCaptureFixture) -> None:
    """A beat refused for good is not repeated within its call, and is one ERROR in all."""
    time = FakeTime()
    heartbeat = made(time)
    line = Line(error)
    assert [heartbeat.beat(line) for _ in range(3)] == [Verdict.GO_ON] * 3
    assert line.sent == 3
    assert time.waits == []
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert f"refused ({error.fault})" in record.getMessage()
    heartbeat.beat(Line(False))
    heartbeat.beat(line)
    assert len(caplog.records) == 2
