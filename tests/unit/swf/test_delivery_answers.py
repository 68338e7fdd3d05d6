"""One task's way back, over a client: each answer as SWF gets it, and for how long it is tried."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowy import reasons
from flowy.exception import TooLongError
from flowy.heartbeat import Verdict
from flowy.shutdown import StopLevel
from flowy.swf.delivery import Outcome, StopPolicy, TaskScheduler
from flowy.swf.scheduler import ActivityScheduler
from tests.unit.stand_ins import (
    CLOSED,
    REFUSAL,
    THROTTLE,
    FakeTime,
    Line,
    ScriptedLayer1,
    fault,
)
from tests.unit.swf.calls import Book

NO_PERMISSION = fault("AccessDeniedException")


def task(
    time: FakeTime,
    *script: Line,
    heartbeat: int | None = None,
    start_to_close: int | None = 300,
    grace: float | None = None,
    on_stop: str = "abandon",
) -> tuple[ScriptedLayer1, TaskScheduler]:
    layer1 = ScriptedLayer1(*script)
    return layer1, TaskScheduler(
        ActivityScheduler(layer1.client()),
        "token",
        subject="echo 1",
        heartbeat_seconds=heartbeat,
        start_to_close_seconds=start_to_close,
        policy=StopPolicy(time, grace, on_stop),
        ledger=Book(),
        clock=time.clock,
    )


# Answers


ANSWERS: dict[str, tuple[Callable[[TaskScheduler], bool], str, Outcome]] = {
    "complete": (
        lambda scheduler: scheduler.complete("token", "1"),
        "respond_activity_task_completed",
        Outcome.COMPLETED,
    ),
    "fail": (
        lambda scheduler: scheduler.fail("token", "why", "where"),
        "respond_activity_task_failed",
        Outcome.FAILED,
    ),
    "cancel": (
        lambda scheduler: scheduler.cancel("token", "why"),
        "respond_activity_task_canceled",
        Outcome.CANCELED,
    ),
}


@pytest.fixture(params=list(ANSWERS))
def verb(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_answer_that_is_taken(verb: str) -> None:
    """SWF took it: True, and the outcome is known."""
    answer, method, outcome = ANSWERS[verb]
    time = FakeTime()
    layer1, scheduler = task(time, {})
    assert scheduler.outcome is Outcome.OPEN
    assert answer(scheduler) is True
    assert scheduler.outcome is outcome
    assert layer1.methods == [method]
    assert time.waits == []


@pytest.mark.parametrize(
    "trouble",
    [THROTTLE, fault("InternalFailure", status=500), ConnectionResetError(), NO_PERMISSION],
)
def test_an_answer_is_tried_until_it_is_taken(
    verb: str, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Throttles, server errors, broken connections, expired credentials: try again, and say so."""
    answer, method, outcome = ANSWERS[verb]
    time = FakeTime()
    layer1, scheduler = task(time, *[trouble] * 5, {})
    assert answer(scheduler) is True
    assert scheduler.outcome is outcome
    assert layer1.methods == [method] * 6
    assert all(call == layer1.calls[0] for call in layer1.calls)
    steps = [0.5, 1.0, 2.0, 4.0, 8.0]
    assert [step / 2 <= wait <= step for step, wait in zip(steps, time.waits, strict=True)] == (
        [True] * 5
    )
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 5
    assert "Answer of echo 1 not delivered" in caplog.text


