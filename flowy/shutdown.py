"""How a worker is told to stop: a flag with three levels, and the signals that raise it.

A signal handler runs between two bytecodes of the main thread, which may at that moment hold any
lock: a handler that takes a lock, logs, or sets a ``threading.Event`` can deadlock. So the
handler only gives back locks that nobody but a waiter takes. (A ``queue.SimpleQueue`` would do,
but until Python 3.13 its ``get(timeout)`` may wait for ever where a signal comes meanwhile.) And
as the main thread may be long in coming to its next bytecode, a thread hears of each signal too.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

logger = logging.getLogger(__name__)


class StopLevel(enum.IntEnum):
    """How urgently a worker was asked to stop."""

    NONE = 0  #: Not at all.
    FINISH = 1  #: Take no new task, finish what runs.
    HURRY = 2  #: Tell what runs to give up: ``heartbeat()`` answers False.
    AT_ONCE = 3  #: Wait for nothing more.


class _Gate:
    """Closed until it is opened, once and for all; who waits for it passes through one by one."""

    def __init__(self) -> None:
        self.is_open = False
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        self.is_open = True
        self._release()

    def wait(self, seconds: float | None) -> bool:
        if not self.is_open:
            limit = -1 if seconds is None else max(0.0, min(seconds, threading.TIMEOUT_MAX))
            if self._lock.acquire(timeout=limit):
                self._release()  # for the next
        return self.is_open

    def _release(self) -> None:
        with contextlib.suppress(RuntimeError):  # it was opened twice at once, and is free
            self._lock.release()


class StopFlag:
    """A level that only rises, safe to raise from a signal handler and from any thread."""

    def __init__(self) -> None:
        # One gate a level: a waiter for HURRY must sleep on while FINISH is set.
        self._gates = {level: _Gate() for level in StopLevel if level}

    @property
    def level(self) -> StopLevel:
        """The level reached so far."""
        return max((level for level in self._gates if self.is_set(level)), default=StopLevel.NONE)

    def is_set(self, level: StopLevel = StopLevel.FINISH) -> bool:
        """Whether the worker was asked to stop, at least as urgently as *level*."""
        return self._gates[level].is_open

    def raise_to(self, level: StopLevel) -> None:
        """Ask to stop as urgently as *level*; a lower level than the present changes nothing."""
        for step, gate in self._gates.items():
            if step <= level and not gate.is_open:
                gate.open()

    def wait(self, seconds: float | None, level: StopLevel = StopLevel.FINISH) -> bool:
        """Sleep for *seconds* (None: for ever) or until *level* is reached; return whether it is.

        Several threads may wait.
        """
        return self._gates[level].wait(seconds)


#: The signals by which a person (Ctrl-C) or a process manager asks a worker to stop.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals(flag: StopFlag, *, interrupt: bool = False, wanted: bool = True) -> Iterator[None]:
    """Let SIGINT and SIGTERM raise *flag* while the block runs: to FINISH, to HURRY, to AT_ONCE.

    It is the signals that count: a second one is no third because the grace has ended meanwhile.
    With *interrupt* the third also raises KeyboardInterrupt in the main thread, which ends a
    blocking call there; a main thread that waits for the flag has no need of it. Without
    *wanted* nothing is done. Python lets only the main thread set handlers: elsewhere this does
    nothing. The handlers that were there before are put back, so that an embedding program keeps
    its own.
    """
    handled, heard = itertools.count(1), itertools.count(1)

    def handle(_number: int, _frame: FrameType | None) -> None:
        flag.raise_to(StopLevel(min(next(handled), StopLevel.AT_ONCE)))
        if flag.is_set(StopLevel.AT_ONCE) and interrupt:
            raise KeyboardInterrupt

    def hear() -> None:
        flag.raise_to(StopLevel(min(next(heard), StopLevel.AT_ONCE)))

    with _handlers(dict.fromkeys(STOP_SIGNALS, handle) if wanted else {}, hear):
        yield


@contextmanager
def child_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM call *stop*, and SIGINT do nothing, while the block runs.

    For a process whose parent passes a stop on: Ctrl-C in a terminal goes to both, and so does
    the SIGTERM of a process manager that means the whole group.
    """

    def terminate(_number: int, _frame: FrameType | None) -> None:
        stop()

    with _handlers({signal.SIGTERM: terminate, signal.SIGINT: signal.SIG_IGN}, stop):
        yield


@contextmanager
def _handlers(
    handlers: Mapping[signal.Signals, Any], hear: Callable[[], None] | None = None
) -> Iterator[None]:
    """Set these handlers while the block runs, and put back those that were there before.

    *hear* is called besides, by a thread and at once, for each stop signal that comes.
    """
    if not handlers:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        logger.debug("Not on the main thread: signals are left alone.")
        yield
        return
    before: dict[signal.Signals, Any] = {}
    with _heard_at_once(hear) if hear else contextlib.nullcontext():
        try:
            for number, handler in handlers.items():
                before[number] = signal.signal(number, handler)
            yield
        finally:
            for number, handler in before.items():
                # None: the handler was set by C code, and Python can neither name nor restore it.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def _heard_at_once(hear: Callable[[], None]) -> Iterator[None]:
    """Call *hear* for each stop signal while the block runs, whatever the main thread is doing.

    Python runs a handler when the main thread comes to its next bytecode: not while that is in a
    long call of C, and not while it waits, where the signal came just before the wait.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)

    def listen() -> None:
        with ear:
            while numbers := ear.recv(256):
                if before >= 0:  # an embedder's own event loop listens there
                    with contextlib.suppress(OSError):
                        os.write(before, numbers)
                for number in numbers:
                    if number in STOP_SIGNALS:
                        hear()

    before = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=listen, name="flowy-signals", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        mouth.close()


#: How soon an interruption that was swallowed is repeated, in seconds.
REPEAT_SECONDS = 0.5


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt while the block runs, as SIGINT does.

    So that one ``except`` cleans up whoever ends the program: Ctrl-C, a process manager, or a
    terminal that is closed. For the command line, which has SIGALRM to itself. A signal that is
    ignored, as ``nohup`` does, stays ignored; elsewhere than on the main thread this does nothing.

    An exception that is raised while an object is finalized goes nowhere, and the answers of
    urllib3 are finalized at each call. So it is raised again and again until it is being handled.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if _repeats():
            signal.setitimer(signal.ITIMER_REAL, REPEAT_SECONDS, REPEAT_SECONDS)
        raise KeyboardInterrupt

    def repeat(_number: int, _frame: FrameType | None) -> None:
        if not _interruption_is_handled():
            raise KeyboardInterrupt

    numbers = [*STOP_SIGNALS, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    handlers: dict[signal.Signals, Any] = {
        number: interrupt for number in numbers if signal.getsignal(number) is not signal.SIG_IGN
    }
    if _repeats():
        handlers[signal.SIGALRM] = repeat
    with _handlers(handlers):
        try:
            yield
        finally:
            if _repeats() and threading.current_thread() is threading.main_thread():
                signal.setitimer(signal.ITIMER_REAL, 0)


def _repeats() -> bool:
    return hasattr(signal, "setitimer")  # Windows has none


def _interruption_is_handled() -> bool:
    """Whether the code that runs now was entered because of a KeyboardInterrupt."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def signal_name(number: int) -> str:
    """Return the name of a signal, such as ``SIGKILL``; ``unnamed`` where Python has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unnamed"  # of the real-time signals only the first and the last have one
