"""``flowy worker``, ``flowy call`` and ``flowy local``: real processes, HTTP, exit codes."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import textwrap
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from flowy import __version__
from flowy.cli import ExitCode
from flowy.cli.check import KEYS
from flowy.local import LocalSWF
from tests.acceptance.flowy_command import ROOT, Flowy, run_flowy
from tests.patience import PATIENCE_SECONDS, until
from tests.python_process import PythonProcess

if TYPE_CHECKING:
    from mypy_boto3_swf import SWFClient
    from mypy_boto3_swf.type_defs import ActivityTypeTypeDef, HistoryEventTypeDef

ECHO = """
    from flowy import Activity, activity

    @activity(name="echo", version=1, task_list="orders")
    class Echo(Activity):
        def run(self, *args, **kwargs):
            if args == (1,):
                raise ValueError("Can't echo 1.")
            return [args, kwargs]

    @activity(name="late", version=1, task_list="nobody", schedule_to_start=1)
    class Late(Activity):
        def run(self):
            return None
    """

HASTY = """
    from flowy import Activity, activity

    @activity(name="hasty", version=1, task_list="orders", start_to_close=1)
    class Hasty(Activity):
        def run(self):
            return None
    """

#: Activities that wait for one another, or for the test to write to a pipe in the worker's folder.
BUSY = """
    import threading, time
    from pathlib import Path

    from flowy import Activity, activity

    MEETING = threading.Barrier(2, timeout=60)

    @activity(name="meet", version=1, task_list="orders")
    class Meet(Activity):
        def run(self):
            MEETING.wait()

    @activity(name="hang", version=1, task_list="orders")
    class Hang(Activity):
        def run(self):
            print("It hangs.", flush=True)
            Path("release").read_bytes()

    @activity(name="leave", version=1, task_list="orders")
    class Leave(Activity):
        def run(self):
            raise SystemExit(0)

    @activity(name="beat", version=1, task_list="orders")
    class Beat(Activity):
        def run(self):
            print("It beats.", flush=True)
            while self.heartbeat():
                time.sleep(0.02)  # work
    """


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a package of activities, which is importable from there only."""
    folder = tmp_path / "here"
    _write(folder / "shop" / "__init__.py", "")
    _write(folder / "shop" / "activities.py", ECHO)
    _write(folder / "shop" / "hasty.py", HASTY)
    _write(folder / "busy.py", BUSY)
    os.mkfifo(folder / "release")
    return folder


class Command:
    """Runs verbs on the test's own domain, in the folder of the package."""

    def __init__(self, domain: str, here: Path, env: dict[str, str]) -> None:
        self.domain = domain
        self.here = here
        self.env = env

    def call(self, *arguments: str) -> tuple[int, str, str]:
        """Run ``flowy call`` to its end."""
        return run_flowy("call", "--domain", self.domain, *arguments, cwd=self.here, env=self.env)

    def start_call(self, *arguments: str) -> Flowy:
        """Start ``flowy call``."""
        return Flowy("call", "--domain", self.domain, *arguments, cwd=self.here, env=self.env)

    def worker(self, *arguments: str) -> tuple[int, str, str]:
        """Run ``flowy worker`` to its end."""
        with self.start_worker(*arguments) as worker:
            return worker.end()

    def start_worker(self, *arguments: str) -> Flowy:
        """Start ``flowy worker``."""
        polls = ["--domain", self.domain, "--task-list", "orders"]
        return Flowy("worker", *polls, *arguments, cwd=self.here, env=self.env)


@pytest.fixture
def command(domain: str, here: Path, swf_environment: dict[str, str]) -> Command:
    """Verbs on a domain of the test's own."""
    return Command(domain, here, swf_environment)


@pytest.fixture
def worker(command: Command) -> Iterator[Flowy]:
    """A worker that polls."""
    with command.start_worker("shop.activities") as running:
        running.log_line_with("Worker started as")
        yield running


@pytest.fixture
def registered(command: Command) -> None:
    """The types are registered, and no worker runs."""
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE


def _type_names(client: SWFClient, domain: str) -> list[str]:
    infos = client.list_activity_types(domain=domain, registrationStatus="REGISTERED")["typeInfos"]
    return sorted(info["activityType"]["name"] for info in infos)


