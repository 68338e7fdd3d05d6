"""Delivering one answer, over a client: what SWF gets, and for how long it is tried."""

from __future__ import annotations

import logging

import pytest

from flowy import reasons
from flowy.invocation import Canceled, Completed, Failed, TaskOutcome
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import CLOSED, REFUSAL, THROTTLE, fault
from tests.unit.swf.worker.responders import TASK, Sent, scripted

NO_PERMISSION = fault("AccessDeniedException")


ANSWERS: dict[str, tuple[Sent, str, TaskOutcome]] = {
    "completed": (Completed("1"), "respond_activity_task_completed", TaskOutcome.COMPLETED),
    "failed": (Failed("why", "where"), "respond_activity_task_failed", TaskOutcome.FAILED),
    "canceled": (Canceled("why"), "respond_activity_task_canceled", TaskOutcome.CANCELED),
}


@pytest.fixture(params=list(ANSWERS))
def kind(request: pytest.FixtureRequest) -> tuple[Sent, str, TaskOutcome]:
    """An answer, the method that sends it, and its outcome."""
    return ANSWERS[request.param]


@pytest.fixture
def clock() -> SelfTurningClock:
    return SelfTurningClock()


def test_an_answer_that_swf_takes(
    kind: tuple[Sent, str, TaskOutcome], clock: SelfTurningClock
) -> None:
    """One call, and its outcome."""
    answer, method, outcome = kind
    layer1, responder = scripted(clock, {})
    assert responder.deliver(answer) is outcome
    assert layer1.methods == [method]
    assert clock.waits == []


# Tried again


@pytest.mark.parametrize(
    "trouble",
    [
        THROTTLE,
        fault("InternalFailure", status=500),
        ConnectionResetError(),
        NO_PERMISSION,
        fault("DomainDeprecatedFault"),
        ValueError("a bug of the client's"),
    ],
)
def test_an_answer_is_tried_until_it_is_taken(
    kind: tuple[Sent, str, TaskOutcome],
    clock: SelfTurningClock,
    trouble: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every trouble may pass, except for what SWF says of this very call: try again, and say so."""
    answer, method, outcome = kind
    layer1, responder = scripted(clock, *[trouble] * 5, {})
    assert responder.deliver(answer) is outcome
    assert layer1.methods == [method] * 6
    assert all(call == layer1.calls[0] for call in layer1.calls)
    steps = [0.5, 1.0, 2.0, 4.0, 8.0]
    assert [step / 2 <= wait <= step for step, wait in zip(steps, clock.waits, strict=True)] == (
        [True] * 5
    )
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 5
    assert caplog.text.count(f"Answer of {TASK} not delivered") == 5


@pytest.mark.parametrize(("start_to_close", "seconds"), [(1_000, 1_000), (20, 300), (None, 3_600)])
def test_how_long_an_answer_is_tried(
    clock: SelfTurningClock,
    start_to_close: int | None,
    seconds: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Until the declared start-to-close, at least 5 minutes, an hour if there is none."""
    layer1, responder = scripted(clock, THROTTLE, start_to_close=start_to_close)
    began_at = clock.now()
    assert responder.deliver(Completed("1")) is TaskOutcome.UNANSWERED
    assert clock.now() - began_at == pytest.approx(seconds)
    assert max(clock.waits) <= 20
    assert len(layer1.calls) < 20 + seconds / 10
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in errors] == [
        f"Answer of {TASK} given up (ThrottlingException): the task stays open until it times out. "
        "Cannot respond_activity_task_completed: SWF answered ThrottlingException: Rate exceeded"
    ]


def test_the_time_counts_from_the_poll(clock: SelfTurningClock) -> None:
    """An activity that ran until shortly before its timeout leaves its answer that little."""
    _, responder = scripted(clock, THROTTLE)
    clock.time += 290
    began_at = clock.now()
    assert responder.deliver(Completed("1")) is TaskOutcome.UNANSWERED
    assert clock.now() - began_at == pytest.approx(10)


# Closed


