"""The poll: what it waits out, what ends the worker, and how often it asks."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import InvalidConfigError, NoCredentialsError

from flowy.concurrency.stop import StopLevel
from flowy.exception import CredentialsError, SWFError, UnknownResourceError, ValidationError
from flowy.observer import Observer, Observers, PollEnded
from flowy.swf.worker.polling import Poller
from tests.unit.clocks import SelfTurningClock
from tests.unit.stand_ins import THROTTLE, ScriptedLayer1, fault, task_answer

EMPTY: dict[str, Any] = {"taskToken": "", "startedEventId": 0}
NO_PERMISSION = fault("AccessDeniedException", "not authorized")


def made(
    layer1: ScriptedLayer1,
    clock: SelfTurningClock,
    *,
    answered: threading.Event | None = None,
    lost: Callable[[str], None] = lambda fault: None,
    observers: Observers | None = None,
) -> Poller:
    return Poller(
        layer1.client(),
        domain="domain",
        task_list="list",
        identity="me",
        stop=clock.flag,
        answered=answered or threading.Event(),
        lost=lost,
        observers=observers,
        clock=clock,
    )


def test_a_task() -> None:
    """A poll that brings a task brings it at once."""
    clock = SelfTurningClock()
    answered = threading.Event()
    task = made(ScriptedLayer1(task_answer()), clock, answered=answered).poll()
    assert answered.is_set()
    assert task is not None
    assert task.activity_id == "7"
    assert clock.waits == []


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
    """Throttles, server errors, broken connections, limits: back off, poll on, and log it."""
    caplog.set_level(logging.INFO)
    clock = SelfTurningClock()
    layer1 = ScriptedLayer1(trouble, trouble, trouble, task_answer())
    answered = threading.Event()
    task = made(layer1, clock, answered=answered).poll()
    assert answered.is_set()
    assert task is not None
    steps = [0.5, 1.0, 2.0]
    assert [step / 2 <= wait <= step for step, wait in zip(steps, clock.waits, strict=True)] == (
        [True] * 3
    )
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING] * 2  # one line as it begins, one as it ends
    assert "works again" in caplog.text
    told = "run fewer workers" in caplog.text
    assert told == (getattr(trouble, "response", {}).get("Error", {}).get("Code") == (
        "LimitExceededFault"
    ))  # fmt: skip


def test_trouble_makes_no_hot_loop() -> None:
    """However long the trouble lasts, a worker polls every 15 to 30 s at most."""
    clock = SelfTurningClock({100: StopLevel.DRAIN})
    layer1 = ScriptedLayer1(THROTTLE)
    started = clock.now()
    answered = threading.Event()
    assert made(layer1, clock, answered=answered).poll() is None
    assert not answered.is_set()
    assert len(layer1.calls) == 100
    assert clock.now() - started > 90 * 15
    assert max(clock.waits) <= 30


def test_the_back_off_begins_again() -> None:
    """After a good poll the next trouble begins with the first pause."""
    clock = SelfTurningClock()
    layer1 = ScriptedLayer1(*[THROTTLE] * 5, task_answer(), THROTTLE, task_answer())
    poller = made(layer1, clock)
    poller.poll()
    assert clock.waits[-1] > 3
    poller.poll()
    assert clock.waits[-1] <= 0.5


@pytest.mark.parametrize(
    ("error", "kind", "way_out"),
    [
        (NO_PERMISSION, CredentialsError, "the permission swf:PollForActivityTask"),
        (fault("UnrecognizedClientException"), CredentialsError, "Check the credentials"),
        (
            fault("ValidationException"),
            ValidationError,
            "ValidationException. Region eu-west-1",
        ),
        (
            fault("UnknownResourceFault", "Unknown domain: domain"),
            UnknownResourceError,
            "aws swf register-domain --name domain --workflow-execution-retention-period-in-days",
        ),
    ],
)
def test_a_first_poll_that_is_refused(error: Exception, kind: type[SWFError], way_out: str) -> None:
    """A worker that was never answered and is refused is set up wrongly, and says so."""
    clock = SelfTurningClock()
    layer1 = ScriptedLayer1(error)
    layer1.meta = SimpleNamespace(  # type: ignore[attr-defined]
        region_name="eu-west-1", endpoint_url="https://swf.example"
    )
    with pytest.raises(SWFError) as caught:
        made(layer1, clock).poll()
    assert type(caught.value) is kind
    text = str(caught.value)
    assert text.count("endpoint https://swf.example.") == 1
    assert text.startswith("Cannot poll task list 'list' of domain 'domain': Cannot poll_for_")
    assert way_out in text
    assert caught.value.fault == error.response["Error"]["Code"]  # type: ignore[attr-defined]
    assert clock.waits == []


@pytest.mark.parametrize("error", [NoCredentialsError(), InvalidConfigError(error_msg="Wrong.")])
def test_a_first_poll_that_cannot_be_sent(error: Exception) -> None:
    """Nobody refused it, so the text does not advise to check permissions."""
    with pytest.raises(SWFError) as caught:
        made(ScriptedLayer1(error), SelfTurningClock()).poll()
    assert type(error).__name__ in str(caught.value)
    assert "permission" not in str(caught.value)
    assert not str(caught.value).endswith(" ")


def test_a_refusal_after_trouble_is_a_first_one() -> None:
    """A throttled poll is not a good one: a refusal after it ends the worker, too."""
    poller = made(ScriptedLayer1(THROTTLE, NO_PERMISSION), SelfTurningClock())
    with pytest.raises(CredentialsError):
        poller.poll()


def test_a_later_refusal_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """Once polls have worked, a refusal is an ERROR and a long pause: credentials are renewed."""
    clock = SelfTurningClock()
    poller = made(ScriptedLayer1(EMPTY, *[NO_PERMISSION] * 8, task_answer()), clock)
    assert poller.poll() is None
    clock.waits.clear()
    task = poller.poll()
    assert task is not None
    assert 2.5 <= clock.waits[0] <= 5
    assert max(clock.waits) <= 60
    *refusals, last = [record.levelno for record in caplog.records]
    assert set(refusals) == {logging.ERROR}
    assert 1 < len(refusals) < 8  # one as it begins, then one a minute
    assert last == logging.WARNING
    assert "AccessDeniedException" in caplog.text
    assert "Polling again in" in caplog.text


def test_empty_answers_that_come_at_once_make_no_hot_loop() -> None:
    """SWF holds an empty poll for 60 s. Whatever does not is polled every half second at most."""
    clock = SelfTurningClock()
    layer1 = ScriptedLayer1(EMPTY)
    poller = made(layer1, clock)
    started = clock.now()
    assert [poller.poll() for _ in range(100)] == [None] * 100
    assert len(layer1.calls) == 100
    assert clock.now() - started > 90 * 0.5
    assert max(clock.waits) <= 1.0


def test_held_polls_need_no_rest() -> None:
    """The next poll goes out at once after one that was held."""
    clock = SelfTurningClock()

    def held(**_: Any) -> dict[str, Any]:
        clock.time += 60.0
        return EMPTY

    poller = made(ScriptedLayer1(held), clock)
    for _ in range(5):
        assert poller.poll() is None
    assert clock.waits == []


@pytest.mark.parametrize("end", ["task", "held"])
def test_the_rest_begins_again(end: str) -> None:
    """After a task, or a poll that was held, the first rest is short again."""
    clock = SelfTurningClock()

    def held(**_: Any) -> dict[str, Any]:
        clock.time += 60.0
        return EMPTY

    between = task_answer() if end == "task" else held
    poller = made(ScriptedLayer1(*[EMPTY] * 6, between, EMPTY), clock)
    for _ in range(8):
        poller.poll()
    assert clock.waits[5] > 0.4
    assert len(clock.waits) == 7
    assert clock.waits[6] <= 0.05


def test_a_stop_before_a_poll() -> None:
    """After a stop no poll goes out."""
    clock = SelfTurningClock()
    clock.flag.raise_to(StopLevel.DRAIN)
    layer1 = ScriptedLayer1(task_answer())
    answered = threading.Event()
    assert made(layer1, clock, answered=answered).poll() is None
    assert not answered.is_set()
    assert layer1.calls == []


def test_a_stop_during_a_pause() -> None:
    """A stop ends the pause, and no poll follows."""
    clock = SelfTurningClock({1: StopLevel.DRAIN})
    layer1 = ScriptedLayer1(THROTTLE, task_answer())
    assert made(layer1, clock).poll() is None
    assert len(layer1.calls) == 1


def test_a_stop_during_a_poll() -> None:
    """A poll that is out at the stop still brings its task."""
    clock = SelfTurningClock()

    def stopped_meanwhile(**_: Any) -> dict[str, Any]:
        clock.flag.raise_to(StopLevel.DRAIN)
        return task_answer()

    poller = made(ScriptedLayer1(stopped_meanwhile), clock)
    assert poller.poll() is not None
    assert poller.poll() is None


# Several pollers of one worker


def test_one_good_poll_is_enough_for_all(caplog: pytest.LogCaptureFixture) -> None:
    """If one poller was answered, the first refusal of another is waited out."""
    answered = threading.Event()
    assert made(ScriptedLayer1(EMPTY), SelfTurningClock(), answered=answered).poll() is None
    clock = SelfTurningClock()
    poller = made(ScriptedLayer1(NO_PERMISSION, task_answer()), clock, answered=answered)
    assert poller.poll() is not None
    assert 2.5 <= clock.waits[0] <= 5
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


# Polls that may have cost a task


class ReadTimeoutError(OSError):
    """As botocore's, whose class is known by its name."""