def _open_executions(client: SWFClient, domain: str) -> int:
    counted = client.count_open_workflow_executions(
        domain=domain, startTimeFilter={"oldestDate": datetime(2000, 1, 1, tzinfo=timezone.utc)}
    )
    return counted["count"]


# flowy call


@pytest.mark.usefixtures("worker")
def test_call_prints_the_value_as_json(command: Command) -> None:
    """An ARG is JSON where it can be, else text; the value stands alone on standard output."""
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
    """The call's own ``--timeout``; ``--task-list`` sent it where no worker polls."""
    code, out, err = command.call("--timeout", "1", "--task-list", "nobody", "echo", "1")
    assert (code, out) == (ExitCode.TIMED_OUT, "")
    last = err.splitlines()[-1]
    assert last.startswith("flowy: Activity echo 1 had not ended after 1 s")
    assert "no worker has taken it from task list 'nobody' since " in last


@pytest.mark.usefixtures("registered")
def test_call_that_nobody_takes_says_so(command: Command) -> None:
    """After 3 s, and since when; the call goes on."""
    with command.start_call("--task-list", "nobody", "echo", "1") as call:
        line = call.log_line_with("waits")
        assert "Activity echo 1 waits: no worker has taken it from task list 'nobody'" in line
        assert call.process.poll() is None
        call.send(signal.SIGTERM)
        assert call.end()[0] == ExitCode.INTERRUPTED


@pytest.mark.usefixtures("worker")
def test_call_without_waiting(command: Command, client: SWFClient) -> None:
    """``--no-wait`` prints where the result will be."""
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


def test_call_without_waiting_of_an_unknown_type_exits_with_3(
    command: Command, client: SWFClient
) -> None:
    """It is known at once, and no execution stays open."""
    code, out, err = command.call("--no-wait", "nothing", "1")
    assert (code, out) == (ExitCode.REFUSED, "")
    assert "ACTIVITY_TYPE_DOES_NOT_EXIST" in err
    assert _open_executions(client, command.domain) == 0


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
    for given in ("7", ""):
        code, out, err = called_with(given)
        assert (code, out) == (ExitCode.USAGE, "")
        assert "standard input has no JSON list" in err


def test_call_of_an_unknown_type_exits_with_3(command: Command) -> None:
    """SWF's own word for it is told, and what the domain has, similar names first."""
    code, _, err = command.call("nothing", "1")
    assert code == ExitCode.REFUSED
    assert "ACTIVITY_TYPE_DOES_NOT_EXIST. Start a worker that registers it" in err
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE
    code, _, err = command.call("ecko", "1")
    assert code == ExitCode.REFUSED
    assert "ACTIVITY_TYPE_DOES_NOT_EXIST. The domain has: echo 1, hasty 1, late 1\n" in err


def test_call_in_an_unknown_domain_exits_with_3(
    here: Path, swf_environment: dict[str, str]
) -> None:
    """The domain is named, and no traceback is shown."""
    code, _, err = run_flowy(
        "call", "--domain", "nowhere", "echo", "1", cwd=here, env=swf_environment
    )
    assert code == ExitCode.REFUSED
    assert "nowhere" in err
    assert "Traceback" not in err


