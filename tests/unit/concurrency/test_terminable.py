"""``terminable``, in processes of its own: it is about how they end."""

from __future__ import annotations

import pytest

from flowy.concurrency.signals import STOP_SIGNALS
from tests.unit.concurrency.conftest import Script


@pytest.mark.parametrize("name", [number.name for number in STOP_SIGNALS])
def test_a_stop_signal_raises_keyboard_interrupt(script: Script, name: str) -> None:
    """Whichever it is, one ``except`` cleans up; afterwards the handlers before are back."""
    printed = script(f"""
        import signal
        from flowy.concurrency.cli_signals import terminable
        signal.signal(signal.{name}, lambda *_: print("before"))
        try:
            with terminable():
                signal.raise_signal(signal.{name})
        except KeyboardInterrupt:
            print("interrupted")
        signal.raise_signal(signal.{name})
    """)
    assert printed == "interrupted\nbefore\n"


@pytest.mark.parametrize("name", [number.name for number in STOP_SIGNALS])
def test_an_ignored_signal_stays_ignored(script: Script, name: str) -> None:
    """``nohup`` ignores SIGHUP, and that holds."""
    printed = script(f"""
        import signal
        from flowy.concurrency.cli_signals import terminable
        signal.signal(signal.{name}, signal.SIG_IGN)
        with terminable():
            signal.raise_signal(signal.{name})
            print("goes on")
        print(signal.getsignal(signal.{name}) is signal.SIG_IGN)
    """)
    assert printed == "goes on\nTrue\n"


def test_the_last_block_of_a_process(script: Script) -> None:
    """Later signals are ignored: the program has said all that it has to say."""
    printed = script("""
        import signal
        from flowy.concurrency.cli_signals import terminable
        from flowy.concurrency.signals import STOP_SIGNALS
        with terminable(last=True):
            pass
        for number in STOP_SIGNALS:
            signal.raise_signal(number)
        print("goes on")
    """)
    assert printed == "goes on\n"


def test_an_interruption_that_a_finalizer_swallowed_is_repeated(script: Script) -> None:
    """Python drops what is raised while an answer of urllib3, for example, is finalized."""
    printed = script("""
        import io, signal, threading
        from flowy.concurrency.cli_signals import terminable

        class Answer(io.IOBase):
            def close(self):
                signal.raise_signal(signal.SIGTERM)

        try:
            with terminable():
                Answer()
                print("swallowed")
                threading.Event().wait(20)
                print("lost")
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert printed == "swallowed\ninterrupted\n"


def test_an_interruption_is_not_repeated_while_it_is_cleaned_up_after(script: Script) -> None:
    """Cleaning up may take its time, and handle errors of its own."""
    printed = script("""
        import signal
        from flowy.concurrency.cli_signals import terminable
        try:
            with terminable():
                try:
                    signal.raise_signal(signal.SIGTERM)
                except BaseException:
                    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0
                    try:
                        raise ValueError
                    except ValueError:
                        signal.raise_signal(signal.SIGALRM)  # as the timer does
                    print("cleaned up")
                    raise
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert printed == "cleaned up\ninterrupted\n"


def test_a_second_signal_interrupts_the_cleaning_up(script: Script) -> None:
    """Whoever asks twice does not want to wait."""
    printed = script("""
        import signal
        from flowy.concurrency.cli_signals import terminable
        try:
            with terminable():
                try:
                    signal.raise_signal(signal.SIGTERM)
                finally:
                    signal.raise_signal(signal.SIGINT)
                    print("cleaned up")
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert printed == "interrupted\n"


# reporting


def test_a_report_until_a_worker_gives_it(script: Script) -> None:
    """Each report comes once: from the command, and while a worker runs from the worker."""
    printed = script("""
        import os, signal, threading
        from flowy.concurrency.cli_signals import reporting
        from flowy.concurrency.signals import stop_signals
        from flowy.concurrency.stop import StopFlag
        news = threading.Semaphore(0)

        def say(what):
            print(what, flush=True)
            news.release()

        def ask():
            signal.raise_signal(signal.SIGUSR1)
            news.acquire(timeout=60)

        with reporting(lambda: say("command")):
            ask()
            with stop_signals(StopFlag(), report=lambda: say("worker")):
                ask()
                ask()
                os._exit(0)
    """)
    assert printed == "command\nworker\nworker\n"


def test_a_program_keeps_its_own_handler(script: Script) -> None:
    """Whether it set it before, or a package sets it meanwhile."""
    printed = script("""
        import signal
        from flowy.concurrency.cli_signals import reporting
        for _ in range(2):
            with reporting(lambda: print("command")):
                signal.signal(signal.SIGUSR1, lambda *_: print("own"))
                signal.raise_signal(signal.SIGUSR1)
            signal.signal(signal.SIGUSR1, lambda *_: print("own, from before"))
        signal.raise_signal(signal.SIGUSR1)
    """)
    assert printed == "own\nown\nown, from before\n"


def test_a_prompt_is_interrupted_once(script: Script) -> None:
    """Ctrl-C at a prompt within it raises one KeyboardInterrupt, which nothing repeats."""
    printed = script("""
        import signal
        from flowy.concurrency.cli_signals import prompting, terminable
        with terminable(), prompting():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                print("interrupted", signal.getitimer(signal.ITIMER_REAL))
    """)
    assert printed == "interrupted (0.0, 0.0)\n"
