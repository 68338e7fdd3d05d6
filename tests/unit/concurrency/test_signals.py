"""The signals that raise the stop flag, and the one that asks what a worker does."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from flowy.concurrency.interruption import Interruption
from flowy.concurrency.signals import STOP_SIGNALS, child_signals, stop_signals
from flowy.concurrency.stop import StopFlag, StopLevel
from tests.patience import PATIENCE_SECONDS
from tests.unit.concurrency.conftest import Script
from tests.unit.concurrency.handlers import Handler, handlers, handlers_of_the_test


def test_a_hang_up_is_a_stop() -> None:
    """SIGHUP is one of the stop signals, as Ctrl-C and SIGTERM are."""
    assert STOP_SIGNALS == (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_signals_raise_the_flag(number: signal.Signals) -> None:
    """The first drains, the second cancels, the third kills; none interrupts anything."""
    flag = StopFlag()
    levels: list[StopLevel] = []
    with handlers_of_the_test() as mine:
        with stop_signals(flag):
            for _ in range(4):
                signal.raise_signal(number)
                levels.append(flag.level)
        assert levels == [StopLevel.DRAIN, StopLevel.CANCEL, StopLevel.KILL, StopLevel.KILL]
        assert handlers() == {mine}


def test_different_signals_are_counted_together() -> None:
    """The second signal ends the grace, whichever it is."""
    flag = StopFlag()
    with handlers_of_the_test(), stop_signals(flag):
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
        assert flag.level is StopLevel.CANCEL


def test_signals_are_counted_not_levels() -> None:
    """A second signal after the end of the grace does not count as a third one."""
    flag = StopFlag()
    with handlers_of_the_test(), stop_signals(flag):
        signal.raise_signal(signal.SIGTERM)
        flag.raise_to(StopLevel.CANCEL)
        signal.raise_signal(signal.SIGTERM)
        assert flag.level is StopLevel.CANCEL


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_the_third_signal_may_interrupt(number: signal.Signals) -> None:
    """A main thread that blocks in a poll asks for it: the third ends by KeyboardInterrupt."""
    flag = StopFlag()
    levels: list[StopLevel] = []
    with handlers_of_the_test() as mine:
        interruption = Interruption()
        with stop_signals(flag, interruption=interruption):
            for _ in range(2):
                interruption.call(lambda: signal.raise_signal(number))
                levels.append(flag.level)
            with pytest.raises(KeyboardInterrupt):
                interruption.call(lambda: signal.raise_signal(number))
            levels.append(flag.level)
        assert levels == [StopLevel.DRAIN, StopLevel.CANCEL, StopLevel.KILL]
        assert handlers() == {mine}


def test_signals_that_are_not_wanted() -> None:
    """An embedding program's handlers are left as they are."""
    with handlers_of_the_test() as mine, stop_signals(StopFlag(), wanted=False):
        assert handlers() == {mine}


def test_a_signal_wakes_a_waiter() -> None:
    """A wait of the main thread ends when the signal comes, not when its time is up."""
    flag = StopFlag()
    main = threading.main_thread().ident
    assert main is not None
    with handlers_of_the_test(), stop_signals(flag):
        threading.Thread(target=signal.pthread_kill, args=(main, signal.SIGTERM)).start()
        assert flag.wait(PATIENCE_SECONDS)


def test_a_signal_is_heard_while_no_handler_can_run(script: Script) -> None:
    """A main thread in a long call of C runs no Python: the flag is raised all the same."""
    printed = script("""
        import ctypes, os, signal, threading
        from flowy.concurrency.signals import stop_signals
        from flowy.concurrency.stop import StopFlag

        flag, mutex = StopFlag(), ctypes.create_string_buffer(256)
        lock = ctypes.CDLL(None).pthread_mutex_lock

        def ask():
            os.kill(os.getpid(), signal.SIGTERM)
            os.write(1, str(flag.wait(20)).encode())
            os._exit(0)

        with stop_signals(flag):
            lock(mutex)
            threading.Thread(target=ask).start()
            lock(mutex)  # for ever
    """)
    assert printed == "True"


# Handlers that were there before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_a_shell_ignores_in_the_background_is_heard(number: signal.Signals) -> None:
    """A worker that was started with ``&`` can be stopped."""
    flag = StopFlag()
    with handlers_of_the_test():
        signal.signal(number, signal.SIG_IGN)
        with stop_signals(flag):
            signal.raise_signal(number)
            assert flag.is_set()
        assert signal.getsignal(number) is signal.SIG_IGN


