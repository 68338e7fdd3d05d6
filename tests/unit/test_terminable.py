"""``flowy.shutdown.terminable``, in processes of its own: it is about how they end."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def _output(text: str) -> str:
    script = textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_stop_signal_raises_keyboard_interrupt(name: str) -> None:
    """Whichever it is, one ``except`` cleans up; afterwards the handlers before are back."""
    assert (
        _output(f"""
            import signal
            from flowy.shutdown import terminable
            signal.signal(signal.{name}, lambda *_: print("before"))
            try:
                with terminable():
                    signal.raise_signal(signal.{name})
            except KeyboardInterrupt:
                print("interrupted")
            signal.raise_signal(signal.{name})
        """)
        == "interrupted\nbefore\n"
    )


def test_an_ignored_signal_stays_ignored() -> None:
    """``nohup`` ignores SIGHUP, and means it."""
    assert (
        _output("""
            import signal
            from flowy.shutdown import terminable
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            with terminable():
                signal.raise_signal(signal.SIGHUP)
                print("goes on")
        """)
        == "goes on\n"
    )


def test_an_interruption_that_a_finalizer_swallowed_is_repeated() -> None:
    """Python drops what is raised while an answer of urllib3, say, is finalized."""
    assert (
        _output("""
            import io, signal, threading
            from flowy.shutdown import terminable

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
        == "swallowed\ninterrupted\n"
    )


def test_an_interruption_is_not_repeated_while_it_is_cleaned_up_after() -> None:
    """Cleaning up may take its time, and handle errors of its own."""
    assert (
        _output("""
            import signal, threading
            from flowy.shutdown import REPEAT_SECONDS, terminable
            try:
                with terminable():
                    try:
                        signal.raise_signal(signal.SIGTERM)
                    except BaseException:
                        try:
                            raise ValueError
                        except ValueError:
                            threading.Event().wait(REPEAT_SECONDS * 3)
                        print("cleaned up")
                        raise
            except KeyboardInterrupt:
                print("interrupted")
        """)
        == "cleaned up\ninterrupted\n"
    )


def test_a_second_signal_interrupts_the_cleaning_up() -> None:
    """Who asks twice does not want to wait."""
    assert (
        _output("""
            import signal
            from flowy.shutdown import terminable
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
        == "interrupted\n"
    )


def test_elsewhere_than_on_the_main_thread_it_does_nothing() -> None:
    """Python lets only the main thread set handlers."""
    assert (
        _output("""
            import signal, threading
            from flowy.shutdown import terminable

            before = signal.getsignal(signal.SIGTERM)

            def block():
                with terminable():
                    print(signal.getsignal(signal.SIGTERM) == before)

            thread = threading.Thread(target=block)
            thread.start()
            thread.join()
        """)
        == "True\n"
    )
