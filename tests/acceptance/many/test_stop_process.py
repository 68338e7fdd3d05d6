"""What a stop does with its process: hanging threads, storms of signals, and Python's own exit."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from flowy.local import LocalSWF
from tests.acceptance.many.executions import Execution
from tests.acceptance.many.programs import SPOKEN, Programs
from tests.acceptance.many.stopping import ACTIVITIES, POLLING, serving
from tests.gates import Gate

#: Serves with a short grace, and leaves what hangs: exit code 9 if that is anything.
LEAVING = """
def leave(report):
    say(f"left {report}")
    os._exit(0 if report.clean else 9)

run_worker(WorkerOptions(DOMAIN, TASK_LIST, package="__main__", grace=0.2), leave=leave)
"""


def test_threads_that_hang_do_not_keep_the_process(program: Programs, execution: Execution) -> None:
    """Activity threads are daemons: a script ends a moment after the grace, without force."""
    running = program(serving(concurrency=3, grace=0))
    running.wait_for("Worker started")
    execution.schedule("hang", times=3)
    running.wait_for("holding", 3)
    running.kill(signal.SIGTERM)
    assert running.wait() == 0
    assert running.found("report (.*)")[0].count("hang 1 (activity") == 3
    assert "Traceback" not in running.text


def test_a_serial_worker_that_hangs_is_left_with_the_report(
    program: Programs, execution: Execution
) -> None:
    """``leave`` ends the process by os._exit, with the exit code of its choice."""
    running = program(ACTIVITIES + LEAVING)
    running.wait_for("Worker started")
    execution.schedule("hang")
    running.wait_for("holding")
    running.kill(signal.SIGTERM)
    assert running.wait() == 9
    assert "abandoned by the stop: hang 1" in running.found("left (.*)")[0]


def test_the_grace_is_applied_while_the_calling_thread_is_in_c(
    program: Programs, execution: Execution
) -> None:
    """Python runs no handler then: a signal is heard all the same, and the grace is kept."""
    running = program(
        """
import hashlib

@activity("hash", 1, TASK_LIST)
class Hash(Activity):
    def run(self):
        say("hashing")
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 100_000_000)  # a minute and more
        say("hashed")
"""
        + LEAVING
    )
    running.wait_for("Worker started")
    execution.schedule("hash")
    running.wait_for("hashing")
    running.kill(signal.SIGTERM)
    assert running.wait() == 9
    assert "abandoned by the stop: hash 1" in running.found("left (.*)")[0]
    assert "hashed" not in running.text


def test_a_worker_ends_where_it_is_process_1(
    program: Programs, execution: Execution, gate: Gate
) -> None:
    """The kernel ignores signals to PID 1 that have no handler; ours have."""
    _need_unshare()
    running = program(
        "say(f'pid {os.getpid()}')\n" + SPOKEN + serving(concurrency=2),
        before=("unshare", "--pid", "--fork", "--mount-proc"),
    )
    assert running.wait_for(r"pid (\d+)") == ["1"]
    running.wait_for("Worker started")
    execution.schedule("hold", gate.path)
    running.wait_for("holding")
    unshare = running.process.pid
    (worker,) = Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
    os.kill(int(worker), signal.SIGTERM)
    running.wait_for("level 1")
    gate.open_for(1)
    assert running.wait() == 0
    assert running.found("report (.*)") == ["1 completed"]


def _need_unshare() -> None:
    """PID namespaces need privileges that a desk, or a container in CI, may not give."""
    try:
        subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", "true"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no PID namespace can be made here: {error}")


def test_a_storm_of_signals_does_no_harm(program: Programs) -> None:
    """The handler may come while the main thread waits for the flag, or raises it.

    It deadlocks nothing, no wait outlasts its time, and the level never falls.
    """
    running = program(
        """
import os, signal, subprocess, sys
from flowy.concurrency.stop import StopFlag, StopLevel
from flowy.concurrency.signals import stop_signals

signals = 0
class Counted(StopFlag):
    def raise_to(self, level, *by):
        global signals
        signals += 1
        super().raise_to(level, *by)

signal.signal(signal.SIGTERM, lambda number, frame: None)  # for those between two flags
storm = f"import os\\nwhile os.getppid() == {os.getpid()}: os.kill({os.getpid()}, 15)"
with subprocess.Popen([sys.executable, "-c", storm]) as process:
    while signals < 5_000:
        flag = Counted()
        with stop_signals(flag):
            for level in (StopLevel.DRAIN, StopLevel.CANCEL, StopLevel.KILL):
                flag.wait(0.0001, level)
                flag.raise_to(level)
                assert flag.wait(None, level)
                assert flag.level >= level
    process.kill()
print("done")
""",
        preamble="",
    )
    assert running.wait() == 0
    assert running.found("done") == ["done"]


def test_a_wait_outlasts_no_signal(program: Programs) -> None:
    """A wait ends with its time, though a slow handler of somebody else's ran meanwhile.

    queue.SimpleQueue waits for ever then, until Python 3.13.
    """
    running = program(
        """
import signal, time
from flowy.concurrency.stop import StopFlag

WAIT_SECONDS = 0.2

def handle_slowly(number, frame):
    time.sleep(WAIT_SECONDS)  # the wait began before, so its time is over then
    print("handled")

signal.signal(signal.SIGALRM, handle_slowly)
signal.setitimer(signal.ITIMER_REAL, WAIT_SECONDS / 2)
print("waited", not StopFlag().wait(WAIT_SECONDS))
""",
        preamble="",
    )
    assert running.wait() == 0
    assert running.lines == ["handled", "waited True"]


def test_off_the_main_thread_signals_are_left_alone(
    program: Programs, execution: Execution
) -> None:
    """A program that runs the worker on a thread keeps its handlers, and stops it by stop()."""
    running = program(
        ACTIVITIES
        + """
from flowy.swf.client import connect
from flowy.swf.registration import register
from flowy.swf.scanner import Scanner
from flowy.swf.worker import ActivityWorker

client, found = connect(), Scanner("__main__").scan()
register(client, DOMAIN, found.values())
worker = ActivityWorker(client, DOMAIN, TASK_LIST, found, concurrency=2)
told = threading.Event()
signal.signal(signal.SIGTERM, lambda number, frame: told.set())
thread = threading.Thread(target=lambda: say(f"report {worker.run()}"))
thread.start()
told.wait()
worker.stop()
thread.join()
"""
    )
    running.wait_for("Worker started")
    execution.schedule("quick", times=3)
    execution.wait_for(3, "ActivityTaskCompleted")
    running.kill(signal.SIGTERM)
    assert running.wait() == 0
    assert running.found("report (.*)") == ["3 completed"]


def test_pythons_own_exit_is_not_kept(
    program: Programs, swf_of_long_polls: LocalSWF, gate: Gate
) -> None:
    """A worker on a daemon thread, with polls out for a minute and more, keeps no interpreter."""
    running = program(
        ACTIVITIES
        + f"""
thread = threading.Thread(
    target=flowy.start_activity_worker,
    args=(DOMAIN, TASK_LIST), kwargs={{"concurrency": 3, "package": "__main__"}},
    daemon=True,
)
thread.start()
wait_in({gate.path!r})
""",
        swf=swf_of_long_polls,
    )
    running.wait_for(POLLING, 3)
    gate.open_for(1)
    assert running.wait() == 0
    assert "Traceback" not in running.text