def test_call_of_an_swf_out_of_reach_exits_with_7(command: Command) -> None:
    """Nobody listens there: the same command may work later."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # held, but nobody listens
        command.env["AWS_ENDPOINT_URL_SWF"] = f"http://127.0.0.1:{held.getsockname()[1]}"
        code, out, err = command.call("echo", "1")
    assert (code, out) == (ExitCode.OUT_OF_REACH, "")
    assert "no answer from SWF" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("registered")
def test_a_call_that_is_ended_leaves_no_open_execution(
    number: signal.Signals, command: Command, client: SWFClient
) -> None:
    """Who stops it, a process manager or a terminal that is closed, stops the execution."""
    arguments = ["--log-level", "debug", "--task-list", "nobody", "echo", "1"]
    with command.start_call(*arguments) as call:
        call.log_line_with("Calling poll_for_decision_task")
        assert _open_executions(client, command.domain) == 1
        call.send(number)
        code, _, err = call.end()
    assert code == ExitCode.INTERRUPTED
    assert err.endswith("flowy: Interrupted.\n")
    assert _open_executions(client, command.domain) == 0


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
        assert _open_executions(client, "shop") == 1
        swf.clock.turn(180)
        assert _open_executions(client, "shop") == 0


# flowy worker


def test_worker_ends_with_0_when_it_is_asked_to_stop(worker: Flowy) -> None:
    """SIGTERM is how process managers ask; it is no failure."""
    worker.send(signal.SIGTERM)
    code, out, err = worker.end()
    assert (code, out) == (ExitCode.FINE, "")
    assert err.endswith("Worker stopped: 0 completed.\n")


def test_worker_scans_a_package_with_all_below_it(command: Command, client: SWFClient) -> None:
    """``--loop 0`` registers what was found, and no more."""
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE
    assert _type_names(client, command.domain) == ["echo", "hasty", "late"]


@pytest.mark.parametrize("ignored", [".hasty", "shop.hasty"])
def test_worker_ignores_what_it_is_told_to(
    ignored: str, command: Command, client: SWFClient
) -> None:
    """A dotted name, or one below the package."""
    assert command.worker("--loop", "0", "--ignore", ignored, "shop")[0] == ExitCode.FINE
    assert _type_names(client, command.domain) == ["echo", "late"]


def test_worker_registers_nothing_where_it_is_told_so(command: Command, client: SWFClient) -> None:
    """``--no-register``; ``--loop 1`` ends after one empty poll."""
    assert command.worker("--loop", "1", "--no-register", "shop")[0] == ExitCode.FINE
    assert _type_names(client, command.domain) == []


@pytest.mark.parametrize(
    ("policy", "code", "said"),
    [
        ("fail", ExitCode.FAILED, "Unknown activity type: hasty 1"),
        ("abandon", ExitCode.TIMED_OUT, "START_TO_CLOSE"),
    ],
)
@pytest.mark.usefixtures("registered")
def test_worker_does_with_unknown_types_as_it_is_told(
    policy: str, code: ExitCode, said: str, command: Command
) -> None:
    """``--on-unknown fail`` fails the task, ``abandon`` leaves it to its timeout."""
    with command.start_worker("--on-unknown", policy, "shop.activities") as worker:
        worker.log_line_with("Worker started as")
        ended, _, err = command.call("hasty", "1")
    assert ended == code
    assert said in err


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("shop.nothing", "No module named 'shop.nothing'. Looked in"),
        ("nothing.at.all", "No module named 'nothing'. Looked in"),
        ("empty", "Cannot find any activity in empty."),
        ("twice", "Cannot serve one type with two implementations"),
    ],
)
def test_worker_of_a_package_that_cannot_be_served_exits_with_3(
    package: str, said: str, command: Command
) -> None:
    """One line says what is missing, and where."""
    _write(command.here / "empty.py", "")
    _write(command.here / "twice.py", HASTY.replace("Hasty", "One") + HASTY)
    code, _, err = command.worker(package)
    assert code == ExitCode.REFUSED
    assert said in err
    assert len(err.splitlines()) == 1


#: What may be wrong with a module, what is said of it, and the line that is named.
BROKEN = [
    ("\nimport requirement\n", "No module named 'requirement'.", 2),
    ("import json\nfrom json import nothing\n", "cannot import name 'nothing' from 'json'", 2),
    ("x = 1\nx = (\n", "SyntaxError: '(' was never closed.", 2),
    ("\n\n1 / 0\n", "ZeroDivisionError: division by zero.", 3),
    ("import json\njson.loads('{')\n", "json.decoder.JSONDecodeError: Expecting property name", 2),
    ("raise KeyError('order')\n", "KeyError: 'order'.", 1),
    ("import sys\nsys.exit(0)\n", "SystemExit: 0.", 2),
    (
        "from flowy import activity\n\nactivity('a', 1, 'l', heartbeat='soon')\n",
        "ValueError: Cannot use 'soon'",
        3,
    ),
]


@pytest.mark.parametrize(("source", "said", "line"), BROKEN, ids=[said for _, said, _ in BROKEN])
def test_whatever_goes_wrong_in_an_import_is_two_lines(
    source: str, said: str, line: int, command: Command
) -> None:
    """What it is, and the author's file and line; exit code 3."""
    _write(command.here / "shop" / "broken.py", "")
    (command.here / "shop" / "broken.py").write_text(source)
    code, out, err = command.worker("shop")
    assert (code, out) == (ExitCode.REFUSED, "")
    what, where = err.splitlines()
    assert what.startswith(f"flowy: Cannot import shop: {said}")
    assert where == f"  See {command.here / 'shop' / 'broken.py'}, line {line}."