class EndpointConnectionError(OSError):
    """As botocore's: it could not connect, so nothing was sent."""


@pytest.mark.parametrize(
    ("trouble", "lost"),
    [
        (ReadTimeoutError(), ["ReadTimeoutError"]),
        (ConnectionResetError(), ["ConnectionResetError"]),
        (
            {"ResponseMetadata": {"HTTPHeaders": {"content-length": "25"}}},
            ["UnreadableAnswer"],
        ),
        (EndpointConnectionError(), []),
        (THROTTLE, []),
    ],
)
def test_polls_that_may_have_cost_a_task_are_told(trouble: Any, lost: list[str]) -> None:
    """A poll that was sent and got no readable answer may have been handed a task; a fault not."""
    told: list[str] = []
    poller = made(ScriptedLayer1(trouble, task_answer()), SelfTurningClock(), lost=told.append)
    assert poller.poll() is not None
    assert told == lost


# Observers


class Polls(Observer):
    def __init__(self) -> None:
        self.ended: list[PollEnded] = []

    def poll_ended(self, event: PollEnded) -> None:
        self.ended.append(event)


@pytest.mark.parametrize(
    ("line", "result", "fault_name"),
    [
        (task_answer(), "task", None),
        (EMPTY, "empty", None),
        (THROTTLE, "error", "ThrottlingException"),
        (ReadTimeoutError(), "lost", "ReadTimeoutError"),
    ],
)
def test_observers_are_told_of_each_poll(line: Any, result: str, fault_name: str | None) -> None:
    """They learn what it brought, how long it took, and why it failed."""
    clock = SelfTurningClock()

    def after_7_seconds(**_: Any) -> Any:
        clock.time += 7.0
        if isinstance(line, Exception):
            raise line
        return line

    polls = Polls()
    layer1 = ScriptedLayer1(after_7_seconds, EMPTY)
    made(layer1, clock, observers=Observers([polls])).poll()
    first = polls.ended[0]
    assert (first.task_list, first.result, first.fault) == ("list", result, fault_name)
    assert first.seconds == 7.0
