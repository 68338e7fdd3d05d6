"""The stop flag, and the signals that raise it."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from flowy.shutdown import (
    STOP_SIGNALS,
    StopFlag,
    StopLevel,
    child_signals,
    signal_name,
    stop_signals,
    terminable,
)


def test_levels_only_rise() -> None:
    """A lower level than the present one changes nothing."""
    flag = StopFlag()
    assert not flag.is_set()
    assert flag.level == 0
    flag.raise_to(StopLevel.HURRY)
    assert flag.level is StopLevel.HURRY
    assert flag.is_set()
    assert flag.is_set(StopLevel.HURRY)
    assert not flag.is_set(StopLevel.AT_ONCE)
    flag.raise_to(StopLevel.FINISH)
    assert flag.level is StopLevel.HURRY


def test_wait_ends_with_its_time() -> None:
    """Without a stop a wait lasts its time, and answers False."""
    assert StopFlag().wait(0.01) is False
    flag = StopFlag()
    flag.raise_to(StopLevel.FINISH)
    assert flag.wait(0.01, StopLevel.HURRY) is False


def test_wait_for_what_has_come() -> None:
    """A level that is reached already is not waited for."""
    flag = StopFlag()
    flag.raise_to(StopLevel.HURRY)
    assert flag.wait(None)
    assert flag.wait(None, StopLevel.HURRY)


def test_all_waiters_wake() -> None:
    """Every thread that waits wakes, each at its own level and none before."""
    flag = StopFlag()
    woken: queue.SimpleQueue[StopLevel] = queue.SimpleQueue()

    def sleep(level: StopLevel) -> None:
        assert flag.wait(None, level)
        woken.put(level)

    levels = [StopLevel.FINISH] * 3 + [StopLevel.HURRY] * 3
    threads = [threading.Thread(target=sleep, args=(level,)) for level in levels]
    for thread in threads:
        thread.start()
    flag.raise_to(StopLevel.FINISH)
    assert [woken.get(timeout=10) for _ in range(3)] == [StopLevel.FINISH] * 3
    assert woken.empty()
    flag.raise_to(StopLevel.HURRY)
    assert [woken.get(timeout=10) for _ in range(3)] == [StopLevel.HURRY] * 3
    for thread in threads:
        thread.join()


@contextmanager
def handlers_of_the_test() -> Iterator[Callable[[int, FrameType | None], None]]:
    """Put handlers of ours for all signals in question, and those before back at the end."""

    def mine(_number: int, _frame: FrameType | None) -> None:
        """What an embedding program has set."""

    numbers = (*STOP_SIGNALS, signal.SIGHUP)
    before = {number: signal.signal(number, mine) for number in numbers}
    try:
        yield mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_signals_raise_the_flag(number: signal.Signals) -> None:
    """The first lets finish, the second hurries, the third is at once, and interrupts nothing."""
    flag = StopFlag()
    levels: list[StopLevel] = []
    with handlers_of_the_test() as mine:
        with stop_signals(flag):
            for _ in range(4):
                signal.raise_signal(number)
                levels.append(flag.level)
        assert levels == [StopLevel.FINISH, StopLevel.HURRY, StopLevel.AT_ONCE, StopLevel.AT_ONCE]
        assert [signal.getsignal(each) for each in STOP_SIGNALS] == [mine, mine]


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_third_signal_may_interrupt(number: signal.Signals) -> None:
    """A main thread that blocks in a poll asks for it: the third ends by KeyboardInterrupt."""
    flag = StopFlag()
    levels: list[StopLevel] = []
    with handlers_of_the_test() as mine:
        with stop_signals(flag, interrupt=True):
            for _ in range(2):
                signal.raise_signal(number)
                levels.append(flag.level)
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
            levels.append(flag.level)
        assert levels == [StopLevel.FINISH, StopLevel.HURRY, StopLevel.AT_ONCE]
        assert [signal.getsignal(each) for each in STOP_SIGNALS] == [mine, mine]


def test_signals_that_are_not_wanted() -> None:
    """An embedding program's handlers are left as they are."""
    with handlers_of_the_test() as mine, stop_signals(StopFlag(), wanted=False):
        assert [signal.getsignal(each) for each in STOP_SIGNALS] == [mine, mine]


def test_a_signal_wakes_a_waiter() -> None:
    """A wait of the main thread ends when the signal comes, not when its time is up."""
    flag = StopFlag()
    main = threading.main_thread().ident
    assert main is not None
    with handlers_of_the_test(), stop_signals(flag):
        threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGTERM)).start()
        assert flag.wait(30.0)


def test_a_child_leaves_sigint_to_its_parent() -> None:
    """Ctrl-C goes to the whole group: the parent passes a stop on; SIGTERM alone asks the child."""
    asked: list[str] = []
    with handlers_of_the_test() as mine:
        with child_signals(lambda: asked.append("stop")):
            signal.raise_signal(signal.SIGINT)
            assert asked == []
            signal.raise_signal(signal.SIGTERM)
            assert set(asked) == {"stop"}  # by the handler, and by whoever hears it besides
        assert [signal.getsignal(each) for each in STOP_SIGNALS] == [mine, mine]


def test_handlers_come_back_after_an_exception() -> None:
    """However the block is left, the handlers before are put back."""
    with handlers_of_the_test() as mine:
        with pytest.raises(ZeroDivisionError), stop_signals(StopFlag()):
            _ = 1 / 0
        assert signal.getsignal(signal.SIGTERM) is mine


def run_in_a_thread(body: Callable[[], None]) -> None:
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            body()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    thread.join()
    assert errors == []


def test_other_threads_leave_signals_alone() -> None:
    """Python lets only the main thread set handlers; elsewhere nothing is changed."""
    with handlers_of_the_test() as mine:

        def body() -> None:
            with stop_signals(StopFlag()), terminable():
                assert signal.getsignal(signal.SIGTERM) is mine

        run_in_a_thread(body)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_terminable(number: signal.Signals) -> None:
    """Inside the block the signals that end a program are a KeyboardInterrupt."""
    with handlers_of_the_test() as mine:
        with pytest.raises(KeyboardInterrupt), terminable():
            signal.raise_signal(number)
        assert signal.getsignal(number) is mine


def test_what_is_ignored_stays_ignored() -> None:
    """``nohup`` lets a program ignore SIGHUP, and that holds."""
    with handlers_of_the_test():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with terminable():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_signal_names() -> None:
    """A name for the reader of a log; one that has none is told, too."""
    assert signal_name(9) == "SIGKILL"
    assert signal_name(signal.SIGRTMIN + 1) == "unnamed"


def test_an_embedders_wakeup_fd_goes_on_hearing() -> None:
    """Its event loop is told of every signal, those that stop the worker included."""
    ear, mouth = socket.socketpair()
    ear.settimeout(10)
    mouth.setblocking(False)
    before = signal.set_wakeup_fd(mouth.fileno())
    handler = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with stop_signals(StopFlag()):
            for number in (signal.SIGUSR1, signal.SIGTERM):
                os.kill(os.getpid(), number)
                assert number in ear.recv(100)
    finally:
        signal.signal(signal.SIGUSR1, handler)
        signal.set_wakeup_fd(before)
        ear.close()
        mouth.close()
