"""Worker processes under a supervisor: how they start and stop. How they die is in tests/faults."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from flowy.local import LocalSWF
from tests.acceptance.many.executions import Execution
from tests.acceptance.many.programs import SPOKEN, Programs
from tests.gates import Gate
from tests.patience import until

#: Activities that the programs serve, and by which a test steers them.
ACTIVITIES = """
@activity("where", 1, TASK_LIST)
class Where(Activity):
    def run(self):
        return os.getpid()

@activity("hold", 1, TASK_LIST)
class Hold(Activity):
    def run(self, path):
        say(f"holding {os.getpid()}")
        wait_in(path)
        return os.getpid()

@activity("suspend", 1, TASK_LIST)
class Suspend(Activity):
    def run(self):
        say(f"token {self.token} in {os.getpid()}")
        raise flowy.SuspendTask

@activity("beats", 1, TASK_LIST, heartbeat=30)
class Beats(Activity):
    def run(self):
        say(f"holding {os.getpid()}")
        beat_until_told_to_stop(self, lambda: f"stopping {context.worker_stopping()}")

@activity("hang", 1, TASK_LIST)
class Hang(Activity):
    def run(self):
        say(f"holding {os.getpid()}")
        time.sleep(HANG_SECONDS)
"""

GUARDED = """
if __name__ == "__main__":
    report = flowy.start_activity_worker(DOMAIN, TASK_LIST, OPTIONS)
    say(f"report {report}")
    say(f"clean {report.clean}")
"""


def guarded(**options: Any) -> str:
    """A script that serves the activities with these options."""
    options = {"processes": 2, **options}
    said = ", ".join(f"{name}={value!r}" for name, value in options.items())
    return ACTIVITIES + GUARDED.replace("OPTIONS", said)


READY = r"Worker started as"


# Starting


def test_activities_run_in_processes_of_their_own(program: Programs, execution: Execution) -> None:
    """Each process serves with a client of its own, and the report adds them up.

    ``layer1`` may be an importable callable, which parent and children call. A child that is told
    to end by SIGTERM finishes what it has, and another takes its place.
    """
    running = program(
        ACTIVITIES
        + """
def make_client():
    import boto3
    say(f"client made in {os.getpid()}")
    return boto3.client("swf")

if __name__ == "__main__":
    report = flowy.start_activity_worker(DOMAIN, TASK_LIST, make_client, processes=2)
    say(f"report {report}")
    say(f"clean {report.clean}")
"""
    )
    running.wait_for(READY, 2)
    assert len(set(running.wait_for(r"client made in (\d+)", 3))) == 3
    execution.schedule("where", times=20)
    ended = execution.wait_for(20, "ActivityTaskCompleted")
    assert str(running.process.pid) not in {event["result"] for event in ended}

    (child, _) = running.wait_for(r"Started worker process (\d+)", 2)
    os.kill(int(child), signal.SIGTERM)
    running.wait_for(r"Started worker process (\d+)", 3)
    execution.schedule("where", times=4)
    execution.wait_for(24, "ActivityTaskCompleted")
    assert "died" not in running.text
    running.kill(signal.SIGTERM)
    assert running.wait() == 0
    assert running.found("report (.*)") == ["24 completed"]
    assert running.found("clean (.*)") == ["True"]


def test_an_unguarded_main_gives_one_clear_error_and_no_storm(program: Programs) -> None:
    """Each child would start children of its own: the first one ends all with an error."""
    running = program(
        ACTIVITIES
        + """
say(f"importing {os.getpid()}")
flowy.start_activity_worker(DOMAIN, TASK_LIST, processes=4)
"""
    )
    assert running.wait() == 1
    assert "if __name__ == '__main__':" in running.text
    assert len(running.found(r"^flowy\.\S*ProcessError: ")) == 1
    assert len(running.found("importing")) == 2


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Cannot find any activity in __main__"),
        (
            """
@activity("broken", 1, "x")
class Broken(Activity):
    def run(self):
        pass
DOMAIN = "no-such-domain"
""",
            "no-such-domain",
        ),
    ],
    ids=["scan", "domain"],
)
def test_what_is_wrong_comes_once_from_the_parent(program: Programs, text: str, error: str) -> None:
    """Scan and registration fail before any process starts."""
    running = program(
        'say(f"importing {os.getpid()}")\n'
        + text
        + """
if __name__ == "__main__":
    flowy.start_activity_worker(DOMAIN, TASK_LIST, processes=3)
"""
    )
    assert running.wait() == 1
    assert len(running.found(r"^flowy\.exception\.\w+: ")) == 1
    assert error in running.text
    assert len(running.found("importing")) == 1


def test_polls_refused_stop_all_with_one_error(program: Programs) -> None:
    """What a child learns at its first polls is raised by start_activity_worker."""
    running = program(
        ACTIVITIES
        + """
if __name__ == "__main__":
    flowy.start_activity_worker("no-such-domain", TASK_LIST, reg_remote=False, processes=2)
