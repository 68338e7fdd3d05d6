"""``flowy call``: its output and its exit codes, with real workers."""

from __future__ import annotations

import json
import signal
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flowy.cli import ExitCode
from flowy.local import LocalSWF
from tests.acceptance.cli.conftest import ECHO, Command, open_executions, write_module
from tests.acceptance.flowy_command import ROOT, Flowy
from tests.patience import PATIENCE_SECONDS, until
from tests.python_process import PythonProcess

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient
    from mypy_boto3_swf.type_defs import HistoryEventTypeDef


@pytest.mark.usefixtures("worker")
def test_call_prints_the_value_as_json(command: Command) -> None:
    """An ARG is JSON if it can be, else text; the value stands alone on standard output."""
    code, out, err = command.call(
        "--kw", "colour=red", "--kwargs", '{"n": 1}', "echo", "1", "7", '{"a": null}', "x y"
    )
    assert (code, err) == (ExitCode.FINE, "")
    assert json.loads(out) == [[7, {"a": None}, "x y"], {"colour": "red", "n": 1}]
    assert command.call("--", "echo", "1", "--kw", "caf\udce9")[1] == (
        '[["--kw", "caf\\udce9"], {}]\n'
    )


@pytest.mark.usefixtures("worker")
def test_call_of_an_activity_that_fails_exits_with_4(command: Command) -> None:
    """The reason is a line on standard error, the details follow; the output is empty."""
    code, out, err = command.call("echo", "1", "1")
    assert (code, out) == (ExitCode.FAILED, "")
    lines = err.splitlines()
    assert lines[0] == "flowy: Activity echo 1 failed: Can't echo 1."
    assert lines[1].startswith("Traceback")
    assert lines[-1] == "ValueError: Can't echo 1."


@pytest.mark.usefixtures("registered")
def test_call_of_an_activity_that_times_out_exits_with_5(command: Command) -> None:
    """A timeout of the activity, here because no worker took it."""
    code, out, err = command.call("late", "1")
    assert (code, out) == (ExitCode.TIMED_OUT, "")
    assert "SCHEDULE_TO_START" in err
    assert "No worker took it from task list 'nobody' within 1 s. Does a worker" in err


@pytest.mark.usefixtures("registered")
def test_call_that_takes_too_long_exits_with_5(command: Command) -> None:
    """The call's own ``--timeout``; ``--task-list`` names a list that no worker polls."""
    code, out, err = command.call("--timeout", "1", "--task-list", "nobody", "echo", "1")
    assert (code, out) == (ExitCode.TIMED_OUT, "")
    last = err.splitlines()[-1]
    assert last.startswith("flowy: Activity echo 1 had not ended after 1 s")
    assert "no worker has taken it from task list 'nobody' since " in last


@pytest.mark.usefixtures("registered")
def test_call_that_nobody_takes_says_so(command: Command) -> None:
    """It says so after 3 s, with the time since when, and goes on."""
    with command.start_call("--task-list", "nobody", "echo", "1") as call:
        line = call.log_line_with("waits")
        assert "Activity echo 1 waits: no worker has taken it from task list 'nobody'" in line
        assert call.process.poll() is None
        call.send(signal.SIGTERM)
        assert call.end()[0] == ExitCode.INTERRUPTED


@pytest.mark.usefixtures("worker")
def test_call_without_waiting(command: Command, client: SWFClient) -> None:
    """``--no-wait`` prints the ids of the execution."""
    code, out, err = command.call("--no-wait", "echo", "1", "7")
    assert (code, err) == (ExitCode.FINE, "")
    ids = json.loads(out)
    execution = {"workflowId": ids["workflow_id"], "runId": ids["run_id"]}

    def completed() -> list[HistoryEventTypeDef]:
        history = client.get_workflow_execution_history(
            domain=command.domain,
            execution=execution,  # type: ignore[arg-type]
        )["events"]
        return [each for each in history if each["eventType"] == "ActivityTaskCompleted"]

    done = until(completed, "the activity's end")
    assert done[0]["activityTaskCompletedEventAttributes"]["result"] == "[[7], {}]"


