"""A line on a terminal that says what a command waits for, and since when.

It ends in a carriage return, so that whatever is written next, such as a log line, takes its place.
It has no colours, and no control sequences that a simple terminal might show. A pipe, a file, a
dumb terminal and JSON lines never get it.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..tables import cut_middle
from ..texts import printable
from .colours import is_terminal

#: How often the line is written anew, in seconds; what takes less has none.
EVERY_SECONDS = 1.0


@contextmanager
def waiting(text: str | Callable[[], str], clock: Clock = SYSTEM_CLOCK) -> Iterator[None]:
    """Show on standard error what the block does, and for how long, until it ends.

    The block may write log lines and messages, but must not ask questions.

    Args:
        text: what it does, such as ``Reading executions``; or a function that returns it, and is
            called in another thread each time.
        clock: tells how long.
    """
    stream = sys.stderr
    if not is_terminal(stream):
        yield
        return
    over = threading.Event()
    thread = threading.Thread(
        target=_write, args=(stream, text, over, clock), name="waiting", daemon=True
    )
    try:
        thread.start()
    except RuntimeError:  # the system has no more threads: the command works all the same
        yield
        return
    try:
        yield
    finally:
        over.set()
        thread.join()


def _write(
    stream: TextIO, text: str | Callable[[], str], over: threading.Event, clock: Clock
) -> None:
    began, line = clock.now(), ""
    with suppress(OSError, ValueError):  # the terminal has gone
        while not over.wait(EVERY_SECONDS):
            columns = shutil.get_terminal_size().columns - 1  # a full line would begin a new one
            what = printable(text if isinstance(text, str) else text())
            line = cut_middle(f"{what}: {clock.now() - began:.0f} s", columns).ljust(len(line))
            print(line, end="\r", file=stream, flush=True)
        print(" " * len(line), end="\r" if line else "", file=stream, flush=True)
