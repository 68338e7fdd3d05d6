"""The way back: one call each, one task's, and that of suspended tasks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowy import reasons
from flowy.exception import (
    OutOfReachError,
    RefusedError,
    SerializationError,
    TooLongError,
    UnknownResourceError,
)
from flowy.heartbeat import Verdict
from flowy.shutdown import StopLevel
from flowy.swf.scheduler import ActivityScheduler, AsyncScheduler, Outcome, TaskScheduler
from flowy.swf.values import ActivityDefaults
from tests.unit.stand_ins import (
    CLOSED,
    DEFAULTS,
    REFUSAL,
    THROTTLE,
    FakeTime,
    Line,
    ScriptedLayer1,
    fault,
)

NO_PERMISSION = fault("AccessDeniedException")


def one_call(*script: Line) -> tuple[ScriptedLayer1, ActivityScheduler]:
    layer1 = ScriptedLayer1(*script)
    return layer1, ActivityScheduler(layer1.client())


def task(
    time: FakeTime, *script: Line, defaults: ActivityDefaults | None = DEFAULTS
) -> tuple[ScriptedLayer1, TaskScheduler]:
    layer1, scheduler = one_call(*script)
    return layer1, TaskScheduler(
        scheduler, subject="echo 1", defaults=defaults, stop=time, clock=time.clock
    )


def declared(heartbeat: int | None, start_to_close: int | None) -> ActivityDefaults:
    return ActivityDefaults("list", heartbeat, 420, 120, start_to_close)


# One call each


def test_what_is_too_long_is_cut() -> None:
    """Reasons at 256, beats at 2,048, both at the end; details at 32,768, keeping the end."""
    layer1, scheduler = one_call()
    scheduler.fail("token", "r" * 300, "d" * 40_000 + "end")
    scheduler.cancel("token", "c" * 40_000 + "end")
    scheduler.heartbeat("token", "h" * 3_000)
    failed, canceled, beat = (parameters for _, parameters in layer1.calls)
    assert failed["reason"] == "r" * 252 + " ..."
    assert len(failed["details"]) == len(canceled["details"]) == 32_768
    assert failed["details"].startswith("... d")
    assert failed["details"].endswith("end")
    assert canceled["details"].endswith("end")
    assert beat["details"] == "h" * 2_044 + " ..."


def test_what_just_fits_is_not_cut() -> None:
    """The limits count to the character."""
    layer1, scheduler = one_call()
    scheduler.fail("token", "r" * 256, "d" * 32_768)
    scheduler.heartbeat("token", "h" * 2_048)
    scheduler.complete("token", "x" * 32_768)
    assert [parameters for _, parameters in layer1.calls] == [
        {"taskToken": "token", "reason": "r" * 256, "details": "d" * 32_768},
        {"taskToken": "token", "details": "h" * 2_048},
        {"taskToken": "token", "result": "x" * 32_768},
    ]


def test_a_result_is_never_cut() -> None:
    """A result that is too long is an error with both lengths, and no call is made."""
    layer1, scheduler = one_call()
    with pytest.raises(TooLongError, match="has 32,769 characters, SWF takes 32,768") as caught:
        scheduler.complete("token", "x" * 32_769)
    assert (caught.value.length, caught.value.limit) == (32_769, 32_768)
    assert layer1.calls == []


def test_lone_surrogates_go_as_escapes() -> None:
    """Text that has no UTF-8 form would break the request: it is escaped."""
    layer1, scheduler = one_call()
    scheduler.heartbeat("token", "\ud800")
    scheduler.fail("token", "\ud801", "\ud802")
    scheduler.cancel("token", "\ud803")
    scheduler.complete("token", "\ud804")
    texts = [text for _, call in layer1.calls for key, text in call.items() if key != "taskToken"]
    assert texts == ["\\ud800", "\\ud801", "\\ud802", "\\ud803", "\\ud804"]


@pytest.mark.parametrize("token", ["", "x" * 1_025, None, 5, b"token"])
def test_tokens_that_cannot_be_swfs(token: Any) -> None:
    """What cannot be a token is refused here, without a call, and is not repeated."""
    layer1, scheduler = one_call()
    calls: list[Callable[[], object]] = [
        lambda: scheduler.heartbeat(token),
        lambda: scheduler.complete(token, "1"),
        lambda: scheduler.fail(token, "why"),
        lambda: scheduler.cancel(token),
    ]
    for call in calls:
        with pytest.raises(RefusedError, match="SWF's are text of 1 to 1,024 characters") as caught:
            call()
        assert "xxx" not in str(caught.value)
    assert layer1.calls == []


# One task's: answers


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
    ("defaults", "seconds"),
    [
        (declared(None, 1_000), 1_000),
        (declared(5, 1_000), 1_000),
        (declared(None, 20), 300),
        (declared(None, None), 3_600),
        (None, 3_600),
    ],
)
def test_how_long_an_answer_is_tried(
    defaults: ActivityDefaults | None, seconds: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the declared start-to-close, at least 5 minutes, an hour where there is none."""
    time = FakeTime()
    started = time.now
    layer1, scheduler = task(time, THROTTLE, defaults=defaults)
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


