"""A worker as a session of its own: signals to one process or to all, and what is left of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from typing import Any

from tests.environments import clean_environment
from tests.faults.endpoint import Endpoint
from tests.faults.ends import has_ended
from tests.faults.record import Answer
from tests.patience import PATIENCE_SECONDS
from tests.process_output import ProcessOutput
from tests.python_process import PythonProcess
from tests.python_server import ROOT

#: Field of /proc/PID/stat, counted behind the command's name.
_STATE, _SESSION = 0, 3


@dataclass(frozen=True)
class Mode:
    """How the worker of a test is run.

    Attributes:
        command: by ``flowy worker``; else by a script.
        processes, concurrency: as the worker's options of these names.
    """

    command: bool = False
    processes: int = 1
    concurrency: int = 1

    def __str__(self) -> str:
        name = "command" if self.command else "script"
        return f"{name}-{self.processes}x{self.concurrency}"


#: The four ways to run an activity without a coroutine, in scripts.
SERIAL = Mode()
THREADS = Mode(concurrency=4)
PROCESSES = Mode(processes=2)
PROCESSES_OF_THREADS = Mode(processes=2, concurrency=4)


class Session:
    """A worker process and all that it starts; a context manager that kills what is left.

    Args:
        endpoint: what it polls.
        mode: how it is run.
        package: the module in ``tests.faults`` that it serves.
        nohup: whether it is started with SIGHUP ignored.
        options: further options of ``start_activity_worker``.
    """

    def __init__(
        self, endpoint: Endpoint, mode: Mode, package: str, *, nohup: bool = False, **options: Any
    ) -> None:
        self.endpoint = endpoint
        self.mode = mode
        package = f"tests.faults.{package}"
        options = {"processes": mode.processes, "concurrency": mode.concurrency, **options}
        arguments = (
            _command_line(package, options)
            if mode.command
            else ["tests.faults.serving", json.dumps({"package": package, **options})]
        )
        self.process = PythonProcess(
            ["-W", "error", "-m", *arguments],
            env=_environment(endpoint),
            cwd=ROOT,
            stderr=STDOUT,
            ignores_hang_up=nohup,
        )
        self._written = ProcessOutput(self.process.stdout)

    def __enter__(self) -> Session:
        try:
            self.endpoint.wait_for(
                lambda e: len(e.record.identities) == self.mode.processes, what="all poll"
            )
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._written.join()
        print(self.text, self.endpoint.told(), sep="\n")

    @property
    def text(self) -> str:
        """What its processes wrote so far."""
        return self._written.text

    def run_task(self, name: str, *arguments: object) -> Any:
        """Let it run a task; return the result, or the reason if it did not complete."""
        (token,) = self.endpoint.add(*arguments, name=name)
        return self.result_of(token)

    def result_of(self, token: str) -> Any:
        """Wait for the answer of a task; return its result, or the reason if it has none."""
        answers = self.endpoint.record.answers
        self.endpoint.wait_for(lambda _: token in answers, what=f"answer of {token}")
        return said_by(answers[token])

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process that was started; to all of its group with *group*."""
        if group:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def wait_for(self, text: str) -> None:
        """Wait until its processes have written *text*."""
        self._written.wait_until(lambda: text in self.text)
        assert text in self.text, self.text

    def wait(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait until the process that was started has ended; return its exit code."""
        return self.process.wait(seconds)

    def report(self) -> str:
        """Wait for the text of the report, which is in the log, and return it.

        What holds the output may outlive the process, so its end is not waited for.
        """
        who = "Worker" if self.mode.processes == 1 else "All worker processes"

        def reports() -> list[str]:
            return re.findall(rf"{who} stopped: (.*)\.$", self.text, re.MULTILINE)

        self._written.wait_until(reports)
        assert reports(), f"no report in:\n{self.text}"
        return reports()[-1]

    def stop(self) -> str:
        """Send SIGTERM, wait for a clean end, and return the text of the report."""
        self.send(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"exit code {code}:\n{self.text}"
        assert "Traceback" not in self.text, self.text
        return self.report()

    def left(self, seconds: float = PATIENCE_SECONDS) -> set[int]:
        """Wait until nothing of the session runs, for *seconds* at most; return what does."""
        until = time.monotonic() + seconds
        while left := _processes_of(self.process.pid):
            if not has_ended(next(iter(left)), until - time.monotonic()):
                return _processes_of(self.process.pid)
        return left


def said_by(answer: Answer) -> Any:
    """Return the value of an answer that completed its task, else its reason."""
    if answer.action == "RespondActivityTaskCompleted":
        return json.loads(answer.body.get("result", "null"))
    return answer.body.get("reason", answer.action)


def _processes_of(session: int) -> set[int]:
    """Return the processes of a session, without zombies."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[_SESSION]) == session and fields[_STATE] not in "ZX":
                    found.add(int(entry.name))
    return found


def _command_line(package: str, options: Mapping[str, Any]) -> list[str]:
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    return ["flowy", "worker", "--domain", "domain", "--task-list", "tasks", *flags, package]


def _environment(endpoint: Endpoint) -> dict[str, str]:
    return {**clean_environment(), **endpoint.environment, "PYTHONPATH": str(ROOT)}
