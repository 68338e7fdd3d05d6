"""The poll: what is waited out, what ends the worker, and how often it asks."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from flowy.exception import (
    CredentialsError,
    RefusedError,
    SWFError,
    UnknownResourceError,
)
from flowy.shutdown import StopLevel
from flowy.swf.poller import ActivityPoller
from tests.unit.stand_ins import THROTTLE, FakeTime, ScriptedLayer1, fault, task_answer

EMPTY: dict[str, Any] = {"taskToken": "", "startedEventId": 0}
NO_PERMISSION = fault("AccessDeniedException", "not authorized")


def made(layer1: ScriptedLayer1, time: FakeTime) -> ActivityPoller:
    return ActivityPoller(
        layer1.client(),
        domain="domain",
        task_list="list",
        identity="me",
        stop=time,
        clock=time.clock,
    )


def test_a_task() -> None:
    """A poll that brings a task brings it at once."""
    time = FakeTime()
    answered, task = made(ScriptedLayer1(task_answer()), time).poll()
    assert answered
    assert task is not None
    assert task.activity_id == "7"
    assert time.waits == []


@pytest.mark.parametrize(
    "trouble",
    [
        THROTTLE,
        fault("InternalFailure", status=500),
        fault("LimitExceededFault"),
        ConnectionResetError(),
        TimeoutError(),
    ],
)
def test_trouble_is_waited_out(trouble: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Throttles, server errors, broken connections, limits: back off, go on, and say so."""
    caplog.set_level(logging.INFO)
    time = FakeTime()
    layer1 = ScriptedLayer1(trouble, trouble, trouble, task_answer())
    answered, task = made(layer1, time).poll()
    assert answered
    assert task is not None
    steps = [0.5, 1.0, 2.0]
    assert [step / 2 <= wait <= step for step, wait in zip(steps, time.waits, strict=True)] == (
        [True] * 3
    )
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING] * 3 + [logging.INFO]
    assert "works again" in caplog.text
    told = "run fewer workers" in caplog.text
    assert told == (getattr(trouble, "response", {}).get("Error", {}).get("Code") == (
        "LimitExceededFault"
    ))  # fmt: skip


def test_trouble_makes_no_hot_loop() -> None:
    """However long it lasts, a worker asks at most every 15 to 30 s."""
    time = FakeTime({100: StopLevel.FINISH})
    layer1 = ScriptedLayer1(THROTTLE)
    started = time.now
    assert made(layer1, time).poll() == (False, None)
    assert len(layer1.calls) == 100
    assert time.now - started > 90 * 15
    assert max(time.waits) <= 30


def test_the_back_off_begins_again() -> None:
    """After a good poll the next trouble begins with the first pause."""
    time = FakeTime()
    layer1 = ScriptedLayer1(*[THROTTLE] * 5, task_answer(), THROTTLE, task_answer())
    poller = made(layer1, time)
    poller.poll()
    assert time.waits[-1] > 3
    poller.poll()
    assert time.waits[-1] <= 0.5


@pytest.mark.parametrize(
    ("error", "kind", "way_out"),
    [
        (NO_PERMISSION, CredentialsError, "the permission swf:PollForActivityTask"),
        (fault("UnrecognizedClientException"), CredentialsError, "Check the credentials"),
        (fault("ValidationException"), RefusedError, "Check the credentials, the region"),
        (
            fault("UnknownResourceFault", "Unknown domain: domain"),
            UnknownResourceError,
            "aws swf register-domain --name domain --workflow-execution-retention-period-in-days",
        ),
    ],
)
def test_a_first_poll_that_is_refused(error: Exception, kind: type[SWFError], way_out: str) -> None:
    """A worker that was never answered and is refused for good is set up wrongly, and says so."""
    time = FakeTime()
    with pytest.raises(SWFError) as caught:
        made(ScriptedLayer1(error), time).poll()
    assert type(caught.value) is kind
    text = str(caught.value)
    assert text.startswith("Cannot poll task list 'list' of domain 'domain': Cannot poll_for_")
    assert way_out in text
    assert caught.value.fault == error.response["Error"]["Code"]  # type: ignore[attr-defined]
    assert time.waits == []


def test_a_refusal_after_trouble_is_a_first_one() -> None:
    """Throttles are no good polls: what is refused after them ends the worker too."""
    poller = made(ScriptedLayer1(THROTTLE, NO_PERMISSION), FakeTime())
    with pytest.raises(CredentialsError):
        poller.poll()


def test_a_later_refusal_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """Once polls have worked a refusal is an ERROR and a long pause: credentials are renewed."""
    time = FakeTime()
    poller = made(ScriptedLayer1(EMPTY, *[NO_PERMISSION] * 8, task_answer()), time)
    assert poller.poll() == (True, None)
    time.waits.clear()
    answered, task = poller.poll()
    assert answered
    assert task is not None
    assert 2.5 <= time.waits[0] <= 5
    assert max(time.waits) <= 60
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 8
    assert "AccessDeniedException" in caplog.text
    assert "Polling again in" in caplog.text


def test_empty_answers_that_come_at_once_make_no_hot_loop() -> None:
    """SWF holds an empty poll for 60 s; one that does not is asked at most every half second."""
    time = FakeTime()
    layer1 = ScriptedLayer1(EMPTY)
    poller = made(layer1, time)
    started = time.now
    assert [poller.poll() for _ in range(100)] == [(True, None)] * 100
    assert len(layer1.calls) == 100
    assert time.now - started > 90 * 0.5
    assert max(time.waits) <= 1.0


def test_held_polls_need_no_rest() -> None:
    """A poll that was held is followed by the next one at once."""
    time = FakeTime()

    def held(**_: Any) -> dict[str, Any]:
        time.now += 60.0
        return EMPTY

    poller = made(ScriptedLayer1(held), time)
    for _ in range(5):
        assert poller.poll() == (True, None)
    assert time.waits == []


@pytest.mark.parametrize("end", ["task", "held"])
def test_the_rest_begins_again(end: str) -> None:
    """After a task, or a poll that was held, the first rest is short again."""
    time = FakeTime()

    def held(**_: Any) -> dict[str, Any]:
        time.now += 60.0
        return EMPTY

    between = task_answer() if end == "task" else held
    poller = made(ScriptedLayer1(*[EMPTY] * 6, between, EMPTY), time)
    for _ in range(8):
        poller.poll()
    assert time.waits[5] > 0.4
    assert len(time.waits) == 7
    assert time.waits[6] <= 0.05


def test_a_stop_before_a_poll() -> None:
    """Once a stop was asked for, no poll goes out."""
    time = FakeTime()
    time.raise_to(StopLevel.FINISH)
    layer1 = ScriptedLayer1(task_answer())
    assert made(layer1, time).poll() == (False, None)
    assert layer1.calls == []


def test_a_stop_during_a_pause() -> None:
    """A stop ends the pause, and no poll follows."""
    time = FakeTime({1: StopLevel.FINISH})
    layer1 = ScriptedLayer1(THROTTLE, task_answer())
    assert made(layer1, time).poll() == (False, None)
    assert len(layer1.calls) == 1


def test_a_stop_during_a_poll() -> None:
    """What a poll brings that was out at the stop is handed over."""
    time = FakeTime()

    def stopped_meanwhile(**_: Any) -> dict[str, Any]:
        time.raise_to(StopLevel.FINISH)
        return task_answer()

    poller = made(ScriptedLayer1(stopped_meanwhile), time)
    answered, task = poller.poll()
    assert answered
    assert task is not None
    assert poller.poll() == (False, None)
