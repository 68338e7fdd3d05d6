"""The signals that stop a worker, in its process and in the children of its activities.

Python runs a signal handler between two bytecodes of the main thread, which may take long to reach
the next one. So a thread is told of each signal, too. An activity may replace handlers or fork: the
worker restores its handlers, and a forked child starts with the default ones.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..exception import ThreadError
from ..safe_logging import get_logger
from .forks import around_forks
from .interruption import Interruption
from .stop import StopFlag, StopLevel
from .threads import start_thread

logger = get_logger(__name__)

#: The call that a signal makes.
Call = Callable[[], object]

#: The signals by which a person (Ctrl-C, a closed terminal) or a process manager asks a process
#: to stop. Windows has no SIGHUP.
STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)

#: The signal that asks a worker for a report. Windows does not have it.
REPORT_SIGNAL: signal.Signals | None = getattr(signal, "SIGUSR1", None)


def _nothing(*_: object) -> None:
    """Handle a signal by doing nothing; unlike SIG_IGN, this is not inherited by processes."""


def until_a_worker_does(*_: object) -> None:
    """Handle the signal for a report by doing nothing, until a worker handles it."""


@contextmanager
def stop_signals(
    flag: StopFlag,
    *,
    interruption: Interruption | None = None,
    wanted: bool = True,
    last: bool = False,
    report: Callable[[], None] | None = None,
) -> Iterator[Callable[[], None]]:
    """Let each stop signal raise *flag* by one level while the block runs: DRAIN, CANCEL, KILL.

    Only the number of signals counts: the second one raises *flag* to CANCEL, even if the end of
    the grace has done that already. SIGHUP stays ignored if it was, as under ``nohup``. Only the
    main thread can set handlers: on another thread this does nothing.

    Args:
        flag: the flag to raise.
        interruption: interrupts the main thread's call at the third signal; or None.
        wanted: if False, this does nothing.
        last: if True, the process ends after the block, and later signals are ignored. If False,
            the previous handlers are restored.
        report: called at each SIGUSR1, on the thread that also listens for stops, unless the
            program handles that signal itself. None leaves the signal alone.

    Yields:
        A function that restores these handlers if an activity has replaced them.

    Raises:
        ThreadError: the system cannot start the thread that listens.
    """
    # The main thread and the thread that listens get each signal, and count for themselves.
    handle, hear = _raising(flag, interruption), _raising(flag)
    handlers: dict[int, Any] = dict.fromkeys(_not_ignored(), handle)
    calls: dict[int, Call] = {each: functools.partial(hear, each, None) for each in _not_ignored()}
    _add_report(report, handlers, calls)
    with handling(handlers if wanted else {}, calls, last=last) as put_back:
        yield put_back


@contextmanager
def child_signals(
    stop: Callable[[], None], report: Callable[[], None] | None = None
) -> Iterator[Callable[[], None]]:
    """Let SIGTERM and SIGHUP call *stop*, and SIGINT do nothing, while the block runs and after.

    SIGUSR1 calls *report*, as for ``stop_signals``.

    For a process whose parent passes a stop on: Ctrl-C in a terminal reaches both, and so may the
    SIGTERM of a process manager. The process must end after the block.
    """

    def terminate(_number: int, _frame: FrameType | None) -> None:
        """Stop, as the thread that listens does."""
        stop()

    handlers: dict[int, Any] = dict.fromkeys(_not_ignored(), terminate)
    handlers[signal.SIGINT] = _nothing
    calls: dict[int, Call] = dict.fromkeys(_not_ignored(), stop)
    del calls[signal.SIGINT]
    _add_report(report, handlers, calls)
    with handling(handlers, calls, last=True) as put_back:
        yield put_back


def signal_name(number: int) -> str:
    """Return the name of a signal, such as ``SIGKILL``; ``unnamed`` if Python has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unnamed"  # only the first and the last of the real-time signals have names


