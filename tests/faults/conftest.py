"""A faulty endpoint for each test, and workers that are processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import STDOUT
from typing import Any

import pytest

from flowy.swf.worker.report import LostPoll, StopReport
from tests.environments import clean_environment
from tests.faults.endpoint import Endpoint
from tests.faults.worker import REPORT
from tests.patience import PATIENCE_SECONDS
from tests.process_output import ProcessOutput
from tests.python_process import PythonProcess
from tests.python_server import ROOT

#: How soon the tasks of a process that died are failed, in seconds: 2, as the documentation
#: promises, and room for a machine that is busy. Without a supervisor nobody would fail them.
FAILED_WITHIN_SECONDS = 20.0


class Worker:
    """A worker process, with its children if it has any, and what it reports.

    Attributes:
        process: the one that was started: the worker, or the supervisor.
        text: all that they wrote so far.
    """

    def __init__(self, environment: dict[str, str], module: str, *arguments: str) -> None:
        self.process = PythonProcess(
            ["-W", "error", "-m", module, *arguments], env=environment, cwd=ROOT, stderr=STDOUT
        )
        self._written = ProcessOutput(self.process.stdout)

    @property
    def text(self) -> str:
        return self._written.text

    def stop(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Wait until the process and its children have ended; return its exit code."""
        code = self.process.wait(PATIENCE_SECONDS)
        assert self._written.join(), "a child goes on"
        return code

    def report(self) -> StopReport:
        """Wait for its clean end and return its report."""
        code = self.wait()
        assert code == 0, f"exit code {code}:\n{self.text}"
        (told,) = re.findall(f"^{REPORT}(.*)$", self.text, re.MULTILINE)
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in json.loads(told).items()
        }
        values["polls_lost"] = tuple(LostPoll(**poll) for poll in values["polls_lost"])
        return StopReport(**values)

    def end(self) -> None:
        """Kill what is left of it, and show what it wrote."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)
        self._written.join()
        print(self.text)


Workers = Callable[..., Worker]


@pytest.fixture
def seed() -> int:
    """What is random in a test comes from it; a failure shows it."""
    seed = random.randrange(2**32)
    print(f"seed: {seed}")
    return seed


@pytest.fixture
def endpoint(seed: int) -> Iterator[Endpoint]:
    """An endpoint that holds an empty poll for a second; SWF holds it for 60."""
    with Endpoint(seed=seed, hold_seconds=1.0) as endpoint:
        yield endpoint


@pytest.fixture(params=["lean", "botocore"])
def http_way(request: pytest.FixtureRequest) -> str:
    """The HTTP way of a test's workers: each test runs by both."""
    return str(request.param)


@pytest.fixture
def start_worker(tmp_path: Path, http_way: str) -> Iterator[Workers]:
    """Starts a worker: ``start_worker(environment, concurrency=5)``.

    ``script`` names another module to run with the options, ``command`` one with arguments.
    """
    mine = clean_environment()
    mine.pop("FLOWY_HTTP", None)
    if http_way == "botocore":
        mine["FLOWY_HTTP"] = http_way
    started: list[Worker] = []

    def start(
        environment: dict[str, str],
        *,
        script: str = "tests.faults.worker",
        command: tuple[str, ...] = (),
        **options: Any,
    ) -> Worker:
        all_of_it = {**mine, **environment, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        started.append(Worker(all_of_it, *(command or (script, json.dumps(options)))))
        return started[-1]

    yield start
    for worker in started:
        worker.end()


def pid_of(identity: str) -> int:
    """Return the process that polls by this identity: ``host:pid flowy/version``."""
    return int(identity.rpartition(":")[2].partition(" ")[0])
