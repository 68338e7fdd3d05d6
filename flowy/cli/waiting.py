"""A line on a terminal that says what a command waits for, and since when.

It ends in a carriage return, so that whatever is written next, such as a log line, takes its place.
Nobody sees it in a pipe, a file or a dumb terminal.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from ..concurrency.clock import SYSTEM_CLOCK, Clock
from ..tables import cut_middle
from ..texts import printable
from .colours import is_terminal

#: How often the line is written anew, in seconds; what takes less has none.
EVERY_SECONDS = 1.0


@contextmanager
def waiting(text: str, clock: Clock = SYSTEM_CLOCK) -> Iterator[None]:
    """Say on standard error, until the block ends, that *text* is waited for."""
    stream = sys.stderr
    if not is_terminal(stream):
        yield
        return
    over = threading.Event()
    thread = threading.Thread(
        target=_write, args=(stream, printable(text), over, clock), name="waiting", daemon=True
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


def _write(stream: TextIO, text: str, over: threading.Event, clock: Clock) -> None:
    began, line = clock.now(), ""
    with suppress(OSError, ValueError):  # the terminal has gone
        while not over.wait(EVERY_SECONDS):
            columns = shutil.get_terminal_size().columns - 1  # a full line would begin a new one
            line = cut_middle(f"{text}: {clock.now() - began:.0f} s", columns)
            print(line, end="\r", file=stream, flush=True)
        print(" " * len(line), end="\r" if line else "", file=stream, flush=True)
