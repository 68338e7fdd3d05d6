"""The stop flag."""

from __future__ import annotations

import queue
import threading

from flowy.concurrency.stop import StopFlag, StopLevel
from tests.patience import PATIENCE_SECONDS
from tests.unit.clocks import SelfTurningClock


def test_levels_only_rise() -> None:
    """A lower level than the present one changes nothing."""
    flag = StopFlag()
    assert not flag.is_set()
    assert not flag.level
    flag.raise_to(StopLevel.CANCEL)
    assert flag.level is StopLevel.CANCEL
    assert flag.is_set()
    assert flag.is_set(StopLevel.CANCEL)
    assert not flag.is_set(StopLevel.KILL)
    flag.raise_to(StopLevel.DRAIN)
    assert flag.level is StopLevel.CANCEL


def test_wait_ends_with_its_time() -> None:
    """Without a stop a wait lasts its time, and answers False; so does a stop of a lower level."""
    clock = SelfTurningClock()
    assert clock.flag.wait(5.0) is False
    clock.flag.raise_to(StopLevel.DRAIN)
    assert clock.flag.wait(7.0, StopLevel.CANCEL) is False
    assert clock.waits == [5.0, 7.0]


def test_wait_for_what_has_come() -> None:
    """A level that is reached already is not waited for."""
    clock = SelfTurningClock()
    clock.flag.raise_to(StopLevel.CANCEL)
    assert clock.flag.wait(None)
    assert clock.flag.wait(None, StopLevel.CANCEL)
    assert clock.waits == []


def test_a_stop_ends_a_wait() -> None:
    """The answer is True."""
    clock = SelfTurningClock(stops={1: StopLevel.DRAIN, 2: StopLevel.CANCEL})
    assert clock.flag.wait(5.0) is True
    assert clock.flag.wait(5.0, StopLevel.CANCEL) is True
    assert clock.now() == SelfTurningClock().now()


def test_all_waiters_wake() -> None:
    """Every thread that waits wakes, each at its own level and none before."""
    flag = StopFlag()
    woken: queue.SimpleQueue[StopLevel] = queue.SimpleQueue()

    def sleep(level: StopLevel) -> None:
        assert flag.wait(None, level)
        woken.put(level)

    levels = [StopLevel.DRAIN] * 3 + [StopLevel.CANCEL] * 3
    threads = [threading.Thread(target=sleep, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    flag.raise_to(StopLevel.DRAIN)
    assert [woken.get(timeout=PATIENCE_SECONDS) for _ in range(3)] == [StopLevel.DRAIN] * 3
    assert woken.empty()
    flag.raise_to(StopLevel.CANCEL)
    assert [woken.get(timeout=PATIENCE_SECONDS) for _ in range(3)] == [StopLevel.CANCEL] * 3
    for thread in threads:
        thread.join()


def test_raised_by_many_at_once() -> None:
    """A signal handler and any number of threads may raise it together."""
    for _ in range(50):
        flag = StopFlag()
        barrier = threading.Barrier(8, timeout=PATIENCE_SECONDS)

        def raise_it(flag: StopFlag = flag, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            flag.raise_to(StopLevel.KILL)

        def wait(flag: StopFlag = flag, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            assert flag.wait(PATIENCE_SECONDS, StopLevel.KILL)

        threads = [threading.Thread(target=target) for target in [raise_it, wait] * 4]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert flag.level is StopLevel.KILL
