"""``flowy worker``: how it stops, and the exit code that says what it left."""

from __future__ import annotations

import signal

import pytest

from flowy.cli import ExitCode
from tests.acceptance.cli.conftest import Command


def test_worker_processes_end_with_their_supervisor(command: Command) -> None:
    """``--processes 2``: a supervisor and two workers, which log and find packages as it does.

    All of them get Ctrl-C.
    """
    with command.start_worker("--processes", "2", "shop.activities") as worker:
        for _ in range(2):
            worker.log_line_with("Worker started as")
        assert command.call("echo", "1", "7")[:2] == (ExitCode.FINE, "[[7], {}]\n")
        worker.press_ctrl_c()
        code, out, err = worker.end()
    assert (code, out) == (ExitCode.FINE, "")
    assert err.endswith("All worker processes stopped: 1 completed.\n")
    assert "Traceback" not in err


def test_worker_that_an_activity_ends_exits_with_1(command: Command) -> None:
    """It has an exit code of its own, because 0 would say that the worker was asked to stop."""
    with command.start_worker("busy") as worker:
        worker.log_line_with("Worker started as")
        assert command.call("leave", "1")[0] == ExitCode.FAILED
        code, _, err = worker.end()
    assert code == ExitCode.ERROR
    assert "ended the process: SystemExit(0)." in err.splitlines()[-1]


LEFT = "1 (activity 1 of workflow flowy-call-"


@pytest.mark.parametrize("options", [[], ["--processes", "2"]])
def test_worker_that_leaves_a_task_exits_with_8(options: list[str], command: Command) -> None:
    """An activity that hangs past the grace is abandoned; the last line names its task.

    Not even a serial worker, whose only thread hangs, waits for it.
    """
    command.env["PYTHONUNBUFFERED"] = "1"
    with command.start_worker("--grace", "0", *options, "busy") as worker:
        worker.log_line_with("Worker started as")
        with command.start_call("hang", "1") as call:
            worker.line_with("It hangs.")
            worker.send(signal.SIGTERM)
            code, _, err = worker.end()
            assert call.process.poll() is None  # left to its timeout
    assert code == ExitCode.LEFT_OVER
    last = err.splitlines()[-1]
    assert f"stopped: 0 completed; 1 abandoned by the stop: hang {LEFT}" in last


def test_worker_that_fails_what_hangs_exits_with_8_too(command: Command) -> None:
    """``--on-stop fail`` tells the decider at once, by the fixed reason."""
    options = ("--grace", "0", "--on-stop", "fail", "--concurrency", "2")
    with command.start_worker(*options, "busy") as worker:
        worker.log_line_with("Worker started as")
        with command.start_call("hang", "1") as call:
            worker.line_with("It hangs.")
            worker.send(signal.SIGTERM)
            code, _, err = worker.end()
            failed, _, said = call.end()
    assert code == ExitCode.LEFT_OVER
    assert f"failed by the stop: hang {LEFT}" in err.splitlines()[-1]
    assert failed == ExitCode.FAILED
    assert "Worker stopped: " in said