def test_all_frames_of_an_import_that_failed_are_logged_at_debug(command: Command) -> None:
    """Two lines are enough until they are not."""
    _write(command.here / "buggy.py", "def f():\n    1 / 0\n\nf()\n")
    code, _, err = command.worker("--log-level", "debug", "buggy")
    assert code == ExitCode.REFUSED
    assert "Traceback (most recent call last):" in err
    assert err.endswith(f"  See {command.here / 'buggy.py'}, line 2.\n")


@pytest.mark.parametrize("option", ["--middleware", "--observer"])
def test_additions_that_cannot_be_imported_are_two_lines_too(option: str, command: Command) -> None:
    """Middleware and observers are the author's code as well."""
    _write(command.here / "buggy.py", "\n1 / 0\n")
    code, _, err = command.worker(option, "buggy:X", "shop")
    assert code == ExitCode.REFUSED
    assert err == (
        "flowy: Cannot import buggy:X: ZeroDivisionError: division by zero.\n"
        f"  See {command.here / 'buggy.py'}, line 2.\n"
    )


def _check(command: Command, *arguments: str) -> tuple[int, list[list[str]], str]:
    """Run ``flowy worker --check``, and return exit code, the cells of the table, and the rest."""
    code, out, err = run_flowy("worker", "--check", *arguments, cwd=command.here, env=command.env)
    return code, [re.split(" {2,}", line) for line in out.splitlines()], err


def test_check_says_what_would_be_served(command: Command) -> None:
    """Neither a domain nor an SWF is needed."""
    command.env["AWS_ENDPOINT_URL_SWF"] = "http://127.0.0.1:1"
    code, rows, err = _check(command, "--ignore", ".hasty", "shop")
    assert code == ExitCode.FINE
    assert [row[0] for row in rows] == ["NAME", "echo", "late"]
    assert all("not compared" in row for row in rows[1:])
    file, _, line = rows[1][-1].rpartition(":")
    assert file == str(command.here / "shop" / "activities.py")
    assert line in ("4", "5")  # Python 3.10 takes the class's line for the decorator's
    assert err == "flowy: Not compared with SWF: give --domain.\n"


def test_check_compares_and_registers_nothing(command: Command, client: SWFClient) -> None:
    """New, the same, or different, which ends with 3."""
    domain = ("--domain", command.domain)
    code, rows, err = _check(command, *domain, "shop.activities")
    assert (code, err) == (ExitCode.FINE, "")
    assert all("new" in row for row in rows[1:])
    assert _type_names(client, command.domain) == []
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE
    _write(command.here / "shop" / "hasty.py", HASTY.replace("start_to_close=1", "heartbeat=9"))
    client.deprecate_activity_type(
        domain=command.domain, activityType={"name": "late", "version": "1"}
    )
    code, rows, err = _check(command, *domain, "shop")
    assert code == ExitCode.REFUSED
    assert {row[0]: row[3] for row in rows[1:]} == {
        "echo": "the same",
        "hasty": "differs",
        "late": "differs",
    }
    late, hasty = sorted(err.splitlines(), reverse=True)
    assert late.startswith("flowy: late 1 at ")
    assert "it is deprecated at SWF" in late
    assert hasty.startswith("flowy: hasty 1 at ")
    assert "heartbeat is 9 here, None at SWF" in hasty
    assert "--no-register" in hasty
    arguments = ("worker", "--check", "--json", *domain, "shop")
    code, out, said = run_flowy(*arguments, cwd=command.here, env=command.env)
    assert (code, said) == (ExitCode.REFUSED, err)
    shown = {each["name"]: each for each in json.loads(out)}
    assert all(tuple(each) == KEYS for each in shown.values())
    assert [shown[name]["at_swf"] for name in ("echo", "hasty")] == ["the same", "differs"]
    assert shown["echo"]["differences"] == []
    assert shown["hasty"]["differences"][0].startswith("heartbeat is 9 here, None at SWF")


