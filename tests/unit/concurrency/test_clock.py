"""The clock by which everything waits."""

from __future__ import annotations

import threading
import time

import pytest

from flowy.concurrency.clock import Clock


def test_now_is_monotonic() -> None:
    """It is Python's monotonic clock, which no change of the wall clock moves."""
    before = time.monotonic()
    assert before <= Clock().now() <= time.monotonic()


@pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
def test_waits_end_with_their_time(seconds: float) -> None:
    """They answer False then; with a time of zero or less they do not wait."""
    condition, lock = threading.Condition(), threading.Lock()
    lock.acquire()
    with condition:
        assert Clock().wait(condition, seconds) is False
    assert Clock().acquire(lock, seconds) is False


@pytest.mark.parametrize("seconds", [10.0, None, threading.TIMEOUT_MAX * 2])
def test_a_free_lock_is_acquired(seconds: float | None) -> None:
    """At once, whatever the limit; one longer than Python takes is the longest that it takes."""
    assert Clock().acquire(threading.Lock(), seconds) is True


@pytest.mark.parametrize("seconds", [10.0, None])
def test_a_notification_ends_a_wait(seconds: float | None) -> None:
    """The answer is True."""
    condition = threading.Condition()

    def notify() -> None:
        with condition:
            condition.notify_all()

    with condition:
        thread = threading.Thread(target=notify)
        thread.start()
        assert Clock().wait(condition, seconds) is True
    thread.join()
