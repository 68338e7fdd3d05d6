"""The end of a process that is a worker and nothing else."""

from __future__ import annotations

import os
import textwrap

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess
from tests.unit.concurrency.conftest import ROOT

HANGS = "threading.Thread(target=threading.Event().wait).start()"


def exit_code(text: str) -> int:
    """Run a script in a process of its own, and return its exit code."""
    script = "import threading\nfrom flowy.concurrency.process_end import end_now, end_within\n"
    process = PythonProcess(["-c", script + textwrap.dedent(text)], env=os.environ, cwd=ROOT)
    process.communicate(timeout=PATIENCE_SECONDS)
    return process.wait()


@pytest.mark.parametrize("left", [HANGS, "import atexit; atexit.register(threading.Event().wait)"])
def test_what_never_ends_keeps_no_process(left: str) -> None:
    """A thread or an exit hook that an activity left behind is given its time, and no more."""
    assert exit_code(f"{left}\nend_within(0.05, 7)") == 7


def test_a_process_that_ends_by_itself() -> None:
    """It ends at once, with its own code."""
    assert exit_code("end_within(60, 7)\nraise SystemExit(3)") == 3


def test_no_thread_to_watch() -> None:
    """If the system gives no thread, the process ends now."""
    assert exit_code("threading.stack_size(2**44)\nend_within(60, 7)") == 7


#: A log handler that does this when it is flushed.
HANDLER = """
import logging
class Handler(logging.Handler):
    def flush(self):
        {}
handler = Handler()
"""


@pytest.mark.parametrize("flush", ["raise SystemExit(3)", "raise RuntimeError", "return"])
def test_a_log_that_cannot_be_written_out(flush: str) -> None:
    """Whatever a handler raises, the process ends now, although a thread hangs."""
    assert exit_code(f"{HANGS}\n{HANDLER.format(flush)}\nend_now(7)") == 7


def test_a_log_that_hangs() -> None:
    """The thread that hangs may have the lock of a handler."""
    script = "from flowy.concurrency import process_end\nprocess_end.EXIT_SECONDS = 0.05\n"
    lock = "threading.Thread(target=handler.acquire).start()\n"
    assert exit_code(f"{script}{HANDLER.format('return')}\n{lock}end_now(7)") == 7
