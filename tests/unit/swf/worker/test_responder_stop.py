"""Answers at a stop: for how long they are still tried."""

from __future__ import annotations

import threading

import pytest

from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.exception import TransientError
from flowy.invocation import Completed, Failed, TaskOutcome
from flowy.swf.worker.responder import Responder, StopPolicy
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import SelfTurningClock, TurnedClock
from tests.unit.stand_ins import THROTTLE
from tests.unit.swf.worker.responders import TASK, responder, scripted


@pytest.fixture
def clock() -> SelfTurningClock:
    return SelfTurningClock()


@pytest.mark.parametrize(
    ("level", "grace", "seconds"),
    [
        (StopLevel.NONE, None, 300),
        (StopLevel.DRAIN, None, 60),
        (StopLevel.DRAIN, 20.0, 20),
        (StopLevel.DRAIN, 0.0, 5),
        (StopLevel.CANCEL, None, 5),
        (StopLevel.KILL, None, 0),
    ],
)
def test_how_long_an_answer_is_tried_at_a_stop(
    clock: SelfTurningClock, level: StopLevel, grace: float | None, seconds: float
) -> None:
    """For the grace or 60 s; for 5 s once the grace is over; then once."""
    clock.flag.raise_to(level)
    began_at = clock.now()
    layer1, responder = scripted(clock, THROTTLE, grace=grace)
    assert responder.deliver(Failed("why")) is TaskOutcome.UNANSWERED
    assert clock.now() - began_at == pytest.approx(seconds)
    assert len(layer1.calls) >= 1


def test_a_stop_while_an_answer_is_tried() -> None:
    """The minute counts from the next try on; the end of the grace shortens what is left."""
    clock = SelfTurningClock({3: StopLevel.DRAIN, 6: StopLevel.CANCEL})
    began_at = clock.now()
    _, responder = scripted(clock, THROTTLE)
    assert responder.deliver(Completed("1")) is TaskOutcome.UNANSWERED
    assert clock.now() - began_at < 60


def test_pauses_begin_again_at_a_stop() -> None:
    """A minute is left then: it is not to be spent in pauses of twenty seconds."""
    clock = SelfTurningClock({6: StopLevel.DRAIN})
    _, responder = scripted(clock, *[THROTTLE] * 7, {})
    assert responder.deliver(Completed("1")) is TaskOutcome.COMPLETED
    assert clock.waits[5] > 5
    assert clock.waits[6] <= 0.5


def test_a_stop_wakes_an_answer_that_waits() -> None:
    """No time passes between the signal and the last try."""
    clock = TurnedClock()
    flag = StopFlag(clock)
    layer1, waiting = responder(clock, flag, THROTTLE)
    outcomes: list[TaskOutcome] = []
    delivering = threading.Thread(
        target=lambda: outcomes.append(waiting.deliver(Completed("1"))), daemon=True
    )
    delivering.start()
    clock.turn_when_awaited(1.0)
    flag.raise_to(StopLevel.KILL)
    delivering.join(PATIENCE_SECONDS)
    assert outcomes == [TaskOutcome.UNANSWERED]
    assert 1 <= len(layer1.calls) <= 3


class Hangs:
    """Takes no answer until the call is cut."""

    def __init__(self) -> None:
        self.calls = 0
        self.under_way = threading.Event()
        self._threads_cut: set[int] = set()
        self._cut = threading.Condition()

    def respond_activity_task_completed(self, token: str, result: str) -> None:
        self.calls += 1
        self.under_way.set()
        thread = threading.get_ident()
        with self._cut:
            assert self._cut.wait_for(lambda: thread in self._threads_cut, PATIENCE_SECONDS)
        raise TransientError("cut", fault="ReadTimeoutError")

    def respond_activity_task_failed(
        self, token: str, reason: str, details: str | None = None
    ) -> None:
        """Never called."""

    def respond_activity_task_canceled(self, token: str, details: str | None = None) -> None:
        """Never called."""

    def cut_call(self, thread: int) -> None:
        with self._cut:
            self._threads_cut.add(thread)
            self._cut.notify_all()


def test_an_answer_that_is_given_up_is_cut_and_not_tried_again(clock: SelfTurningClock) -> None:
    """A stop whose patience has ended leaves no thread in a call."""
    calls = Hangs()
    responder = Responder(
        calls,
        "token",
        subject=TASK,
        start_to_close_seconds=300,
        policy=StopPolicy(clock.flag),
        clock=clock,
    )
    outcomes: list[TaskOutcome] = []
    delivering = threading.Thread(
        target=lambda: outcomes.append(responder.deliver(Completed("1"))), daemon=True
    )
    delivering.start()
    assert calls.under_way.wait(PATIENCE_SECONDS)
    responder.give_up()
    delivering.join(PATIENCE_SECONDS)
    assert outcomes == [TaskOutcome.UNANSWERED]
    assert calls.calls == 1