@pytest.mark.parametrize(
    ("heartbeat", "start_to_close", "seconds"),
    [(None, 1_000, 1_000), (5, 1_000, 1_000), (None, 20, 300), (None, None, 3_600)],
)
def test_how_long_an_answer_is_tried(
    heartbeat: int | None,
    start_to_close: int | None,
    seconds: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until the declared start-to-close, at least 5 minutes, an hour where there is none."""
    time = FakeTime()
    started = time.now
    layer1, scheduler = task(time, THROTTLE, heartbeat=heartbeat, start_to_close=start_to_close)
    assert scheduler.complete("token", "1") is False
    assert scheduler.outcome is Outcome.UNANSWERED
    assert time.now - started == pytest.approx(seconds)
    assert max(time.waits) <= 20
    assert len(layer1.calls) < 20 + seconds / 10
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in errors] == [
        "Answer of echo 1 given up (ThrottlingException): the task stays open until it times out."
    ]


def test_the_time_counts_from_the_poll() -> None:
    """An activity that ran until shortly before its timeout leaves its answer that little."""
    time = FakeTime()
    _, scheduler = task(time, THROTTLE)
    time.now += 290
    started = time.now
    assert scheduler.complete("token", "1") is False
    assert time.now - started == pytest.approx(10)


@pytest.mark.parametrize(
    ("level", "seconds"),
    [(StopLevel.FINISH, 60), (StopLevel.HURRY, 5), (StopLevel.AT_ONCE, 0)],
)
def test_how_long_an_answer_is_tried_at_a_stop(level: StopLevel, seconds: float) -> None:
    """A stopping worker tries for another minute, a hurried one for seconds, then not at all."""
    time = FakeTime()
    time.raise_to(level)
    started = time.now
    layer1, scheduler = task(time, THROTTLE)
    assert scheduler.fail("token", "why") is False
    assert time.now - started == pytest.approx(seconds)
    assert len(layer1.calls) >= 1


def test_a_stop_while_an_answer_is_tried() -> None:
    """The minute counts from the next try on; a hurry shortens what is left."""
    time = FakeTime({3: StopLevel.FINISH, 6: StopLevel.HURRY})
    started = time.now
    _, scheduler = task(time, THROTTLE)
    assert scheduler.complete("token", "1") is False
    assert time.now - started < 60


def test_pauses_begin_again_at_a_stop() -> None:
    """A minute is left then: it is not to be spent in pauses of twenty seconds."""
    time = FakeTime({6: StopLevel.FINISH})
    _, scheduler = task(time, *[THROTTLE] * 7, {})
    assert scheduler.complete("token", "1") is True
    assert time.waits[5] > 5
    assert time.waits[6] <= 0.5


def test_a_closed_task(verb: str, caplog: pytest.LogCaptureFixture) -> None:
    """The first try meets a closed task: no answer, a warning, no repetition."""
    answer, _, _ = ANSWERS[verb]
    layer1, scheduler = task(FakeTime(), CLOSED)
    assert answer(scheduler) is False
    assert scheduler.outcome is Outcome.CLOSED
    assert len(layer1.calls) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "was closed before its answer" in record.getMessage()


def test_a_repeated_answer_to_a_closed_task(verb: str, caplog: pytest.LogCaptureFixture) -> None:
    """After a try of unknown fate, closed most likely means that it arrived: no error."""
    caplog.set_level(logging.INFO)
    answer, _, _ = ANSWERS[verb]
    layer1, scheduler = task(FakeTime(), TimeoutError(), CLOSED)
    assert answer(scheduler) is False
    assert scheduler.outcome is Outcome.CLOSED
    assert len(layer1.calls) == 2
    assert caplog.records[-1].levelno == logging.INFO
    assert "an earlier try of its answer arrived" in caplog.records[-1].getMessage()


def test_a_result_that_swf_refuses() -> None:
    """It becomes a failure that names SWF's fault."""
    layer1, scheduler = task(FakeTime(), REFUSAL, {})
    assert scheduler.complete("token", "1") is True
    assert scheduler.outcome is Outcome.FAILED
    assert layer1.calls[1] == (
        "respond_activity_task_failed",
        {
            "taskToken": "token",
            "reason": reasons.RESULT_REFUSED + "SWF answered ValidationException.",
        },
    )


def test_a_result_that_is_too_long() -> None:
    """The caller learns of it and says it in its own words."""
    layer1, scheduler = task(FakeTime())
    with pytest.raises(TooLongError):
        scheduler.complete("token", "x" * 32_769)
    assert scheduler.outcome is Outcome.OPEN
    assert layer1.calls == []


def test_a_reason_that_swf_refuses(caplog: pytest.LogCaptureFixture) -> None:
    """It is replaced by one that cannot be refused; the log tells."""
    layer1, scheduler = task(FakeTime(), REFUSAL, {})
    assert scheduler.fail("token", "SECRET", "SECRET") is True
    assert scheduler.outcome is Outcome.FAILED
    assert layer1.calls[1][1] == {
        "taskToken": "token",
        "reason": reasons.REASON_REFUSED + "SWF answered ValidationException.",
    }
    assert "it gets a plain one" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_failure_that_swf_refuses_whatever_it_says(caplog: pytest.LogCaptureFixture) -> None:
    """Then it is given up, with an ERROR."""
    layer1, scheduler = task(FakeTime(), REFUSAL)
    assert scheduler.fail("token", "why") is False
    assert scheduler.outcome is Outcome.UNANSWERED
    assert len(layer1.calls) == 2
    assert caplog.records[-1].levelno == logging.ERROR


def test_a_cancellation_that_swf_refuses() -> None:
    """It becomes a failure that says so, and keeps the details."""
    layer1, scheduler = task(FakeTime(), REFUSAL, {})
    assert scheduler.cancel("token", "why") is True
    assert scheduler.outcome is Outcome.FAILED
    assert layer1.calls[1][1] == {
        "taskToken": "token",
        "reason": "Cancellation not requested: SWF did not take the cancellation "
        "(ValidationException).",
        "details": "why",
    }


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        (lambda scheduler: scheduler.suspend("token"), "suspended"),
        (lambda scheduler: scheduler.leave_unknown(), "left to its timeout, its type is unknown"),
        (lambda scheduler: scheduler.give_up("token"), "abandoned by the stop"),
    ],
)
def test_what_is_left_makes_no_call(leave: Callable[[TaskScheduler], None], said: str) -> None:
    """All leave the task as it is, and are told apart in the outcome."""
    layer1, scheduler = task(FakeTime())
    leave(scheduler)
    assert scheduler.outcome.value == said
    assert layer1.calls == []


