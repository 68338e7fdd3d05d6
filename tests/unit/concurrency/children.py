"""What the children of ``test_processes.py`` run.

A child imports this module and what it imports: it knows nothing of pytest, which costs half a
second.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path

from flowy.concurrency.children import Link, Message
from tests.patience import PATIENCE_SECONDS


def talk(link: Link, *words: str) -> None:
    """Say that it is ready, and these words."""
    link.send({"ready": True, "pid": os.getpid()})
    for word in words:
        link.send({"word": word})


def tell_of_itself(link: Link) -> None:
    link.send(
        {
            "ready": True,
            "method": multiprocessing.get_start_method(allow_none=True),
            "parent": os.getppid(),
            "threads": threading.active_count(),
            "inherited": "tests.canary" in sys.modules,
        }
    )


def wait_to_be_told(link: Link) -> None:
    told = threading.Event()
    link.listen(lambda message: told.set(), gone=told.set)
    link.send({"ready": True, "pid": os.getpid()})
    assert told.wait(PATIENCE_SECONDS)


def fail_at_first(link: Link) -> None:
    """Wait for the second message; the first one leads to an error."""
    told = threading.Event()

    def hear(message: Message) -> None:
        if "first" in message:
            raise RuntimeError("cannot do that")
        told.set()

    link.listen(hear, gone=lambda: None)
    link.send({"ready": True, "pid": os.getpid()})
    assert told.wait(PATIENCE_SECONDS)


def never_ready(link: Link) -> None:
    threading.Event().wait(PATIENCE_SECONDS)


def die(link: Link, how: str) -> None:
    link.send({"ready": True})
    link.add(3)
    link.add(-1)
    for number in range(1_000):
        link.send({"number": number})
    if how.isdigit():
        os._exit(int(how))
    os.kill(os.getpid(), getattr(signal, how))
    threading.Event().wait(PATIENCE_SECONDS)


def die_once(link: Link, mark: str) -> None:
    """Die, except for the one that comes after two others."""
    link.send({"ready": True})
    marks = Path(mark)
    count = len(marks.read_text()) if marks.exists() else 0
    marks.write_text("x" * (count + 1))
    if count < 2:
        os._exit(7)


def break_down(link: Link) -> None:
    raise RuntimeError("cannot begin")


def leave_a_fork(link: Link) -> None:
    """Die, and leave a forked process that holds all that was open."""
    link.send({"ready": True})
    fork = os.fork()
    if fork == 0:
        signal.alarm(2 * int(PATIENCE_SECONDS))
        signal.pause()
    link.send({"fork": fork})
    os._exit(5)