def test_nohup() -> None:
    """A hang-up that is ignored stays ignored, also by a worker process."""
    flag = StopFlag()
    with handlers_of_the_test():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with stop_signals(flag), child_signals(lambda: flag.raise_to(StopLevel.KILL)):
            signal.raise_signal(signal.SIGHUP)
        assert not flag.is_set()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_handlers_come_back_after_an_exception() -> None:
    """However the block is left, the handlers before are put back."""
    with handlers_of_the_test() as mine:
        with pytest.raises(ZeroDivisionError), stop_signals(StopFlag()):
            _ = 1 / 0
        assert handlers() == {mine}


def test_the_last_block_of_a_process() -> None:
    """Later signals are ignored: the report is written, and nobody needs to ask again."""
    flag = StopFlag()
    with handlers_of_the_test():
        with stop_signals(flag, last=True):
            pass
        assert handlers() == {signal.SIG_IGN}


def test_an_activity_that_took_the_signals() -> None:
    """Its handlers, and its ear, are gone when the worker puts its own back."""
    flag = StopFlag()
    with handlers_of_the_test() as mine:
        ear_before = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(ear_before)
        with stop_signals(flag) as put_back:
            ours = signal.getsignal(signal.SIGINT)
            ear = signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, mine)
            put_back()
            assert handlers() == {ours}
            assert signal.set_wakeup_fd(ear, warn_on_full_buffer=False) == ear
            signal.raise_signal(signal.SIGTERM)
            assert flag.is_set()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # and leaves it so
        assert handlers() == {mine}
        assert signal.set_wakeup_fd(ear_before) == ear_before


def test_nothing_to_put_back() -> None:
    """If no handler was set, none is put back."""
    with handlers_of_the_test() as mine, stop_signals(StopFlag(), wanted=False) as put_back:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        put_back()
        assert handlers() == {mine, signal.SIG_IGN}


def test_an_embedders_wakeup_fd_goes_on_hearing() -> None:
    """Its event loop is told of every signal, those that stop the worker included."""
    ear, mouth = socket.socketpair()
    ear.settimeout(PATIENCE_SECONDS)
    mouth.setblocking(False)
    before = signal.set_wakeup_fd(mouth.fileno())
    handler = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with handlers_of_the_test(), stop_signals(StopFlag()):
            for number in (signal.SIGUSR1, signal.SIGTERM):
                os.kill(os.getpid(), number)
                assert number in ear.recv(100)
    finally:
        signal.signal(signal.SIGUSR1, handler)
        signal.set_wakeup_fd(before)
        ear.close()
        mouth.close()


# The signal that asks what a worker does


@pytest.fixture
def nobody_handles_sigusr1() -> Iterator[None]:
    before = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("nobody_handles_sigusr1")
def test_sigusr1_asks_for_a_report() -> None:
    """The signal does not stop the worker, and its handler is put back afterwards."""
    flag, asked = StopFlag(), threading.Semaphore(0)
    with handlers_of_the_test(), stop_signals(flag, report=asked.release):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert asked.acquire(timeout=PATIENCE_SECONDS)
        assert not flag.is_set()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    with handlers_of_the_test():
        with child_signals(lambda: None, asked.release):
            os.kill(os.getpid(), signal.SIGUSR1)
            assert asked.acquire(timeout=PATIENCE_SECONDS)
        assert signal.getsignal(signal.SIGUSR1) is signal.SIG_IGN  # the process is about to end


@pytest.mark.usefixtures("nobody_handles_sigusr1")
def test_sigusr1_that_is_not_wanted() -> None:
    """It is left alone without a report, and if all signals are."""
    with handlers_of_the_test():
        with stop_signals(StopFlag()):
            assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
        with stop_signals(StopFlag(), wanted=False, report=print):
            assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None])
def test_sigusr1_of_the_program(handler: Handler) -> None:
    """A program that uses or ignores the signal keeps it."""
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with handlers_of_the_test(), stop_signals(StopFlag(), report=print):
            assert signal.getsignal(signal.SIGUSR1) is handler
    finally:
        signal.signal(signal.SIGUSR1, before)
