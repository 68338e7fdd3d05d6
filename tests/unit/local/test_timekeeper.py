"""The timekeeper: looks when it is told to, when something is due, and whatever breaks."""

from __future__ import annotations

import threading
import time

import pytest

from flowy.local.clock import Clock
from flowy.local.timekeeper import Timekeeper


def test_it_comes_back_when_something_is_due() -> None:
    """What fire() says is due next is when it is called next."""
    called: list[float] = []
    again = threading.Event()

    def fire() -> float | None:
        called.append(time.time())
        if len(called) > 1:
            again.set()
        return called[0] + 0.2

    keeper = Timekeeper(threading.RLock(), fire, Clock())
    keeper.start()
    assert again.wait(4)
    keeper.stop()
    assert called[1] - called[0] >= 0.2


def test_it_looks_when_told_and_survives_what_breaks(caplog: pytest.LogCaptureFixture) -> None:
    """An error in a timeout is logged, and the clocks run on."""
    looked = threading.Semaphore(0)

    def fire() -> float | None:
        looked.release()
        raise ZeroDivisionError

    keeper = Timekeeper(threading.RLock(), fire, Clock())
    keeper.start()
    assert looked.acquire(timeout=4)
    keeper.look()
    assert looked.acquire(timeout=4)
    keeper.stop()
    assert "ZeroDivisionError" in caplog.text


def test_it_can_be_stopped_before_it_began() -> None:
    """stop() without start() does nothing."""
    Timekeeper(threading.RLock(), lambda: None, Clock()).stop()