def test_check_prints_nothing_but_the_json(command: Command) -> None:
    """Not even what a module prints when it is imported."""
    _write(command.here / "chatty.py", "print('Hello.')\n" + textwrap.dedent(HASTY))
    arguments = ("worker", "--check", "--json", "chatty")
    code, out, err = run_flowy(*arguments, cwd=command.here, env=command.env)
    assert code == ExitCode.FINE
    (shown,) = json.loads(out)
    assert (shown["name"], shown["at_swf"]) == ("hasty", "not compared")
    assert err == "Hello.\nflowy: Not compared with SWF: give --domain.\n"


def test_check_of_an_swf_out_of_reach(command: Command) -> None:
    """The scan is shown all the same, and why nothing was compared."""
    command.env["AWS_ENDPOINT_URL_SWF"] = "http://127.0.0.1:1"
    code, rows, err = _check(command, "--domain", "shop", "shop")
    assert (code, len(rows)) == (ExitCode.FINE, 4)
    assert err.startswith("flowy: Not compared with SWF: Cannot list_activity_types: ")


def test_check_of_an_unknown_domain_exits_with_3(command: Command) -> None:
    """A worker would not start there."""
    code, _, err = _check(command, "--domain", "nowhere", "shop")
    assert code == ExitCode.REFUSED
    assert err == (
        "flowy: Not compared with SWF: the domain 'nowhere' does not exist in this region.\n"
    )


@pytest.mark.usefixtures("registered")
def test_worker_whose_types_swf_holds_otherwise_exits_with_3(
    command: Command, client: SWFClient
) -> None:
    """The same types again are fine; one that was changed, or deprecated, is named."""
    assert command.worker("--loop", "0", "shop")[0] == ExitCode.FINE
    held: ActivityTypeTypeDef = {"name": "hasty", "version": "1"}
    _write(command.here / "shop" / "hasty.py", HASTY.replace("start_to_close=1", "heartbeat=9"))
    code, _, err = command.worker("--loop", "0", "shop")
    assert code == ExitCode.REFUSED
    assert "hasty 1 at" in err
    assert "heartbeat is 9 here, None at SWF; start_to_close is 300 here, 1 at SWF" in err
    assert "Traceback" not in err
    described = client.describe_activity_type(domain=command.domain, activityType=held)
    assert described["configuration"]["defaultTaskStartToCloseTimeout"] == "1"
    client.deprecate_activity_type(domain=command.domain, activityType=held)
    code, _, err = command.worker("--loop", "0", "shop")
    assert code == ExitCode.REFUSED
    assert "it is deprecated at SWF" in err


def test_worker_in_an_unknown_domain_exits_with_3(command: Command) -> None:
    """Before the first poll, with the way out."""
    command.domain = "nowhere"
    code, _, err = command.worker("shop")
    assert code == ExitCode.REFUSED
    assert "aws swf register-domain --name nowhere" in err
    assert "Traceback" not in err


def test_worker_without_credentials_exits_with_3(command: Command) -> None:
    """What cannot heal is said at once."""
    del command.env["AWS_ACCESS_KEY_ID"]
    code, _, err = command.worker("shop")
    assert code == ExitCode.REFUSED
    assert "AWS_ACCESS_KEY_ID" in err
    assert "Traceback" not in err


# Many at once, and what a stop leaves


def test_worker_runs_as_many_at_once_as_it_is_told_to(command: Command) -> None:
    """``--concurrency 2``: of two activities each waits for the other; ``--pollers`` feed them."""
    with command.start_worker("--concurrency", "2", "--pollers", "1", "busy") as worker:
        worker.log_line_with("Worker started as")
        with command.start_call("meet", "1") as first, command.start_call("meet", "1") as second:
            assert [call.end()[:2] for call in (first, second)] == [(ExitCode.FINE, "null\n")] * 2
        worker.send(signal.SIGTERM)
        code, _, err = worker.end()
    assert code == ExitCode.FINE
    assert err.endswith("Worker stopped: 2 completed.\n")


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
    """Its own code is none of the table's: 0 would say that the worker was asked to stop."""
    with command.start_worker("busy") as worker:
        worker.log_line_with("Worker started as")
        assert command.call("leave", "1")[0] == ExitCode.FAILED
        code, _, err = worker.end()
    assert code == ExitCode.ERROR
    assert "ended the process: SystemExit(0)." in err.splitlines()[-1]


LEFT = "1 (activity 1 of workflow flowy-call-"


@pytest.mark.parametrize("options", [[], ["--concurrency", "2"], ["--processes", "2"]])
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


