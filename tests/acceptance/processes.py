"""Real worker processes: started from a source text, listened to, signalled, waited for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from subprocess import STDOUT

from tests.patience import PATIENCE_SECONDS
from tests.process_output import ProcessOutput
from tests.python_process import PythonProcess

#: Begins a worker's script: its log goes to stderr, line by line, Flowy's from DEBUG on.
LOGGING = """
import logging
logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
logging.getLogger("flowy").setLevel(logging.DEBUG)
"""

#: What the log says before each poll.
POLLING = "Calling poll_for_activity_task."


ROOT = Path(__file__).resolve().parent.parent.parent


def seeing_the_tests(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that may import from ``tests``."""
    path = filter(None, (str(ROOT), environment.get("PYTHONPATH")))
    return {**environment, "PYTHONPATH": os.pathsep.join(path)}


class Process:
    """A Python process whose output is read as it comes.

    Use it in a ``with`` statement: what still runs at its end is killed.

    Args:
        arguments: after ``python -W error``: a script and its arguments, or ``-m`` and a module.
        environment: all of its environment.
        folder: its current folder.
    """

    def __init__(self, *arguments: str, environment: dict[str, str], folder: Path) -> None:
        self._process = PythonProcess(
            ["-W", "error", "-u", *arguments], env=environment, cwd=folder, stderr=STDOUT
        )
        self._written = ProcessOutput(self._process.stdout)
        self.lines = self._written.lines

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._written.join()

    @property
    def output(self) -> str:
        """All that it has said so far."""
        return self._written.text

    def wait_for(self, text: str, *, count: int = 1, nudge: int | None = None) -> None:
        """Wait until *count* lines hold *text*.

        A signal that comes just before the main thread waits for something does not interrupt
        that: its handler runs when the next signal comes. *nudge* is sent until then.
        """
        for _ in range(round(PATIENCE_SECONDS)):
            if nudge is not None and self._process.poll() is None:
                self.signal(nudge)
            if self._written.wait_until(lambda: self.count(text) >= count, 1):
                break
        assert self.count(text) >= count, f"no {text!r}, or not {count} times:\n{self.output}"

    def count(self, text: str) -> int:
        """How many lines hold *text*."""
        return sum(text in line for line in self.lines)

    def signal(self, number: int) -> None:
        """Send a signal to it."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        code = self._process.wait(PATIENCE_SECONDS)
        self._written.join()
        return code
