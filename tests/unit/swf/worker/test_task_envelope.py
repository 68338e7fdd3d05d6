"""A key service that is away is waited for like SWF: heartbeats go on, and a stop ends it."""

from __future__ import annotations

from typing import Any

import pytest

from flowy import reasons
from flowy.concurrency.stop import StopLevel
from flowy.envelope import Envelope
from flowy.task import Activity
from tests.patience import until
from tests.unit.swf.calls import unknown
from tests.unit.swf.worker.away_codec import (
    AWAY,
    SECRET,
    AsyncEcho,
    AwayCodec,
    Running,
    sealed,
    value_of,
)
from tests.unit.swf.worker.runs import Case


def test_input_waits(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """Until the key service answers; each try is a line with the fault."""
    codec = AwayCodec(AWAY, AWAY, AWAY)
    running = Running(case, codec)
    running.pass_pauses(1, 2, 3)
    running.end()
    assert (value_of(case), codec.calls) == (SECRET, 5)
    lines = [record for record in caplog.records if record.__dict__["flowy_event"] == "value_waits"]
    assert [record.__dict__["flowy_fault"] for record in lines] == ["ThrottlingException"] * 3
    assert SECRET not in caplog.text


def test_result_waits(case: Case) -> None:
    """The run is not repeated for it."""
    runs = []

    class Once(Activity):
        def run(self, it: str) -> str:
            runs.append(it)
            codec.troubles = [AWAY, AWAY]
            return it

    codec = AwayCodec()
    running = Running(case, codec, Once)
    running.pass_pauses(2, 3)
    running.end()
    assert (value_of(case), runs) == (SECRET, [SECRET])


def test_heartbeats_go_on(case: Case) -> None:
    """Every third of the declared timeout, though the activity asks for none."""
    codec = AwayCodec(*[AWAY] * 1_000)
    running = Running(case, codec, heartbeat=60)
    for _ in range(3):
        until(lambda: codec.calls > 0)
        case.beat()
    codec.troubles.clear()
    running.let_go()
    running.end()
    assert value_of(case) == SECRET


def test_task_that_was_closed(case: Case) -> None:
    """Nothing is answered, and nothing runs."""

    def closed() -> bool:
        raise unknown()

    case.calls.beat = closed
    running = Running(case, AwayCodec(*[AWAY] * 1_000), heartbeat=60)
    until(lambda: running.codec.calls > 0)
    case.beat()
    running.let_go()
    running.end()
    assert case.settled == ["CLOSED"]


def test_cancellation(case: Case) -> None:
    """A task whose input still waits is canceled; a result is waited for all the same."""
    case.calls.beat = lambda: True
    running = Running(case, AwayCodec(*[AWAY] * 1_000), heartbeat=60)
    until(lambda: running.codec.calls > 0)
    case.beat()
    running.let_go()
    running.end()
    assert case.answer == ("cancel", "")


def test_end_of_the_grace(case: Case) -> None:
    """The stop ends the waiting, by its policy."""
    running = Running(case, AwayCodec(*[AWAY] * 1_000))
    case.clock.turn_when_awaited(1)
    case.flag.raise_to(StopLevel.CANCEL)
    running.end()
    assert case.settled == ["ABANDONED"]


@pytest.mark.parametrize("of", ["input", "result"])
def test_out_of_patience(case: Case, of: str) -> None:
    """As long as an answer is tried; then the task fails, and says why."""

    class Once(Activity):
        def run(self, it: str) -> str:
            codec.troubles = [AWAY] * 1_000
            return it

    codec = AwayCodec(*[AWAY] * (1_000 if of == "input" else 0))
    running = Running(case, codec, Once, heartbeat=None)
    running.pass_pauses(1 if of == "input" else 2)
    case.clock.turn(300)
    running.let_go()
    running.end()
    verb, reason, *details = case.answer
    start = reasons.INPUT_UNREADABLE if of == "input" else reasons.RESULT_NOT_SERIALIZABLE
    assert (verb, reason, details) == ("fail", f"{start}KMS does not answer.", [""])


def test_coroutine(case: Case) -> None:
    """It waits on the event loop, which goes on; codecs and stores never run there."""
    codec = AwayCodec(AWAY)
    given: Any = {"input": sealed(SECRET), "envelope": Envelope((codec,))}
    case.await_(case.task_run(AsyncEcho, **given))
    assert value_of(case) == SECRET
    assert codec.threads
    assert case.loop.thread_id not in codec.threads


def test_coroutine_that_is_canceled_while_it_waits(case: Case) -> None:
    """It is canceled like any other coroutine."""
    codec = AwayCodec(*[AWAY] * 1_000)
    run = case.task_run(AsyncEcho, input=sealed(SECRET), envelope=Envelope((codec,)))
    case.begin(run)
    case.flag.raise_to(StopLevel.CANCEL)
    run.interrupt()
    case.wait()
    assert case.settled == ["ABANDONED"]