@pytest.mark.parametrize("options", [[], ["--concurrency", "2"]])
def test_worker_that_fails_what_hangs_exits_with_8_too(
    options: list[str], command: Command
) -> None:
    """``--on-stop fail`` tells the decider at once, by the fixed reason."""
    with command.start_worker("--grace", "0", "--on-stop", "fail", *options, "busy") as worker:
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


def test_a_second_signal_ends_the_grace(command: Command) -> None:
    """Without ``--grace`` running activities may take as long as they like; until then."""
    with command.start_worker("busy") as worker:
        worker.log_line_with("Worker started as")
        with command.start_call("beat", "1"):
            worker.line_with("It beats.")
            worker.send(signal.SIGTERM)
            worker.send(signal.SIGINT)
            code, _, err = worker.end()
    assert code == ExitCode.LEFT_OVER
    assert f"abandoned by the stop: beat {LEFT}" in err.splitlines()[-1]


def test_what_ends_within_the_grace_leaves_nothing(command: Command) -> None:
    """A worker whose activity ends in time has stopped well: exit code 0."""
    with command.start_worker("--grace", "60", "busy") as worker:
        worker.log_line_with("Worker started as")
        with command.start_call("hang", "1") as call:
            worker.line_with("It hangs.")
            worker.send(signal.SIGTERM)
            (command.here / "release").write_bytes(b"")
            assert call.end()[:2] == (ExitCode.FINE, "null\n")
            code, _, err = worker.end()
    assert code == ExitCode.FINE
    assert err.endswith("Worker stopped: 1 completed.\n")


# flowy local

#: An unchanged script of a user's.
SCRIPT = """
    import boto3

    swf = boto3.client("swf")
    found = swf.list_domains(registrationStatus="REGISTERED")["domainInfos"]
    print(*(info["name"] for info in found))
    """


def _pasted(lines: list[str]) -> dict[str, str]:
    """Return what a shell's environment has after these lines."""
    words = [shlex.split(line) for line in lines if line.startswith("export ")]
    return dict(assignment.split("=", 1) for _, assignment in words)


def _lines(local: Flowy) -> list[str]:
    lines = [local.line_with("# Paste")]
    while "AWS_SECRET_ACCESS_KEY" not in lines[-1]:
        lines.append(local.line_with(""))
    return lines


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without a word about AWS or proxies."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and not name.lower().endswith("_proxy")
    }
    return {**mine, "HOME": str(tmp_path)}


def test_an_unchanged_script_runs_against_flowy_local(tmp_path: Path, bare: dict[str, str]) -> None:
    """The printed lines are all it needs, and a shell takes them as they are, comments and all."""
    with Flowy("local", "--domain", "shop", "--domain", "test", cwd=tmp_path, env=bare) as local:
        assert local.line_with("SWF") == "# An SWF on this machine. Domains: shop, test.\n"
        lines = _lines(local)
        shell = subprocess.run(
            ["sh", "-ec", "".join(lines) + 'echo "$AWS_ENDPOINT_URL_SWF $AWS_DEFAULT_REGION"'],
            env=bare,
            capture_output=True,
            text=True,
            check=True,
        )
        pasted = _pasted(lines)
        endpoint, region = pasted["AWS_ENDPOINT_URL_SWF"], pasted["AWS_DEFAULT_REGION"]
        assert shell.stdout.split() == [endpoint, region]
        script = PythonProcess(["-c", textwrap.dedent(SCRIPT)], env={**bare, **pasted})
        out, err = script.communicate(timeout=PATIENCE_SECONDS)
        assert (sorted(out.split()), err) == (["shop", "test"], "")
        local.send(signal.SIGINT)
        assert local.end() == (ExitCode.FINE, "", "")


def test_local_leads_past_a_proxy(tmp_path: Path, bare: dict[str, str]) -> None:
    """A proxy cannot reach this machine's loopback; what was excepted stays so."""
    proxy = {"HTTP_PROXY": "http://proxy.test:3128", "NO_PROXY": "intra.test"}
    with Flowy("local", cwd=tmp_path, env={**bare, **proxy}) as local:
        _lines(local)
        assert local.line_with("NO_PROXY") == "export NO_PROXY=intra.test,127.0.0.1\n"
        assert local.line_with("no_proxy") == "export no_proxy=intra.test,127.0.0.1\n"
        local.send(signal.SIGTERM)
        assert local.end()[0] == ExitCode.FINE