"""
    )
    assert running.wait() == 1
    assert "no-such-domain" in running.found("^flowy.exception.RefusedError: (.*)")[0]


# Dying


def test_the_suspended_tasks_of_a_dead_process_are_not_failed(
    program: Programs, execution: Execution, client: Any
) -> None:
    """Somebody else answers them: they complete by the token."""
    running = program(guarded(processes=2))
    running.wait_for(READY, 2)
    execution.schedule("suspend")
    running.wait_for(": suspended after")
    ((token, pid),) = [said.split(" in ") for said in running.found("token (.*)")]
    os.kill(int(pid), signal.SIGKILL)
    running.wait_for("0 tasks are failed")
    running.wait_for(READY, 3)
    assert execution.count("ActivityTaskFailed") == 0
    client.respond_activity_task_completed(taskToken=token, result="1")
    execution.wait_for(1, "ActivityTaskCompleted")
    running.kill(signal.SIGTERM)
    running.wait()
    assert "1 suspended" in running.found("report (.*)")[0]


# Stopping


def test_a_ctrl_c_goes_to_all_and_counts_once(
    program: Programs, execution: Execution, gate: Gate
) -> None:
    """A terminal sends it to supervisor and children: what runs still finishes."""
    running = program(SPOKEN + guarded(processes=2))
    running.wait_for(READY, 2)
    execution.schedule("hold", gate.path, times=2)
    running.wait_for("holding", 2)
    running.kill_group(signal.SIGINT)
    # Threads of a process tell of it one by one, and the supervisor passes it on.
    until(lambda: len(set(running.found(r"level 1 on .* of (\d+)"))) == 3, "all processes")
    execution.schedule("where")  # nobody takes it any more
    gate.open_for(2)
    assert running.wait() == 0
    assert running.found("report (.*)") == ["2 completed"]
    assert "Traceback" not in running.text


def test_a_second_ctrl_c_ends_the_grace(program: Programs, execution: Execution) -> None:
    """A second Ctrl-C raises the level of the stop for all children: heartbeat() answers False.

    A process that an activity keeps is ended by force. on_stop="abandon" leaves the tasks to their
    timeouts.
    """
    running = program(guarded(processes=2))
    running.wait_for(READY, 2)
    execution.schedule("beats")
    execution.schedule("hang")
    running.wait_for("holding", 2)
    running.kill_group(signal.SIGINT)
    running.wait_for("worker is stopping")
    assert "told to stop" not in running.text
    running.kill_group(signal.SIGINT)
    running.wait_for("told to stop")
    assert running.wait() == 0
    assert execution.count("ActivityTaskFailed", "ActivityTaskCompleted") == 0
    (report,) = running.found("report (.*)")
    assert "2 abandoned by the stop: " in report
    assert "beats 1 (" in report
    assert "hang 1 (" in report
    assert running.found("clean (.*)") == ["False"]


def test_ctrl_c_while_the_first_process_starts(program: Programs) -> None:
    """The report is that of a stop, without an error about processes that cannot be started."""
    running = program(guarded(processes=4))
    running.wait_for("Started worker process")
    running.kill_group(signal.SIGINT)
    assert running.wait() == 0
    assert running.found("report (.*)") == ["0 completed"]


def test_ctrl_c_with_signals_false_lets_children_finish(
    program: Programs, execution: Execution, gate: Gate
) -> None:
    """The script's own KeyboardInterrupt comes out when the children have ended."""
    running = program(guarded(processes=2, signals=False))
    running.wait_for(READY, 2)
    execution.schedule("hold", gate.path, times=2)
    running.wait_for("holding", 2)
    running.kill_group(signal.SIGINT)
    running.wait_for("Interrupted; running activities finish")
    gate.open_for(2)
    execution.wait_for(2, "ActivityTaskCompleted")
    assert running.wait() == -signal.SIGINT
    assert "All worker processes stopped: 2 completed." in running.text


def test_sys_exit_with_signals_false_leaves_no_task_unreported(
    program: Programs, execution: Execution, gate: Gate
) -> None:
    """The script's own handler ends it: its processes settle their tasks first, and report."""
    handler = "\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
    running = program(handler + guarded(processes=2, signals=False, on_stop="fail"))
    running.wait_for(READY, 2)
    execution.schedule("hold", gate.path, times=2)
    running.wait_for("holding", 2)
    running.kill(signal.SIGTERM)
    assert running.wait() == 3
    assert execution.count("ActivityTaskFailed") == 2
    assert "2 failed by the stop: hold 1" in running.text


def test_a_third_ctrl_c_waits_for_no_poll(program: Programs, swf_of_long_polls: LocalSWF) -> None:
    """Serial children hang in polls of 60 s: they are left, and the polls are reported."""
    running = program(
        ACTIVITIES
        + SPOKEN
        + """
logging.getLogger("flowy.swf.client").setLevel(logging.DEBUG)
if __name__ == "__main__":
    report = flowy.start_activity_worker(DOMAIN, TASK_LIST, processes=2, grace=0)
    say(f"report {report}")
""",
        swf=swf_of_long_polls,
    )
    running.wait_for("Calling poll_for_activity_task", 2)
    for level in (1, 2, 3):
        running.kill_group(signal.SIGINT)
        running.wait_for(f"level {level} on MainThread")  # the supervisor's
    assert running.wait() == 0
    assert running.found("report (.*)")[0].count("not waited for") == 2
