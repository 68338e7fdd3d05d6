"""``flowy worker --middleware`` and ``--observer``: real processes, which import both by name."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.flows import Ask, Flow
from tests.acceptance.processes import Process

#: Both hold a lock, as whatever counts does, so they cannot be handed to another process.
ADDITIONS = """
    import os, threading
    from flowy.middleware import Middleware
    from flowy.observer import Observer

    class Doubling(Middleware):
        def __init__(self):
            self.lock = threading.Lock()

        def run(self, run, call_next):
            return call_next(run) * 2

    class Telling(Observer):
        def __init__(self):
            self.lock = threading.Lock()

        def tell(self, text):
            with self.lock:
                os.write(1, f"<{os.getpid()}> {text}\\n".encode())  # in one piece

        def starting(self, event):
            self.tell(f"starting {event.slot} of {event.processes}")

        def worker_started(self, event):
            self.tell(f"worker_started {event.identity}")

        def stop_requested(self, event):
            self.tell(f"stop_requested {event.level.name}")

        def worker_stopped(self, event):
            self.tell(f"worker_stopped {event.report.completed} completed")

        def task_ended(self, event):
            self.tell(f"task_ended {event.info.name} {event.outcome.name}")

        def process_started(self, event):
            self.tell(f"process_started {event.slot}")

        def process_ended(self, event):
            self.tell(f"process_ended {event.slot} {event.end}, expected {event.expected}")

    class Parts:
        doubling = Doubling()

    TELLING = Telling()
    NEITHER = 7
"""

ACTIVITIES = """
    import os, signal
    from flowy import Activity, activity

    @activity("echo", 1, "list")
    class Echo(Activity):
        def run(self, value):
            return value

    @activity("die", 1, "list")
    class Die(Activity):
        def run(self):
            os.kill(os.getpid(), signal.SIGKILL)
"""

Start = Callable[..., Process]


@pytest.fixture
def worker(process: Start, write: Callable[..., Path], domain: str) -> Start:
    """Starts ``flowy worker`` with these options, in a folder with the two modules."""
    write("shop/__init__.py", "")
    write("shop/activities.py", ACTIVITIES)
    write("shop/additions.py", ADDITIONS)

    def start(*options: str) -> Process:
        return process("-m", "flowy", "worker", "--domain", domain, "--task-list", "list",
                       *options, "shop.activities")  # fmt: skip

    return start


BOTH = ("--middleware", "shop.additions:Parts.doubling", "--observer", "shop.additions:TELLING")


@pytest.mark.parametrize("processes", [1, 2])
def test_middleware_and_observers_by_name(
    worker: Start, flow: Callable[..., Flow], processes: int
) -> None:
    """Each worker process imports both; the supervisor tells of its processes besides."""
    running = worker(*BOTH, "--processes", str(processes))
    running.wait_for("> worker_started", count=processes)
    closings = flow(*[Ask("echo", "[[21], {}]")] * 4).wait()
    assert [closing.result for closing in closings] == ["42"] * 4
    running.signal(signal.SIGTERM)
    assert running.wait() == 0, running.output
    assert running.count("> task_ended echo COMPLETED") == 4
    supervised = processes > 1
    assert running.count("> stop_requested DRAIN") == processes + supervised
    assert running.count("> worker_stopped") == processes + supervised
    assert running.count("> worker_stopped 4 completed") >= 1
    assert running.count(f"> starting None of {processes}") == 1
    for slot in range(processes):
        assert running.count(f"> starting {slot} of {processes}") == supervised
        assert running.count(f"> process_started {slot}") == supervised
        assert running.count(f"> process_ended {slot} exit code 0, expected True") == supervised


def test_a_supervisor_tells_of_a_process_that_dies(
    worker: Start, flow: Callable[..., Flow]
) -> None:
    """It is not expected, and the process that replaces it has the same slot."""
    running = worker(*BOTH, "--processes", "2")
    running.wait_for("> worker_started", count=2)
    (closing,) = flow(Ask("die")).wait()
    assert closing.kind == "Failed"
    running.wait_for("killed by signal 9 (SIGKILL), expected False")
    running.wait_for("> process_started", count=3)
    running.signal(signal.SIGTERM)
    assert running.wait() == 0, running.output
    (end,) = [line for line in running.lines if "expected False" in line]
    slot = end.split()[2]
    assert running.count(f"> process_started {slot}") == 2
    assert running.count("> process_ended") == 3


@pytest.mark.parametrize(
    ("option", "named", "code", "said"),
    [
        ("--middleware", "shop.nowhere:X", 3, "Cannot import shop.nowhere:X: No module named "),
        ("--observer", "nowhere:X", 3, "Cannot import nowhere:X: No module named 'nowhere'."),
        ("--observer", "shop.additions:X", 3, "Cannot import shop.additions:X: module "),
        ("--middleware", "shop.additions:NEITHER", 2, "Cannot use 7 as middleware: "),
        ("--observer", "shop.additions:NEITHER", 2, "Cannot use 7 as observers: "),
    ],
)
def test_what_cannot_be_used(worker: Start, option: str, named: str, code: int, said: str) -> None:
    """One line says what is wrong, before anything is registered or polled."""
    running = worker(option, named)
    assert running.wait() == code
    (line,) = running.lines
    assert line.startswith(f"flowy: {said}")