def test_local_keeps_its_state_in_a_file(tmp_path: Path, bare: dict[str, str]) -> None:
    """With ``--state`` a domain registered before a kill is there after it."""
    arguments = ("local", "--no-page", "--state", "swf.state")
    with Flowy(*arguments, "--domain", "one", "--domain", "two", cwd=tmp_path, env=bare) as local:
        _lines(local)
        local.send(signal.SIGKILL)
    with Flowy(*arguments, "--domain", "one", cwd=tmp_path, env=bare) as local:
        exported = (line.split()[1].split("=") for line in _lines(local) if "export" in line)
        environment = dict(exported)
        client = boto3.client(
            "swf",
            endpoint_url=environment["AWS_ENDPOINT_URL_SWF"],
            region_name=environment["AWS_DEFAULT_REGION"],
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        known = client.list_domains(registrationStatus="REGISTERED")["domainInfos"]
        assert {info["name"] for info in known} == {"one", "two"}


def test_local_shows_a_page(tmp_path: Path, bare: dict[str, str]) -> None:
    """It says where, and there it is, for this machine alone."""
    with Flowy("local", cwd=tmp_path, env=bare) as local:
        url = local.line_with("What goes on").split()[-1]
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(url) as page:
            assert page.headers["Content-Type"].startswith("text/html")


def test_local_on_a_port_that_is_taken_exits_with_3(tmp_path: Path, bare: dict[str, str]) -> None:
    """It says which, and what to do."""
    with LocalSWF() as taken:
        port = taken.endpoint_url.rpartition(":")[2]
        # A page would warn too, if another test has the port after this one.
        command = ("local", "--no-page", "--port", port)
        code, out, err = run_flowy(*command, cwd=tmp_path, env=bare)
    assert (code, out) == (ExitCode.REFUSED, "")
    assert f"port {port}" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("verb", ["local", "demo"])
def test_without_a_moto_that_was_tested_the_text_says_what_to_install(
    verb: str, tmp_path: Path, bare: dict[str, str]
) -> None:
    """The extra ``local`` is missing or another one: exit code 3, one line."""
    _write(tmp_path / "other" / "moto-4.0.dist-info" / "METADATA", "Name: moto\nVersion: 4.0\n")
    env = {**bare, "PYTHONPATH": f"{tmp_path / 'other'}{os.pathsep}{bare.get('PYTHONPATH', '')}"}
    code, out, err = run_flowy(verb, cwd=tmp_path, env=env)
    assert (code, out) == (ExitCode.REFUSED, "")
    assert "moto 4.0 is installed" in err
    assert ".[local]" in err
    assert len(err.splitlines()) == 1


# flowy


def test_python_m_flowy_is_the_command(tmp_path: Path, bare: dict[str, str]) -> None:
    """``python -m flowy`` does what ``flowy`` does, and exits as it does."""
    assert run_flowy("--version", cwd=tmp_path, env=bare) == (0, f"flowy {__version__}\n", "")
    code, out, err = run_flowy(cwd=tmp_path, env=bare)
    assert (code, out) == (ExitCode.USAGE, "")
    assert err.startswith("usage: flowy ")


def test_whoever_reads_the_output_may_go(tmp_path: Path, bare: dict[str, str]) -> None:
    """As ``flowy demo | head -1`` does: no traceback, and no process is left behind."""
    with Flowy("demo", cwd=tmp_path, env=bare) as demo:
        demo.line_with("Activities")
        assert demo.process.stdout is not None
        demo.process.stdout.close()
        assert demo.process.wait(timeout=PATIENCE_SECONDS) == ExitCode.ERROR
        assert demo.process.stderr is not None
        assert demo.process.stderr.read() == ""


def test_a_terminal_obeys_nothing_that_an_activity_says(command: Command) -> None:
    """Control characters in a reason or in details are shown as escapes."""
    text: Any = ECHO.replace("Can't echo 1.", "\\x1b]0;owned\\x07")
    _write(command.here / "shop" / "activities.py", text)
    with command.start_worker("shop.activities") as worker:
        worker.log_line_with("Worker started as")
        code, _, err = command.call("echo", "1", "1")
    assert code == ExitCode.FAILED
    assert "\x1b" not in err
    assert "\\x1b]0;owned\\x07" in err