def test_giving_up_may_be_failing(caplog: pytest.LogCaptureFixture) -> None:
    """``on_stop="fail"``: tried again like any answer, with the fixed reason."""
    time = FakeTime()
    layer1, scheduler = task(time, THROTTLE, {}, on_stop="fail")
    scheduler.give_up("token")
    assert scheduler.outcome is Outcome.FAILED_BY_STOP
    assert (
        layer1.calls
        == [
            (
                "respond_activity_task_failed",
                {
                    "taskToken": "token",
                    "reason": "Worker stopped: it had not ended when the grace had.",
                },
            )
        ]
        * 2
    )
    assert "not delivered" in caplog.text


# Heartbeats


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        ({"cancelRequested": False}, Verdict.GO_ON),
        ({"cancelRequested": True}, Verdict.CANCEL_REQUESTED),
        (CLOSED, Verdict.CLOSED),
        (REFUSAL, Verdict.GO_ON),
    ],
)
def test_beats(line: dict[str, Any] | ClientError, verdict: Verdict) -> None:
    """A beat tells what SWF says, and what is known stays known without a call."""
    layer1, scheduler = task(FakeTime(), line)
    assert scheduler.verdict("token") is Verdict.GO_ON
    assert scheduler.heartbeat("token", "half") is verdict
    assert scheduler.verdict("token") is verdict
    assert layer1.calls == [
        ("record_activity_task_heartbeat", {"taskToken": "token", "details": "half"})
    ]


def test_a_closed_task_is_known_as_closed() -> None:
    """An activity that gives up a closed task answers nothing, and the outcome says why."""
    layer1, scheduler = task(FakeTime(), CLOSED)
    scheduler.heartbeat("token")
    scheduler.let_go()
    assert scheduler.outcome is Outcome.CLOSED
    assert layer1.methods == ["record_activity_task_heartbeat"]


def test_a_beat_while_the_worker_hurries() -> None:
    """STOPPING is told from the second signal on, after what SWF itself says."""
    time = FakeTime()
    layer1, scheduler = task(time, {})
    time.raise_to(StopLevel.FINISH)
    assert scheduler.heartbeat("token") is Verdict.GO_ON
    time.raise_to(StopLevel.HURRY)
    assert scheduler.heartbeat("token") is Verdict.STOPPING
    assert scheduler.verdict("token") is Verdict.STOPPING
    assert len(layer1.calls) == 2
    _, scheduler = task(time, {"cancelRequested": True})
    assert scheduler.heartbeat("token") is Verdict.CANCEL_REQUESTED


@pytest.mark.parametrize(
    ("heartbeat", "start_to_close", "seconds"),
    [(60, 300, 60), (None, 300, 300), (60, None, 60)],
)
def test_when_a_task_is_lost(
    heartbeat: int | None, start_to_close: int | None, seconds: int
) -> None:
    """The declared heartbeat timeout, or start-to-close, after the poll: SWF's clock began there.

    A first beat that comes late and does not get through is therefore LOST at once.
    """
    time = FakeTime()
    _, scheduler = task(time, REFUSAL, heartbeat=heartbeat, start_to_close=start_to_close)
    time.now += seconds - 1
    assert scheduler.heartbeat("token") is Verdict.GO_ON
    time.now += 1
    assert scheduler.heartbeat("token") is Verdict.LOST


def test_never_lost_without_timeouts() -> None:
    """Where nothing is declared nothing is known."""
    time = FakeTime()
    _, scheduler = task(time, REFUSAL, start_to_close=None)
    time.now += 1e9
    assert scheduler.heartbeat("token") is Verdict.GO_ON
