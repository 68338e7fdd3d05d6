"""How the command line takes signals: it passes them on, or cleans up and ends.

Ctrl-C in a terminal goes to all processes in its foreground, and a process manager may send its
signals to one process or to all. So a command that starts another must know which signals the
other gets anyway.
"""

from __future__ import annotations

import functools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from .interruption import interruption_is_handled
from .signals import REPORT_SIGNAL, STOP_SIGNALS, handling, until_a_worker_does

#: How soon an interruption that was swallowed is repeated, in seconds.
REPEAT_SECONDS = 0.5


@contextmanager
def passed_on(send: Callable[[int], object]) -> Iterator[None]:
    """Call *send*, on a thread, with each signal that comes in the block; for a command's parent.

    A signal that was typed in a terminal, such as Ctrl-C, goes to all processes in its foreground,
    the command included, and is not sent again. On another thread than the main one this does
    nothing.
    """
    typed = {signal.SIGINT, signal.SIGQUIT}

    def hear(number: int) -> None:
        """Send the signal on, unless the command gets it anyway."""
        if number not in typed or not _is_in_foreground():
            send(number)

    wanted = {*STOP_SIGNALS, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
    handled = [each for each in wanted if signal.getsignal(each) is not signal.SIG_IGN]
    # A handler runs at the main thread's next bytecode, which may be after the command's end.
    calls = {each: functools.partial(hear, each) for each in handled}
    with handling(dict.fromkeys(handled, lambda *_: None), calls):
        yield


@contextmanager
def terminable(*, last: bool = False) -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt while the block runs, as SIGINT does.

    One ``except`` then cleans up, whether Ctrl-C, a process manager or a closed terminal ends the
    program. A signal that is ignored, as under ``nohup``, stays ignored. On another thread than the
    main one this does nothing.

    Python drops an exception that is raised while an object is finalized, and urllib3's responses
    are finalized at each call. So the exception is raised again, by SIGALRM, until something
    handles it. Only the command line may use this: elsewhere SIGALRM may have another use.

    Args:
        last: as for ``stop_signals``.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt now, and let SIGALRM repeat it."""
        if _repeats():
            signal.setitimer(signal.ITIMER_REAL, REPEAT_SECONDS, REPEAT_SECONDS)
        raise KeyboardInterrupt

    def repeat(_number: int, _frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt again unless it is being handled."""
        if not interruption_is_handled():
            raise KeyboardInterrupt

    handlers: dict[int, Any] = {
        number: interrupt
        for number in STOP_SIGNALS
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    if _repeats():
        handlers[signal.SIGALRM] = repeat
    with handling(handlers, last=last):
        try:
            yield
        finally:
            if _repeats() and threading.current_thread() is threading.main_thread():
                signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def prompting() -> Iterator[None]:
    """Let SIGINT raise one KeyboardInterrupt while the block runs: a prompt handles it and goes on.

    For a block within one of ``terminable``, which would repeat the exception.
    """
    with handling({signal.SIGINT: signal.default_int_handler}):
        yield


@contextmanager
def reporting(report: Callable[[], object]) -> Iterator[None]:
    """Call *report*, on a thread, at each SIGUSR1 that no worker handles while the block runs.

    Without this the signal would end a command that has not yet started its worker. A signal that
    is ignored stays ignored. On another thread than the main one this does nothing.
    """
    number = REPORT_SIGNAL
    if number is None or signal.getsignal(number) is not signal.SIG_DFL:
        yield
        return

    def hear() -> None:
        """Report, unless a worker or a package handles the signal by now."""
        if signal.getsignal(number) is until_a_worker_does:
            report()

    with handling({number: until_a_worker_does}, {number: hear}):
        yield


def _is_in_foreground() -> bool:
    """Return whether this process group is in the foreground of its terminal."""
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:  # the process has no terminal
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)


def _repeats() -> bool:
    return hasattr(signal, "setitimer")  # Windows has none
