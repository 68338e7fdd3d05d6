"""How a worker is told to stop: a flag with three levels, and the signals that raise it.

A signal handler runs between two bytecodes of the main thread, which may at that moment hold any
lock: a handler that takes a lock, logs, or sets a ``threading.Event`` can deadlock. So the
handler only raises a number and puts a mark on a ``queue.SimpleQueue``, whose ``put`` is
documented as reentrant.
"""

from __future__ import annotations

import enum
import logging
import queue
import signal
import sys
import threading
from collections.abc import Iterator
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


class StopFlag:
    """A level that only rises, safe to raise from a signal handler and from any thread."""

    def __init__(self) -> None:
        self._level = StopLevel.NONE
        # One queue a level: a waiter for HURRY must sleep on while FINISH is set.
        self._marks: dict[StopLevel, queue.SimpleQueue[None]] = {
            level: queue.SimpleQueue() for level in StopLevel if level
        }

    @property
    def level(self) -> StopLevel:
        """The level reached so far."""
        return self._level

    def is_set(self, level: StopLevel = StopLevel.FINISH) -> bool:
        """Whether the worker was asked to stop, at least as urgently as *level*."""
        return self._level >= level

    def raise_to(self, level: StopLevel) -> None:
        """Ask to stop as urgently as *level*; a lower level than the present changes nothing."""
        for step in StopLevel:
            if self._level < step <= level:
                self._level = step
                self._marks[step].put(None)

    def raise_further(self) -> StopLevel:
        """Ask once more, one level more urgently, and return the level reached."""
        self.raise_to(StopLevel(min(self._level + 1, StopLevel.AT_ONCE)))
        return self._level

    def wait(self, seconds: float | None, level: StopLevel = StopLevel.FINISH) -> bool:
        """Sleep for *seconds* (None: for ever) or until *level* is reached; return whether it is.

        Several threads may wait: each passes the mark on to the next.
        """
        if self._level >= level:
            return True
        try:
            self._marks[level].get(timeout=seconds)
        except queue.Empty:
            return self._level >= level
        self._marks[level].put(None)
        return True


#: The signals by which a person (Ctrl-C) or a process manager asks a worker to stop.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals(flag: StopFlag) -> Iterator[None]:
    """Let SIGINT and SIGTERM raise *flag* while the block runs, one level each time.

    The third raises KeyboardInterrupt in the main thread, which ends a blocking call there.
    Python lets only the main thread set handlers: elsewhere this does nothing. The handlers that
    were there before are put back, so that an embedding program keeps its own.
    """
    if threading.current_thread() is not threading.main_thread():
        logger.debug("Not on the main thread: signals are left alone.")
        yield
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        if flag.raise_further() is StopLevel.AT_ONCE:
            raise KeyboardInterrupt

    before: dict[signal.Signals, Any] = {}
    try:
        for number in STOP_SIGNALS:
            before[number] = signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            # None: the handler was set by C code, and Python can neither name nor restore it.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


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
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if _repeats():
            signal.setitimer(signal.ITIMER_REAL, REPEAT_SECONDS, REPEAT_SECONDS)
        raise KeyboardInterrupt

    def repeat(_number: int, _frame: FrameType | None) -> None:
        if not _interruption_is_handled():
            raise KeyboardInterrupt

    before: dict[signal.Signals, Any] = {}
    try:
        for number in (*STOP_SIGNALS, getattr(signal, "SIGHUP", None)):
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, interrupt)
        if _repeats():
            before[signal.SIGALRM] = signal.signal(signal.SIGALRM, repeat)
        yield
    finally:
        if _repeats():
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _repeats() -> bool:
    return hasattr(signal, "setitimer")  # Windows has none


def _interruption_is_handled() -> bool:
    """Whether the code that runs now was entered because of a KeyboardInterrupt."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
