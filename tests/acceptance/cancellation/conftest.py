"""A stage on which an activity takes its steps one by one, and its decider is the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flowy.local import LocalSWF
from flowy.testing.worker import LocalWorker
from tests.acceptance.cancellation.stage import GradedWorker, Stage, Stepping
from tests.patience import PATIENCE_SECONDS
from tests.python_process import PythonProcess

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def swf() -> Iterator[LocalSWF]:
    """A local SWF of the test's own, whose clock it may turn."""
    with LocalSWF(poll_seconds=1) as running:
        yield running


@pytest.fixture
def worker(swf: LocalSWF) -> Iterator[LocalWorker]:
    """A worker for the stepping activity."""
    with LocalWorker(swf, "local", Stepping) as running:
        yield running


@pytest.fixture
def stage(swf: LocalSWF, worker: LocalWorker) -> Stage:
    """An execution that has not been started."""
    return Stage(swf, worker)


@pytest.fixture
def graded_worker(swf: LocalSWF) -> Iterator[GradedWorker]:
    """A worker for the stepping activity that the test stops by degrees."""
    worker = GradedWorker(swf)
    yield worker
    worker.stop()


@pytest.fixture
def graded_stage(swf: LocalSWF, graded_worker: GradedWorker) -> Stage:
    """An execution whose worker the test stops by degrees."""
    return Stage(swf, graded_worker)


@pytest.fixture
def in_thread() -> Iterator[Callable[..., threading.Thread]]:
    """Start a function in a thread; the test's end waits for it."""
    threads = []

    def start(function: Callable[[], object]) -> threading.Thread:
        threads.append(threading.Thread(target=function, daemon=True))
        threads[-1].start()
        return threads[-1]

    yield start
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


CALLER = """
import logging, sys
from flowy import call_activity
logging.basicConfig(level=logging.WARNING)
workflow_id, grace, *steps = sys.argv[1:]
try:
    print(call_activity("local", "stepping", 1, *steps, workflow_id=workflow_id, grace=int(grace)))
except BaseException as error:
    print(type(error).__name__, *error.__notes__, sep="|")
    sys.exit(3)
"""


@pytest.fixture
def caller(stage: Stage, swf_environment: dict[str, str]) -> Iterator[Callable[..., PythonProcess]]:
    """A process that calls the stepping activity on the stage's SWF."""
    processes = []

    def start(*steps: str, grace: int = 60) -> PythonProcess:
        process = PythonProcess(
            ["-c", CALLER, stage.workflow_id, str(grace), *steps],
            env={**swf_environment, **stage.swf.environment, "PYTHONPATH": str(ROOT)},
        )
        processes.append(process)
        stage.steps.wait()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