def test_suspend_and_give_up_make_no_call() -> None:
    """Both leave the task as it is, and are told apart in the outcome."""
    layer1, scheduler = task(FakeTime())
    scheduler.suspend("token")
    assert scheduler.outcome is Outcome.SUSPENDED
    scheduler.give_up("token")
    assert scheduler.outcome.value == "left to its timeout"
    assert layer1.calls == []


# One task's: heartbeats


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
    _, scheduler = task(FakeTime(), CLOSED)
    scheduler.heartbeat("token")
    assert scheduler.outcome is Outcome.CLOSED


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
    ("defaults", "seconds"),
    [(declared(60, 300), 60), (declared(None, 300), 300), (declared(60, None), 60)],
)
def test_when_a_task_is_lost(defaults: ActivityDefaults, seconds: int) -> None:
    """The declared heartbeat timeout, or start-to-close, after the poll: SWF's clock began there.

    A first beat that comes late and does not get through is therefore LOST at once.
    """
    time = FakeTime()
    _, scheduler = task(time, REFUSAL, defaults=defaults)
    time.now += seconds - 1
    assert scheduler.heartbeat("token") is Verdict.GO_ON
    time.now += 1
    assert scheduler.heartbeat("token") is Verdict.LOST


def test_never_lost_without_timeouts() -> None:
    """Where nothing is declared nothing is known."""
    time = FakeTime()
    _, scheduler = task(time, REFUSAL, defaults=declared(None, None))
    time.now += 1e9
    assert scheduler.heartbeat("token") is Verdict.GO_ON


# Suspended tasks


def suspended(*script: Line) -> tuple[ScriptedLayer1, AsyncScheduler]:
    layer1, scheduler = one_call(*script)
    return layer1, AsyncScheduler(scheduler)


ASYNC: dict[str, Callable[[AsyncScheduler, str], bool]] = {
    "heartbeat": lambda scheduler, token: scheduler.heartbeat(token),
    "complete": lambda scheduler, token: scheduler.complete(token, {"a": 1}),
    "fail": lambda scheduler, token: scheduler.fail(token, "why"),
}


@pytest.fixture(params=list(ASYNC))
def control(request: pytest.FixtureRequest) -> Callable[[AsyncScheduler, str], bool]:
    return ASYNC[request.param]


def test_taken(control: Callable[[AsyncScheduler, str], bool]) -> None:
    """True when SWF took it, by one call."""
    layer1, scheduler = suspended({})
    assert control(scheduler, "token") is True
    assert len(layer1.calls) == 1


def test_closed(
    control: Callable[[AsyncScheduler, str], bool], caplog: pytest.LogCaptureFixture
) -> None:
    """False, with a log line that does not hold the token, when the task is closed."""
    _, scheduler = suspended(CLOSED)
    assert control(scheduler, "SECRET") is False
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "it is closed" in record.getMessage()
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(
    ("line", "kind"),
    [(THROTTLE, OutOfReachError), (REFUSAL, RefusedError), (NO_PERMISSION, RefusedError)],
)
def test_what_the_caller_must_learn(
    control: Callable[[AsyncScheduler, str], bool], line: ClientError, kind: type[Exception]
) -> None:
    """SWF out of reach, and a token it cannot read, are exceptions."""
    layer1, scheduler = suspended(line)
    with pytest.raises(kind):
        control(scheduler, "token")
    assert len(layer1.calls) == 1


def test_a_token_that_is_none(control: Callable[[AsyncScheduler, str], bool]) -> None:
    """A token that was lost on its way is an exception too, not a closed task."""
    layer1, scheduler = suspended({})
    with pytest.raises(RefusedError):
        control(scheduler, "")
    assert layer1.calls == []


def test_a_beat_that_brings_a_request_to_cancel(caplog: pytest.LogCaptureFixture) -> None:
    """False, with a log line."""
    caplog.set_level(logging.INFO)
    _, scheduler = suspended({"cancelRequested": True})
    assert scheduler.heartbeat("token") is False
    assert "cancellation of a suspended task was requested" in caplog.text


def test_complete_encodes() -> None:
    """The result is encoded as a value that ``run`` returned."""
    layer1, scheduler = suspended({})
    scheduler.complete("token", {"a": "\u00e4"})
    assert layer1.calls[0][1]["result"] == '{"a": "\\u00e4"}'


def test_results_that_cannot_travel() -> None:
    """A result without a JSON form, or too long a one, is an exception before any call."""
    layer1, scheduler = suspended({})
    with pytest.raises(SerializationError, match="set at result"):
        scheduler.complete("token", {1})
    with pytest.raises(TooLongError):
        scheduler.complete("token", "x" * 40_000)
    assert layer1.calls == []


def test_reasons() -> None:
    """A reason is any object's text, cut to 256."""
    layer1, scheduler = suspended({})
    reason: Any = ValueError("r" * 300)
    scheduler.fail("token", reason)
    assert layer1.calls[0][1] == {"taskToken": "token", "reason": "r" * 252 + " ..."}


def test_the_errors_are_of_the_house() -> None:
    """What is caught as closed is nothing but UnknownResourceError."""
    _, scheduler = one_call(CLOSED)
    with pytest.raises(UnknownResourceError):
        scheduler.fail("token", "why")
