"""Signals and child processes, forks, and other threads."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

from flowy.concurrency.cli_signals import terminable
from flowy.concurrency.signals import child_signals, signal_name, stop_signals
from flowy.concurrency.stop import StopFlag
from tests.unit.concurrency.conftest import Script
from tests.unit.concurrency.handlers import handlers, handlers_of_the_test


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