@pytest.mark.usefixtures("worker")
def test_call_with_arguments_from_standard_input(command: Command) -> None:
    """A JSON list of positional arguments, or an object of keyword arguments."""

    def called_with(given: str) -> tuple[int, str, str]:
        call = PythonProcess(
            ["-m", "flowy", "call", "--domain", command.domain, "echo", "1", "-"],
            env={**command.env, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
        )
        out, err = call.communicate(given, PATIENCE_SECONDS)
        return call.wait(), out, err

    assert called_with('[1.5, "two"]') == (ExitCode.FINE, '[[1.5, "two"], {}]\n', "")
    assert called_with('{"order": 7}') == (ExitCode.FINE, '[[], {"order": 7}]\n', "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("registered")
def test_a_call_that_is_ended_leaves_no_open_execution(
    number: signal.Signals, command: Command, client: SWFClient
) -> None:
    """Whatever stops it, a process manager or a closed terminal, stops the execution."""
    arguments = ["--log-level", "debug", "--task-list", "nobody", "echo", "1"]
    with command.start_call(*arguments) as call:
        call.log_line_with("Calling poll_for_decision_task")
        assert open_executions(client, command.domain) == 1
        call.send(number)
        code, _, err = call.end()
    assert code == ExitCode.INTERRUPTED
    assert err.endswith("flowy: Interrupted.\n")
    assert open_executions(client, command.domain) == 0


def test_inputs_and_results_stay_out_of_the_log(command: Command) -> None:
    """Even at the level debug, on both sides."""
    with command.start_worker("--log-level", "debug", "shop.activities") as worker:
        worker.log_line_with("Worker started as")
        code, out, call_log = command.call("--log-level", "debug", "echo", "1", "hush-hush")
        worker.send(signal.SIGTERM)
        _, _, worker_log = worker.end()
    assert (code, json.loads(out)) == (ExitCode.FINE, [["hush-hush"], {}])
    assert "Calling" in call_log
    assert "hush-hush" not in call_log
    assert "Calling" in worker_log
    assert "hush-hush" not in worker_log


@pytest.mark.usefixtures("worker")
def test_a_result_for_people_is_not_escaped(command: Command, client: SWFClient) -> None:
    """``Zoë`` is printed as it came; SWF holds it in ASCII, as the first Flowy wrote it."""
    command.env["PYTHONIOENCODING"] = "utf-8"
    code, out, _ = command.call("echo", "1", "Zoë")
    assert (code, out) == (ExitCode.FINE, '[["Zoë"], {}]\n')
    (closed,) = client.list_closed_workflow_executions(
        domain=command.domain,
        startTimeFilter={"oldestDate": datetime(2000, 1, 1, tzinfo=timezone.utc)},
    )["executionInfos"]
    history = client.get_workflow_execution_history(
        domain=command.domain, execution=closed["execution"]
    )["events"]
    (done,) = (each for each in history if each["eventType"] == "ActivityTaskCompleted")
    assert done["activityTaskCompletedEventAttributes"]["result"] == '[["Zo\\u00eb"], {}]'


def test_the_execution_of_a_call_that_was_killed_ends_by_its_timeouts(
    tmp_path: Path, bare: dict[str, str]
) -> None:
    """Nobody is left to close it, so it was started with timeouts that do."""
    with LocalSWF(domain="shop") as swf:
        client = swf.client()
        client.register_activity_type(
            domain="shop", name="echo", version="1", defaultTaskList={"name": "orders"},
            defaultTaskHeartbeatTimeout="NONE", defaultTaskScheduleToCloseTimeout="NONE",
            defaultTaskScheduleToStartTimeout="NONE", defaultTaskStartToCloseTimeout="NONE",
        )  # fmt: skip
        call = ("call", "--domain", "shop", "--timeout", "60", "echo", "1")
        with Flowy(*call, cwd=tmp_path, env={**bare, **swf.environment}) as running:
            client.poll_for_activity_task(domain="shop", taskList={"name": "orders"})
            running.send(signal.SIGKILL)
            assert running.end()[0] == -signal.SIGKILL
        assert open_executions(client, "shop") == 1
        swf.clock.turn(180)
        assert open_executions(client, "shop") == 0


def test_a_terminal_obeys_nothing_that_an_activity_says(command: Command) -> None:
    """Control characters in a reason or in details are shown as escapes."""
    text: Any = ECHO.replace("Can't echo 1.", "\\x1b]0;owned\\x07")
    write_module(command.here / "shop" / "activities.py", text)
    with command.start_worker("shop.activities") as worker:
        worker.log_line_with("Worker started as")
        code, _, err = command.call("echo", "1", "1")
    assert code == ExitCode.FAILED
    assert "\x1b" not in err
    assert "\\x1b]0;owned\\x07" in err
