"""A faulty endpoint for each test, and workers that are processes of their own."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowy.swf.report import LostPoll, StopReport
from tests.acceptance.many.conftest import Program
from tests.faults.endpoint import Endpoint
from tests.faults.worker import REPORT

ROOT = Path(__file__).resolve().parent.parent.parent

#: How long a worker may take for what has no time of its own, in seconds.
PATIENCE_SECONDS = 40.0

#: How soon the tasks of a process that died are failed, in seconds.
FAILED_WITHIN_SECONDS = 2.0


class Worker(Program):
    """A worker process (with its children, where it has some) and what it reports."""

    def __init__(self, environment: dict[str, str], options: dict[str, Any]) -> None:
        command = [sys.executable, "-W", "error", "-m", "tests.faults.worker"]
        super().__init__([*command, json.dumps(options)], environment)

    @property
    def pid(self) -> int:
        """Of the process that was started: the worker, or the supervisor."""
        return self.process.pid

    def wait_for_children(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until none is left of all the processes that write where it writes."""
        self._reader.join(seconds)
        assert not self._reader.is_alive(), "a process goes on"

    def report(self, seconds: float = PATIENCE_SECONDS) -> StopReport:
        """Wait for its clean end and return its report."""
        code = self.wait(seconds)
        assert code == 0, f"exit code {code}:\n{self.text}"
        (told,) = self.found(f"^{REPORT}(.*)")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in json.loads(told).items()
        }
        values["polls_lost"] = tuple(LostPoll(**poll) for poll in values["polls_lost"])
        return StopReport(**values)


Workers = Callable[..., Worker]


@pytest.fixture
def seed() -> int:
    """What is random in a test comes from it; a failure shows it."""
    seed = random.randrange(2**32)
    print(f"seed: {seed}")
    return seed


@pytest.fixture
def endpoint(seed: int) -> Iterator[Endpoint]:
    """An endpoint that holds an empty poll for a second, where SWF holds it for 60."""
    with Endpoint(seed=seed, hold_seconds=1.0) as endpoint:
        yield endpoint


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Workers]:
    """Starts a worker: ``start_worker(environment, concurrency=5)``."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    started: list[Worker] = []

    def start(environment: dict[str, str], **options: Any) -> Worker:
        all_of_it = {**mine, **environment, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        started.append(Worker(all_of_it, options))
        return started[-1]

    yield start
    for worker in started:
        worker.end()
        print(worker.text)


def pid_of(identity: str) -> int:
    """Return the process that polls by this identity: ``host:pid flowy/version``."""
    return int(identity.rpartition(":")[2].partition(" ")[0])