@contextmanager
def handling(
    handlers: Mapping[int, Any],
    calls: Mapping[int, Call] | None = None,
    *,
    last: bool = False,
) -> Iterator[Callable[[], None]]:
    """Set these handlers while the block runs, then restore the previous ones.

    With *last*, ignore the signals afterwards. A thread also makes the call that *calls* has for
    each of these signals, at once.
    """
    if not handlers:
        yield _nothing
        return
    if threading.current_thread() is not threading.main_thread():
        logger.debug("Not on the main thread: signals are left alone.")
        yield _nothing
        return
    before: dict[int, Any] = {}
    listening = _heard_at_once(calls) if calls else contextlib.nullcontext(_nothing)
    with _default_in_forked_children(list(handlers)), listening as wake_up:
        try:
            for number, handler in handlers.items():
                before[number] = signal.signal(number, handler)

            def put_back() -> None:
                """Restore the handlers and the wakeup socket."""
                for number, handler in handlers.items():
                    if signal.getsignal(number) is not handler:
                        signal.signal(number, handler)
                wake_up()

            yield put_back
        finally:
            for number, handler in before.items():
                # None: the handler was set by C code, and Python cannot restore it.
                found = signal.SIG_DFL if handler is None else handler
                # SIG_IGN: the system ignores the signal until the process is gone.
                signal.signal(number, signal.SIG_IGN if last else found)


@contextmanager
def _heard_at_once(
    calls: Mapping[int, Call],
) -> Iterator[Callable[[], object]]:
    """Make the call of each of these signals in the block, whatever the main thread is doing.

    Python runs a handler at the main thread's next bytecode: not during a long C call, and not
    during a wait that began just after the signal.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)

    def listen() -> None:
        """Read the numbers of signals until the socket is closed."""
        with ear:
            while came := ear.recv(256):
                if before >= 0:  # the event loop of an embedding program listens there
                    with contextlib.suppress(OSError):
                        os.write(before, came)
                for number in came:
                    if number in calls:
                        calls[number]()

    def wake_up() -> int:
        """Let Python write the numbers of signals to the socket; return what it used before."""
        return signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)

    before = wake_up()
    try:
        try:
            start_thread("flowy-signals", listen)
        except ThreadError:
            ear.close()
            raise
        yield wake_up
    finally:
        signal.set_wakeup_fd(before)
        with contextlib.suppress(OSError):  # an activity may have closed its descriptor
            mouth.close()


@contextmanager
def _default_in_forked_children(numbers: list[int]) -> Iterator[None]:
    """Give a forked child the default handlers, and close its way to the parent's socket.

    The signals are blocked during the fork, because a signal that reaches the child before it has
    the default handlers would be written to the parent's socket.
    """
    mask = threading.local()

    def block() -> None:
        """Block the signals, before the fork."""
        mask.before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)

    def unblock() -> None:
        """Let the signals through again."""
        signal.pthread_sigmask(signal.SIG_SETMASK, mask.before)

    def reset() -> None:
        """Set the default handlers, in the child."""
        signal.set_wakeup_fd(-1)
        for number in numbers:
            default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, default)
        unblock()

    with around_forks(block, unblock, reset):
        yield


def _raising(
    flag: StopFlag, interruption: Interruption | None = None
) -> Callable[[int, FrameType | None], None]:
    """Return a function that raises *flag* by one level for each signal that it is called with."""
    counted = itertools.count(1)

    def come(number: int, _frame: FrameType | None) -> None:
        """Raise the flag; at the third signal interrupt the main thread's call, too."""
        flag.raise_to(StopLevel(min(next(counted), StopLevel.KILL)), signal_name(number))
        if interruption is not None and flag.is_set(StopLevel.KILL):
            interruption.come()

    return come


def _add_report(
    report: Callable[[], None] | None, handlers: dict[int, Any], calls: dict[int, Call]
) -> None:
    """Let the signal for it call *report*, unless the program has a use of its own for it."""
    number = REPORT_SIGNAL
    free = (signal.SIG_DFL, until_a_worker_does)
    if report is not None and number and signal.getsignal(number) in free:
        handlers[number] = _nothing
        calls[number] = report


def _not_ignored() -> list[signal.Signals]:
    """Return the stop signals, without a SIGHUP that is ignored."""
    return [
        number
        for number in STOP_SIGNALS
        if number in (signal.SIGINT, signal.SIGTERM)
        or signal.getsignal(number) is not signal.SIG_IGN
    ]