def test_a_closed_task(
    kind: tuple[Sent, str, TaskOutcome], clock: SelfTurningClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The first try meets a closed task: a warning, no repetition, no error."""
    answer, _, _ = kind
    layer1, responder = scripted(clock, CLOSED)
    assert responder.deliver(answer) is TaskOutcome.CLOSED
    assert len(layer1.calls) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "was closed before its answer" in record.getMessage()


def test_a_repeated_answer_to_a_closed_task(
    kind: tuple[Sent, str, TaskOutcome], clock: SelfTurningClock, caplog: pytest.LogCaptureFixture
) -> None:
    """After a try of unknown fate, closed most likely means that it arrived: no error."""
    caplog.set_level(logging.INFO)
    answer, _, _ = kind
    layer1, responder = scripted(clock, TimeoutError(), CLOSED)
    assert responder.deliver(answer) is TaskOutcome.CLOSED
    assert len(layer1.calls) == 2
    assert caplog.records[-1].levelno == logging.INFO
    assert "an earlier try of its answer arrived" in caplog.records[-1].getMessage()


def test_a_client_that_repeats_calls_itself_has_tried_before(
    clock: SelfTurningClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The client's own second attempt finds the task closed by its first: no warning."""
    caplog.set_level(logging.INFO)
    closed = fault("UnknownResourceFault")
    closed.response["ResponseMetadata"]["RetryAttempts"] = 1
    _, responder = scripted(clock, closed)
    assert responder.deliver(Completed("1")) is TaskOutcome.CLOSED
    assert [record.levelno for record in caplog.records] == [logging.INFO]


# Refused


def test_a_result_that_swf_refuses(clock: SelfTurningClock) -> None:
    """It becomes a failure that names SWF's fault."""
    layer1, responder = scripted(clock, REFUSAL, {})
    assert responder.deliver(Completed("1")) is TaskOutcome.FAILED
    assert layer1.calls[1] == (
        "respond_activity_task_failed",
        {
            "taskToken": "token",
            "reason": reasons.RESULT_REFUSED + "SWF answered ValidationException.",
        },
    )


def test_a_result_that_is_too_long(clock: SelfTurningClock) -> None:
    """It becomes a failure that says how long it was; the result is not sent at all."""
    layer1, responder = scripted(clock, {})
    assert responder.deliver(Completed("x" * 32_769)) is TaskOutcome.FAILED
    ((method, call),) = layer1.calls
    assert method == "respond_activity_task_failed"
    assert call["reason"].startswith(f"{reasons.RESULT_TOO_LONG}the result has 32,769 characters")


def test_a_reason_that_swf_refuses(
    clock: SelfTurningClock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is replaced by one that cannot be refused; the log tells."""
    layer1, responder = scripted(clock, REFUSAL, {})
    assert responder.deliver(Failed("SECRET", "SECRET")) is TaskOutcome.FAILED
    assert layer1.calls[1][1] == {
        "taskToken": "token",
        "reason": reasons.REASON_REFUSED + "SWF answered ValidationException.",
    }
    assert "sending a plain reason" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_cancellation_that_swf_refuses(clock: SelfTurningClock) -> None:
    """It becomes a failure that says so, and keeps the details."""
    layer1, responder = scripted(clock, REFUSAL, {})
    assert responder.deliver(Canceled("why")) is TaskOutcome.FAILED
    assert layer1.calls[1][1] == {
        "taskToken": "token",
        "reason": "Cancellation not requested: SWF did not take the cancellation "
        "(ValidationException).",
        "details": "why",
    }


@pytest.mark.parametrize(
    ("answer", "calls"), [(Completed("1"), 3), (Canceled("why"), 3), (Failed("why"), 2)]
)
def test_an_answer_that_swf_refuses_whatever_it_says(
    clock: SelfTurningClock, answer: Sent, calls: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer, its reason and the plain reason are refused: an ERROR, and no further try."""
    layer1, responder = scripted(clock, REFUSAL)
    assert responder.deliver(answer) is TaskOutcome.UNANSWERED
    assert len(layer1.calls) == calls
    assert caplog.records[-1].levelno == logging.ERROR
    assert "given up" in caplog.records[-1].getMessage()
    assert clock.waits == []


def test_a_replaced_answer_is_tried_like_any_other(clock: SelfTurningClock) -> None:
    """A failure that stands for a result goes through trouble, too, for the time that is left."""
    layer1, responder = scripted(clock, REFUSAL, THROTTLE, {})
    assert responder.deliver(Completed("1")) is TaskOutcome.FAILED
    assert layer1.methods[1:] == ["respond_activity_task_failed"] * 2
