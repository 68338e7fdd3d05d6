"""``flowy health`` and ``flowy status``: what they ask, print and end with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from flowy.cli import ExitCode, main
from flowy.cli.command import parser
from flowy.cli.moments import table_time
from flowy.cli.worker import health_of
from flowy.health import HealthOptions
from flowy.health.file import HealthFile
from flowy.health.server import HealthServer, serving
from tests.unit.health.healths import ILL, STOPPING, WELL, Patient

pytestmark = pytest.mark.usefixtures("patient_probes")

WORKER: dict[str, Any] = {
    "version": "1.0",
    "pid": 11,
    "identity": "host:11 flowy/1.0",
    "domain": "shop",
    "task_list": "orders",
    "phase": "serving",
    "slots": 20,
    "slots_used": 2,
    "polls_out": 14,
    "pollers": [{"state": "polling", "seconds": 31.0}],
    "loop_blocked_seconds": 7.0,
    "loop_blocked_by": "pack 1 (activity 4 of workflow order-8)",
    "ended": {"completed": 812, "failed": 3, "canceled": 0, "suspended": 0, "closed": 0},
    "tasks": [
        {
            "activity": "charge",
            "version": "1",
            "activity_id": "7",
            "workflow_id": "order-\x1b[31m7",
            "run_id": "22Gc0lkF2kL0=",
            "since": "2026-11-28T00:46:23+00:00",
            "seconds": 12.3,
            "last_heartbeat": "2026-11-28T00:46:33+00:00",
            "status": "cancel_requested",
            "remaining_seconds": 287.7,
        },
        {
            "activity": "pack",
            "version": "2",
            "activity_id": "8",
            "workflow_id": "order-8",
            "run_id": "22Gc0lkF2kL0=",
            "since": "2026-11-28T00:46:33+00:00",
            "seconds": 2.0,
            "last_heartbeat": None,
            "status": "active",
            "remaining_seconds": None,
        },
    ],
}


class Busy(Patient):
    """A worker that does something."""

    def __init__(self, **status: Any) -> None:
        super().__init__()
        self.said = status

    def status(self) -> dict[str, Any]:
        return self.said


@pytest.fixture
def patient() -> Patient:
    return Patient()


@pytest.fixture
def server(patient: Patient) -> Iterator[HealthServer]:
    with serving(HealthOptions(http=0), patient) as made:
        yield made


# The options of a worker


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ([], None),
        (["--max-block", "5m", "--max-silence", "0"], None),
        (["--http", "8080"], HealthOptions(http="8080")),
        (
            ["--health-file", "health", "--max-block", "5m", "--max-silence", "0"],
            HealthOptions(file="health", max_block=300, max_silence=0),
        ),
    ],
)
def test_a_worker_shows_its_health_to_whoever_asks(
    given: list[str], options: HealthOptions | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an option, or as a unit of systemd's, which needs none."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    parsed = parser().parse_args(["worker", *given, "shop"])
    assert health_of(parsed) == options
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    assert health_of(parsed) is not None


@pytest.mark.parametrize("http", ["host.example:80", ":80", "unix:"])
def test_where_nothing_can_listen(http: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in the command line, in its words."""
    arguments = ["worker", "--domain", "d", "--task-list", "t", "--http", http, "shop"]
    assert main(arguments) == ExitCode.USAGE
    assert f"flowy: Cannot use --http '{http}': " in capsys.readouterr().err


# health


