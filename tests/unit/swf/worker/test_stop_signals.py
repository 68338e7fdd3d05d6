"""The signals of a worker on the main thread, and KeyboardInterrupt if they are not its own."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flowy.concurrency.clock import SYSTEM_CLOCK
from flowy.concurrency.stop import StopLevel
from flowy.swf.worker import StopReport, pollers, runner
from tests.patience import PATIENCE_SECONDS
from tests.unit.swf.worker.worker_case import WorkerCase

serial_and_many = pytest.mark.parametrize("concurrency", [1, 2])


@pytest.fixture
def case() -> Iterator[WorkerCase]:
    with WorkerCase() as made:
        yield made


def in_thread(meddle: threading.Thread) -> threading.Thread:
    meddle.start()
    return meddle


@pytest.mark.parametrize("signals", [True, False])
def test_signals_are_the_workers_while_it_runs(case: WorkerCase, signals: bool) -> None:
    """Unless it is told otherwise; afterwards the handlers before are put back."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    seen: list[Any] = []
    worker = case.make(signals=signals, loop=1)
    case.swf.at_poll = lambda _: seen.extend(
        signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)
    )
    case.release.set()
    case.swf.give()
    worker.run()
    assert (seen == before) is not signals
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


@serial_and_many
def test_an_embedders_handlers_hear_nothing_and_come_back(
    case: WorkerCase, concurrency: int
) -> None:
    """A signal stops the worker alone."""
    called: list[int] = []

    def mine(number: int, frame: object) -> None:
        called.append(number)

    before = {number: signal.signal(number, mine) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        worker = case.make(concurrency=concurrency, signals=True)

        def meddle() -> None:
            case.swf.wait_for_polls(concurrency)
            os.kill(os.getpid(), signal.SIGTERM)
            case.levels.wait_for(StopLevel.DRAIN)
            case.swf.give_nothing(concurrency)

        meddler = in_thread(threading.Thread(target=meddle))
        assert worker.run() == StopReport()
        meddler.join()
        assert called == []
        assert signal.getsignal(signal.SIGINT) is mine
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_is_heard_whatever_the_main_thread_is_doing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also in the moment before it waits, in which a signal interrupts nothing.

    Otherwise the worker ends only when its main thread looks up the next time.
    """
    for module in (runner, pollers):
        monkeypatch.setattr(module, "LOOK_SECONDS", PATIENCE_SECONDS)
    for _ in range(50):
        with WorkerCase(SYSTEM_CLOCK) as case:
            worker = case.make(concurrency=2, pollers=1, signals=True)
            killed_at: list[float] = []

            def meddle(case: WorkerCase = case, killed_at: list[float] = killed_at) -> None:
                case.swf.wait_for_polls(1)
                killed_at.append(time.monotonic())
                os.kill(os.getpid(), signal.SIGTERM)
                case.levels.wait_for(StopLevel.DRAIN)
                case.swf.give_nothing()

            meddler = in_thread(threading.Thread(target=meddle))
            assert worker.run() == StopReport()
            assert time.monotonic() - killed_at[0] < PATIENCE_SECONDS
            meddler.join()


def test_ctrl_c_in_a_serial_worker_that_leaves_signals_alone(
    case: WorkerCase, caplog: pytest.LogCaptureFixture
) -> None:
    """KeyboardInterrupt comes out; the poll that it broke is reported."""
    worker = case.make()

    def meddle() -> None:
        case.swf.wait_for_polls(1)
        os.kill(os.getpid(), signal.SIGINT)

    meddler = in_thread(threading.Thread(target=meddle))
    with pytest.raises(KeyboardInterrupt):
        worker.run()
    meddler.join()
    assert "1 poll that may have cost a task: " in caplog.text
    assert caplog.messages[-1].endswith("(KeyboardInterrupt).")


def test_a_third_signal_during_a_poll(case: WorkerCase, caplog: pytest.LogCaptureFixture) -> None:
    """It ends the poll of a serial worker; the log says that this may have cost a task."""

    def three_signals(_number: int) -> None:
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)

    case.swf.at_poll = three_signals
    with pytest.raises(KeyboardInterrupt):
        case.make(signals=True).run()
    (last,) = [record for record in caplog.records if "Worker stopped: " in record.getMessage()]
    assert last.levelno == logging.WARNING
    assert "0 completed; 1 poll that may have cost a task: " in last.getMessage()
    assert last.getMessage().endswith("(KeyboardInterrupt).")


def test_ctrl_c_in_a_worker_of_many_that_leaves_signals_alone(
    case: WorkerCase, caplog: pytest.LogCaptureFixture
) -> None:
    """Running activities finish, polls are waited for, and KeyboardInterrupt comes out then."""
    worker = case.make(concurrency=2)
    token = case.swf.give()

    def meddle() -> None:
        case.wait_for_begun()
        case.swf.wait_for_polls(2)
        os.kill(os.getpid(), signal.SIGINT)
        case.levels.wait_for(StopLevel.DRAIN)
        case.swf.give_nothing(2)
        case.release.set()

    meddler = in_thread(threading.Thread(target=meddle))
    with caplog.at_level(logging.INFO), pytest.raises(KeyboardInterrupt):
        worker.run()
    meddler.join()
    assert case.swf.answers_of(token) == [("completed", '"done"')]
    assert "Worker stopped: 1 completed." in caplog.text
