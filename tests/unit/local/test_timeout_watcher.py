"""The thread that fires timeouts: when one is due, when it is woken, and after an error."""

from __future__ import annotations

import threading
import time

import pytest

from flowy.local.clock import Clock
from flowy.local.timeout_watcher import TimeoutWatcher
from tests.patience import PATIENCE_SECONDS


def test_it_fires_when_a_timeout_is_due() -> None:
    """fire() is called again at the time that it returned."""
    called: list[float] = []
    again = threading.Event()

    def fire() -> float | None:
        called.append(time.time())
        if len(called) > 1:
            again.set()
        return called[0] + 0.2

    watcher = TimeoutWatcher(threading.RLock(), fire, Clock())
    watcher.start()
    assert again.wait(PATIENCE_SECONDS)
    watcher.stop()
    assert called[1] - called[0] >= 0.2


def test_it_fires_when_woken_and_survives_errors(caplog: pytest.LogCaptureFixture) -> None:
    """An error in a timeout is logged, and later timeouts fire."""
    fired = threading.Semaphore(0)

    def fire() -> float | None:
        fired.release()
        raise ZeroDivisionError

    watcher = TimeoutWatcher(threading.RLock(), fire, Clock())
    watcher.start()
    assert fired.acquire(timeout=PATIENCE_SECONDS)
    watcher.wake()
    assert fired.acquire(timeout=PATIENCE_SECONDS)
    watcher.stop()
    assert "ZeroDivisionError" in caplog.text


def test_it_can_be_stopped_before_it_started() -> None:
    """stop() without start() does nothing."""
    TimeoutWatcher(threading.RLock(), lambda: None, Clock()).stop()
