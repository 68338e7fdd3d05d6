"""The signals that raise the stop flag."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from flowy.concurrency.cli_signals import terminable
from flowy.concurrency.interruption import Interruption
from flowy.concurrency.signals import STOP_SIGNALS, child_signals, signal_name, stop_signals
from flowy.concurrency.stop import StopFlag, StopLevel
from tests.patience import PATIENCE_SECONDS
from tests.unit.concurrency.conftest import Script

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handlers_of_the_test() -> Iterator[Handler]:
    """Put a handler of ours for all stop signals, and those before back at the end."""

    def mine(_number: int, _frame: FrameType | None) -> None:
        """What an embedding program has set."""

    before = {number: signal.signal(number, mine) for number in STOP_SIGNALS}
    try:
        yield mine
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def handlers() -> set[object]:
    """Return the present handlers of the stop signals."""
    return {signal.getsignal(number) for number in STOP_SIGNALS}


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


# Child processes, forks, other threads


def test_a_worker_process_leaves_sigint_to_its_supervisor() -> None:
    """Ctrl-C goes to the whole group, and the supervisor passes a stop on."""
    asked: list[str] = []
    with handlers_of_the_test():
        with child_signals(lambda: asked.append("stop")) as put_back:
            signal.raise_signal(signal.SIGINT)
            assert asked == []
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            put_back()
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.raise_signal(number)
                assert set(asked) == {"stop"}  # by the handler, and by the thread that hears it
                asked.clear()
        assert handlers() == {signal.SIG_IGN}  # the process is about to end


def test_a_forked_child_has_the_default_handlers(script: Script) -> None:
    """Signals end it as any process, tell the parent nothing, and its programs inherit none."""
    printed = script("""
        import os, signal, sys, threading
        from flowy.concurrency.signals import STOP_SIGNALS, stop_signals
        from flowy.concurrency.stop import StopFlag

        flag = StopFlag()

        def family():
            for number in STOP_SIGNALS:
                sys.stdout.flush()
                pid = os.fork()
                if pid == 0:
                    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()
                    assert signal.set_wakeup_fd(-1) == -1
                    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
                    try:
                        signal.raise_signal(number)
                    except KeyboardInterrupt:
                        os._exit(100)
                print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flag.is_set())
            assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == set()

        with stop_signals(flag):
            family()
            signal.raise_signal(signal.SIGTERM)
            print(flag.level.name)
    """)
    term, hup = -signal.SIGTERM, -signal.SIGHUP
    assert printed == f"100 False\n{term} False\n{hup} False\nDRAIN\n"


def test_a_fork_after_the_block_is_left_alone(script: Script) -> None:
    """The handlers of whoever embeds a worker are their children's, too."""
    printed = script("""
        import os, signal
        from flowy.concurrency.signals import stop_signals
        from flowy.concurrency.stop import StopFlag

        signal.signal(signal.SIGTERM, lambda *_: os._exit(50))
        with stop_signals(StopFlag()):
            pass
        pid = os.fork()
        if pid == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(60)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """)
    assert printed == "50\n"


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
            with stop_signals(StopFlag()) as put_back, terminable():
                put_back()
                assert handlers() == {mine}

        run_in_a_thread(body)


def test_signal_names() -> None:
    """A name for the reader of a log; a signal without one is ``unnamed``."""
    assert signal_name(9) == "SIGKILL"
    assert signal_name(signal.SIGRTMIN + 1) == "unnamed"


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
