"""Programs in processes of their own, which a test awaits by the lines that they write."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable

from tests.patience import PATIENCE_SECONDS
from tests.process_output import ProcessOutput
from tests.python_process import PythonProcess


class Program:
    """A Python program in a process group of its own, and the lines that it writes."""

    def __init__(self, process: PythonProcess | subprocess.Popen[str]) -> None:
        self.process = process
        self._written = ProcessOutput(process.stdout)
        self.lines = self._written.lines

    @property
    def text(self) -> str:
        """All that it has written."""
        return self._written.text

    def found(self, pattern: str) -> list[str]:
        """What a pattern matches in its lines: the first group, or the whole."""
        matches = [re.search(pattern, line) for line in list(self.lines)]
        return [match[match.re.groups and 1] for match in matches if match]

    def wait_for(self, pattern: str, count: int = 1) -> list[str]:
        """Wait until *count* lines match; return what matched."""
        self._written.wait_until(lambda: len(self.found(pattern)) >= count)
        found = self.found(pattern)
        assert len(found) >= count, f"{pattern!r} was not written:\n{self.text}"
        return found

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the program itself."""
        os.kill(self.process.pid, number)

    def kill_group(self, number: signal.Signals) -> None:
        """Send a signal to the program and all its children, as Ctrl-C in a terminal does."""
        os.killpg(self.process.pid, number)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end of the program and of all that it writes; return its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end:\n{self.text}") from None
        self._written.join()
        return code

    def end(self) -> None:
        """Kill what is left of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)
        self._written.join()


#: What every program begins with: its lines come out at once, children's too.
PREAMBLE = """
import functools, logging, os, signal, sys, threading, time
import flowy
from flowy import context
from flowy.swf.boilerplate import run_worker
from flowy.swf.scanner import activity
from flowy.swf.worker import WorkerOptions
from flowy.task import Activity, AsyncActivity
from tests.gates import wait_in
from tests.patience import HANG_SECONDS, until

def say(text):
    os.write(1, (text + "\\n").encode())

def beat_until_told_to_stop(activity, details):
    def is_told():
        goes_on = activity.heartbeat(details())
        if goes_on and context.worker_stopping():
            say("worker is stopping")
        return not goes_on
    until(is_told)
    say("told to stop")

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(processName)s %(message)s"
)
DOMAIN, TASK_LIST = sys.argv[1:]
"""

#: Says when a signal was heard.
SPOKEN = """
raise_to = flowy.concurrency.stop.StopFlag.raise_to
def spoken(flag, level, *by):
    raise_to(flag, level, *by)
    say(f"level {int(level)} on {threading.current_thread().name} of {os.getpid()}")
flowy.concurrency.stop.StopFlag.raise_to = spoken
"""

Programs = Callable[..., Program]
