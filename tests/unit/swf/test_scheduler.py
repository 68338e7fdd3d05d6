"""The way back: one call each, and that of suspended tasks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowy.exception import (
    OutOfReachError,
    RefusedError,
    SerializationError,
    TooLongError,
    UnknownResourceError,
)
from flowy.swf.scheduler import ActivityScheduler, AsyncScheduler
from tests.unit.stand_ins import (
    CLOSED,
    REFUSAL,
    THROTTLE,
    Line,
    ScriptedLayer1,
    fault,
)

NO_PERMISSION = fault("AccessDeniedException")


def one_call(*script: Line) -> tuple[ScriptedLayer1, ActivityScheduler]:
    layer1 = ScriptedLayer1(*script)
    return layer1, ActivityScheduler(layer1.client())


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
