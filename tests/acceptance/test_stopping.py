"""Signals: what runs finishes, what the poll brings is run, and each further signal is harder."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flowy.local import LocalSWF
from tests.acceptance.flows import Ask, Flow
from tests.acceptance.processes import POLLING, ROOT, Process

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient

SCRIPT = """
import asyncio, os, signal
from flowy import Activity, AsyncActivity, activity, start_activity_worker
from tests.patience import until

def wait_for_the_test():
    print('running', flush=True)
    with open(os.environ['GATE']) as gate:  # ends when the test opens it, too
        gate.read()

@activity('echo', 1, 'list')
class Echo(Activity):
    def run(self, value):
        return value

@activity('finishing', 1, 'list')
class Finishing(Activity):
    def run(self):
        wait_for_the_test()
        return self.heartbeat()

@activity('beating', 1, 'list')
class Beating(Activity):
    def run(self):
        print('running', flush=True)
        until(lambda: not self.heartbeat())
        print('told to give up', flush=True)

@activity('stubborn', 1, 'list')
class Stubborn(Beating):
    def run(self):
        super().run()
        wait_for_the_test()

@activity('waiting', 1, 'list')
class Waiting(AsyncActivity):
    async def run(self):
        print('running', flush=True)
        await asyncio.Event().wait()

signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b'looked\\n'))
before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
try:
    start_activity_worker(os.environ['DOMAIN'], 'list', **SIGNALS)
finally:
    after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    print('handlers restored:', after == before, flush=True)
"""


@pytest.fixture(scope="session")
def local_swf() -> Iterator[LocalSWF]:
    """An SWF that holds its polls for long, so that a signal surely comes during one."""
    with LocalSWF(poll_seconds=20) as swf:
        yield swf


@pytest.fixture(scope="session")
def client(local_swf: LocalSWF) -> SWFClient:
    """A client of this one."""
    return local_swf.client()


@pytest.fixture
def domain(local_swf: LocalSWF) -> str:
    """A domain of this one."""
    name = f"test-{uuid.uuid4()}"
    local_swf.register_domain(name)
    return name


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A pipe: an activity that reads it waits until the test opens it."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture
def worker(write: Callable[..., Path], process: Callable[..., Process], gate: Path) -> Process:
    """A worker process whose first poll is out."""
    script = write("worker.py", SCRIPT.replace("**SIGNALS", ""), log=True)
    worker = process(script, GATE=str(gate), PYTHONPATH=str(ROOT))
    worker.wait_for(POLLING)
    return worker


def test_a_task_that_comes_after_the_stop(worker: Process, flow: Callable[..., Flow]) -> None:
    """The poll that is out at the stop is waited for, what it brings is run, and that is all."""
    worker.signal(signal.SIGTERM)
    running = flow(Ask("echo", "[[1], {}]"), Ask("echo", "[[2], {}]"))
    assert worker.wait() == 0
    closings = running.closings()
    assert sorted(len(each) for each in closings.values()) == [0, 1]
    (closing,) = [each for (each,) in filter(None, closings.values())]
    assert closing.kind == "Completed"
    assert worker.count(POLLING) == 1
    assert worker.lines[-2].endswith("Worker stopped: 1 completed.")
    assert worker.lines[-1] == "handlers restored: True"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_while_an_activity_runs(
    worker: Process, flow: Callable[..., Flow], gate: Path, number: int
) -> None:
    """It runs on, its heartbeat says go on, its answer is sent, and no further poll goes out."""
    running = flow(Ask("finishing"))
    worker.wait_for("running")
    worker.signal(number)
    gate.write_text("")
    assert worker.wait() == 0
    (closing,) = running.wait()
    assert (closing.kind, closing.result) == ("Completed", "true")
    assert worker.count(POLLING) == 1


def test_a_second_signal_hurries(worker: Process, flow: Callable[..., Flow]) -> None:
    """The heartbeat answers False; the activity gives up, and its task is left to its timeout."""
    running = flow(Ask("beating"))
    worker.wait_for("running")
    worker.signal(signal.SIGTERM)
    worker.signal(signal.SIGINT)
    assert worker.wait() == 0
    assert worker.count("told to give up") == 1
    assert worker.count("abandoned by the stop after") == 1
    assert running.closings() == {0: []}
    assert worker.lines[-1] == "handlers restored: True"


def test_a_third_signal_ends_at_once(worker: Process, flow: Callable[..., Flow]) -> None:
    """An activity that does not listen is interrupted, its task is failed, and the worker ends."""
    running = flow(Ask("stubborn"))
    worker.wait_for("running")
    worker.signal(signal.SIGTERM)
    worker.signal(signal.SIGINT)
    worker.wait_for("running", count=2)
    worker.signal(signal.SIGTERM)
    worker.wait_for("handlers restored", nudge=signal.SIGWINCH)
    assert worker.wait() == -signal.SIGINT  # Python's own end by KeyboardInterrupt
    (closing,) = running.wait()
    assert (closing.kind, closing.reason) == ("Failed", "KeyboardInterrupt")
    assert worker.count("handlers restored: True") == 1


def test_a_third_signal_ends_a_poll(worker: Process) -> None:
    """It does not wait for a poll either; the log says that this may lose a task."""
    for number in (signal.SIGTERM, signal.SIGINT):
        worker.signal(number)
    # Two signals of one kind that come before Python looks are one. It runs the handlers of those
    # that have come in the order of their numbers: when SIGWINCH's has run, both others' have.
    worker.wait_for("looked", nudge=signal.SIGWINCH)
    worker.signal(signal.SIGTERM)
    worker.wait_for("handlers restored", nudge=signal.SIGWINCH)
    assert worker.wait() == -signal.SIGINT, worker.output
    assert worker.count("that may have cost a task: ") == 1
    assert worker.count("(KeyboardInterrupt)") == 1


def test_signals_left_alone(write: Callable[..., Path], process: Callable[..., Process]) -> None:
    """With ``signals=False`` SIGTERM does what it does to any program."""
    script = write("worker.py", SCRIPT.replace("**SIGNALS", "signals=False"), log=True)
    worker = process(script, PYTHONPATH=str(ROOT))
    worker.wait_for(POLLING)
    worker.signal(signal.SIGTERM)
    assert worker.wait() == -signal.SIGTERM


@pytest.mark.parametrize("name", ["finishing", "waiting"])
def test_ctrl_c_where_signals_are_left_alone(
    write: Callable[..., Path],
    process: Callable[..., Process],
    gate: Path,
    flow: Callable[..., Flow],
    name: str,
) -> None:
    """Python's own KeyboardInterrupt ends the worker, and fails what runs: a coroutine, too."""
    script = write("worker.py", SCRIPT.replace("**SIGNALS", "signals=False"), log=True)
    worker = process(script, GATE=str(gate), PYTHONPATH=str(ROOT))
    worker.wait_for(POLLING)
    running = flow(Ask(name))
    worker.wait_for("running")
    worker.signal(signal.SIGINT)
    worker.wait_for("handlers restored", nudge=signal.SIGWINCH)
    assert worker.wait() == -signal.SIGINT
    (closing,) = running.wait()
    assert (closing.kind, closing.reason) == ("Failed", "KeyboardInterrupt")
    assert worker.count("Worker stopped: 0 completed, 1 failed") == 1