def test_health_of_a_server(
    server: HealthServer, patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 if the worker is live, or ready; 1 and the reasons if not."""
    assert main(["health", "--url", server.url]) == ExitCode.FINE
    assert capsys.readouterr().out == "live\n"
    patient.now = ILL
    assert main(["health", "--url", server.url]) == ExitCode.ERROR
    assert capsys.readouterr() == ("", "flowy: The worker is not live: poller 0 is dead.\n")
    patient.now = STOPPING
    assert main(["health", "--url", f"{server.url}/", "--ready"]) == ExitCode.ERROR
    assert capsys.readouterr() == ("", "flowy: The worker is not ready: it stops.\n")
    assert main(["health", "--url", f"{server.url}/ready"]) == ExitCode.ERROR
    assert capsys.readouterr() == ("", "flowy: The worker is not ready: it stops.\n")
    assert main(["health", "--url", f"{server.url}/live"]) == ExitCode.FINE
    patient.now = WELL
    assert main(["health", "--url", f"{server.url}/ready"]) == ExitCode.FINE
    assert capsys.readouterr().out == "live\nready\n"


@pytest.mark.parametrize("path", ["/status", "/live --ready", "/metrics", "/favicon.ico"])
def test_health_of_another_answer(
    server: HealthServer, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A 200 to another question says nothing about the worker: a probe must not take it."""
    path, *flags = path.split()
    assert main(["health", "--url", server.url + path, *flags]) == ExitCode.ERROR
    why = "it is not a worker's health server, or another path of it. Give the URL"
    said = capsys.readouterr().err
    assert why in said
    assert ".." not in said


def test_health_over_a_socket_in_the_file_system(patient: Patient, tmp_path: Path) -> None:
    """As the worker logs its address."""
    with serving(HealthOptions(http=f"unix:{tmp_path}/sock"), patient) as server:
        assert main(["health", "--url", server.url]) == ExitCode.FINE
    assert main(["health", "--url", server.url]) == ExitCode.ERROR


def test_health_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is read as far as it is young enough."""
    path = tmp_path / "health"
    HealthFile(path).show(WELL)
    assert main(["health", "--file", str(path)]) == ExitCode.FINE
    assert main(["health", "--file", str(path), "--ready", "--max-age", "1m"]) == ExitCode.FINE
    assert capsys.readouterr().out == "live\nready\n"
    assert main(["health", "--file", str(path), "--max-age", "0"]) == ExitCode.ERROR
    HealthFile(path).show(ILL)
    assert main(["health", "--file", str(path)]) == ExitCode.ERROR
    assert capsys.readouterr().err.endswith("flowy: The worker is not live: poller 0 is dead.\n")


def test_health_of_nobody(server: HealthServer, capsys: pytest.CaptureFixture[str]) -> None:
    """A worker that does not answer is not live."""
    server.stop()
    server.start = lambda: None  # type: ignore[method-assign] # the fixture stops it once more
    assert main(["health", "--url", server.url]) == ExitCode.ERROR
    assert "does not answer: Connection refused." in capsys.readouterr().err


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80", "ftp://host", "http://", "http://h:x", "http://["]
)
@pytest.mark.parametrize("verb", ["health", "status"])
def test_what_is_no_url(verb: str, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in the command line."""
    assert main([verb, "--url", url]) == ExitCode.USAGE
    assert "give the URL that the worker logs" in capsys.readouterr().err


def test_a_probe_is_light() -> None:
    """It runs every few seconds: neither boto3 nor HTTP is imported for a file."""
    code = (
        "import sys\n"
        "from flowy.cli import main\n"
        "main(['health', '--file', '/nowhere'])\n"
        "print({'boto3', 'botocore', 'moto', 'asyncio', 'http', 'sqlite3', 'ssl'}\n"
        "      & set(sys.modules))\n"
    )
    # Coverage, which would start with the process, imports sqlite3.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "set()\n"


# status


def shown(capsys: pytest.CaptureFixture[str], *arguments: str, **status: Any) -> str:
    """Return what the command prints of this status."""
    with serving(HealthOptions(http=0), Busy(**status)) as server:
        assert main(["status", "--url", server.url, *arguments]) == ExitCode.FINE
    return capsys.readouterr().out


def test_status_of_a_worker(capsys: pytest.CaptureFixture[str]) -> None:
    """Each task by a line, and nothing that controls a terminal."""
    beat = table_time(datetime(2026, 11, 28, 0, 46, 33, tzinfo=timezone.utc).timestamp())
    said, _, tasks = shown(capsys, **WORKER).partition("\n\n")
    assert said == (
        "Worker 11: serving, live, ready\n"
        "  task list orders of domain shop, as host:11 flowy/1.0\n"
        "  2 of 20 slots used, 14 polls out\n"
        "  ended: 812 completed, 3 failed\n"
        "  event loop blocked for 7 s by pack 1 (activity 4 of workflow order-8)"
    )
    assert [re.split(" {2,}", line) for line in tasks.splitlines()] == [
        ["ACTIVITY", "WORKFLOW", "ACTIVITY ID", "RUNNING", "HEARTBEAT", "STATUS", "LEFT"],
        ["charge 1", "order-\\x1b[31m7", "7", "12 s", beat, "cancel requested", "4.8 min"],
        ["pack 2", "order-8", "8", "2 s", "none", "active", "no limit"],
    ]


def test_status_of_a_supervisor(capsys: pytest.CaptureFixture[str]) -> None:
    """Each process, and whether it answers."""
    idle = {**WORKER, "tasks": [], "loop_blocked_seconds": None, "ended": {"completed": 0}}
    idle |= {"slots": 1, "slots_used": 0, "polls_out": 1}
    processes = [
        {"slot": 0, "pid": 11, "silent_seconds": 0.4, "status": idle},
        {"slot": 1, "pid": 12, "silent_seconds": 7.0, "status": None},
    ]
    said = shown(capsys, version="1.0", pid=10, phase="serving", processes=processes)
    assert said == (
        "Worker 10: serving, live, ready\n"
        "\n"
        "Process 11, slot 0, heard 0 s ago\n"
        "  task list orders of domain shop, as host:11 flowy/1.0\n"
        "  0 of 1 slot used, 1 poll out\n"
        "  ended: none\n"
        "\n"
        "Process 12, slot 1, heard 7 s ago\n"
        "  It does not answer.\n"
    )


def test_status_says_what_is_wrong(
    server: HealthServer, patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    """Below the first line."""
    patient.now = ILL
    patient.status = lambda: WORKER  # type: ignore[method-assign]
    main(["status", "--url", server.url])
    assert capsys.readouterr().out.startswith(
        "Worker 11: serving, not live, ready\n  poller 0 is dead\n"
    )


def test_status_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """The answer as it is."""
    said = json.loads(shown(capsys, "--json", **WORKER))
    assert said == {"live": True, "ready": True, "problems": [], **WORKER}


def test_status_of_something_else(server: HealthServer, capsys: pytest.CaptureFixture[str]) -> None:
    """The error names a server that does not belong to a worker."""
    assert main(["status", "--url", f"{server.url}/live"]) == ExitCode.REFUSED
    assert "is not a worker's health server" in capsys.readouterr().err
