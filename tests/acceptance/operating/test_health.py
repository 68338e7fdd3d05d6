"""The health of real workers: what each probe answers, whatever happens to them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowy import call_activity
from flowy.cli import ExitCode, main
from flowy.health.client import asked
from flowy.local import LocalSWF
from tests.acceptance.flows import Ask, Flow
from tests.acceptance.flowy_command import Flowy
from tests.acceptance.processes import Process
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.usefixtures("patient_probes")

ACTIVITIES = """
from pathlib import Path
from flowy import Activity, AsyncActivity, activity

@activity("hold", 1, "tasks", heartbeat=60)
class Hold(Activity):
    def run(self, pipe):
        self.heartbeat("secret details")
        Path(pipe).read_bytes()

@activity("block", 1, "tasks")
class Block(AsyncActivity):
    async def run(self, pipe):
        Path(pipe).read_bytes()
"""


def wait_for(url: str, path: str, code: int, said: str = "") -> str:
    """Wait until a probe answers so; return the text."""

    def answer() -> str | None:
        found, text = asked(url, path)
        return text if found == code and said in text else None

    return until(answer, f"{code} {said}")


class Systemd:
    """The socket of a service manager.

    Attributes:
        told: the lines that were written to it.
    """

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._path = str(path)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while said := self._socket.recv(4096):
            self.told += said.decode().split("\n")

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._path)
        self._reader.join()
        self._socket.close()


class Calls:
    """Activities that are called meanwhile, each until its pipe was written."""

    def __init__(self, swf: LocalSWF, folder: Path) -> None:
        self._client = swf.client()
        self._folder = folder
        self._threads: dict[str, threading.Thread] = {}

    def begin(self, name: str) -> None:
        path = self._folder / name
        os.mkfifo(path)
        thread = threading.Thread(
            target=call_activity,
            args=("local", name, 1, str(path)),
            kwargs={"layer1": self._client, "task_list": "tasks"},
            daemon=True,
        )
        thread.start()
        self._threads[name] = thread

    def end(self, name: str) -> None:
        (self._folder / name).write_bytes(b"")

    def join(self, name: str) -> None:
        self._threads[name].join(PATIENCE_SECONDS)
        assert not self._threads[name].is_alive()


@pytest.fixture
def own_swf(local_swf: LocalSWF) -> Iterator[LocalSWF]:
    """An SWF that the test may stop, and whose polls hold up no stop."""
    with LocalSWF(page_port=None, poll_seconds=1) as swf:
        yield swf


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path / "notify")
    yield made
    made.close()


def test_a_worker_through_its_life(
    own_swf: LocalSWF,
    systemd: Systemd,
    swf_environment: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An empty list, a blocked event loop, SWF away, a drain: what each probe says."""
    (tmp_path / "life.py").write_text(ACTIVITIES)
    file = tmp_path / "health"
    calls = Calls(own_swf, tmp_path)
    arguments = ["worker", "--domain", "local", "--task-list", "tasks", "--concurrency", "3"]
    arguments += ["--http", "0", "--health-file", str(file), "--max-block", "1s", "life"]
    environment = {
        **swf_environment,
        **own_swf.environment,
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "600000",  # 0.6 s
    }
    with Flowy(*arguments, cwd=tmp_path, env=environment) as worker:
        line = worker.log_line_with("Health is served on ")
        url = line.strip().rpartition(" ")[2].rstrip(".")
        # An empty list
        wait_for(url, "/ready", 200)
        wait_for(url, "/live", 200)
        until(lambda: main(["health", "--file", str(file)]) == ExitCode.FINE, "a file that is live")
        assert asked(url, "/metrics")[0] == 404
        # A coroutine that blocks the event loop
        calls.begin("block")
        wait_for(url, "/live", 503, "not live: the event loop has been blocked for ")
        assert main(["health", "--url", url]) == ExitCode.ERROR
        calls.end("block")
        wait_for(url, "/live", 200)
        calls.join("block")
        # SWF away, and back
        own_swf.stop()
        wait_for(url, "/ready", 503, "SWF has not answered a poll")
        wait_for(url, "/live", 200)
        own_swf.start()
        wait_for(url, "/ready", 200)
        # What it does
        calls.begin("hold")
        status = json.loads(wait_for(url, "/status", 200, '"last_heartbeat": "'))
        (task,) = status["tasks"]
        assert (task["activity"], task["status"], status["slots_used"]) == ("hold", "active", 1)
        assert status["ended"]["completed"] == 1
        for secret in ("secret", "token", str(tmp_path / "hold")):
            assert secret not in json.dumps(status)
        capsys.readouterr()
        assert main(["status", "--url", url]) == ExitCode.FINE
        assert "\nhold 1  " in capsys.readouterr().out
        # A drain
        assert systemd.told.count("READY=1") == 1
        until(lambda: systemd.told.count("WATCHDOG=1") > 1, "a second sign of life")
        assert "STOPPING=1" not in systemd.told
        worker.send(signal.SIGTERM)
        wait_for(url, "/ready", 503, "not ready: it stops")
        assert asked(url, "/live") == (200, "live\n")
        calls.end("hold")
        code, _, log = worker.end()
    assert code == 0, log
    assert not file.exists()
    assert "STOPPING=1" in systemd.told


def test_a_worker_that_ends_although_an_activity_hangs(
    flow: Callable[..., Flow], domain: str, swf_environment: dict[str, str], tmp_path: Path
) -> None:
    """It leaves no file that says that it is live, and no socket."""
    (tmp_path / "life.py").write_text(ACTIVITIES)
    file, path, pipe = tmp_path / "health", tmp_path / "socket", tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments = ["worker", "--domain", domain, "--task-list", "tasks", "--grace", "0"]
    arguments += ["--http", f"unix:{path}", "--health-file", str(file), "life"]
    with Flowy(*arguments, cwd=tmp_path, env=swf_environment) as worker:
        worker.log_line_with("Worker started as")
        flow(Ask("hold", json.dumps([[str(pipe)], {}])))
        wait_for(f"unix:{path}", "/status", 200, '"last_heartbeat": "')
        assert main(["health", "--file", str(file)]) == ExitCode.FINE
        worker.send(signal.SIGTERM)
        code, _, log = worker.end()
    assert code == ExitCode.LEFT_OVER, log
    assert not file.exists()
    assert not path.exists()


def test_a_poller_whose_thread_dies(
    process: Callable[..., Process], write: Callable[..., Path]
) -> None:
    """Nothing polls in its place: the worker is not live, though another poller goes on."""
    script = write(
        "serve.py",
        """
        import ctypes, itertools, threading
        from pathlib import Path
        from flowy import Activity, activity, start_activity_worker
        from flowy.health import HealthOptions

        polls = itertools.count()

        @activity("idle", 1, "tasks")
        class Idle(Activity):
            def run(self):
                pass

        class SWF:
            def poll_for_activity_task(self, **_):
                thread = threading.current_thread()
                if thread.name == "flowy-poller-1":
                    # Its first death is survived, the second one comes while it waits.
                    threading.Thread(target=kill, args=(thread.ident,)).start()
                    raise SystemExit
                if next(polls):  # the first answer makes the worker ready
                    Path("end").read_bytes()
                return {"taskToken": "", "startedEventId": 0}

        def kill(ident):
            Path("pipe").read_bytes()
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(ident), ctypes.py_object(SystemExit)
            )

        start_activity_worker(
            "domain", "tasks", SWF(), reg_remote=False, concurrency=2,
            health=HealthOptions(http=0),
        )
        """,
        log=True,
    )
    for pipe in ("pipe", "end"):
        os.mkfifo(script.parent / pipe)
    worker = process(script)
    worker.wait_for("Health is served on ")
    url = next(
        found[1] for line in worker.lines if (found := re.search(r"served on (\S+)\.$", line))
    )
    wait_for(url, "/live", 503, "poller 1 has failed, and waits to start again")
    (script.parent / "pipe").write_bytes(b"")
    wait_for(url, "/live", 503, "not live: poller 1 is dead\n")
    assert asked(url, "/ready") == (200, "ready\n")
    worker.signal(signal.SIGTERM)
    worker.wait_for("Stopping (SIGTERM)")
    (script.parent / "end").write_bytes(b"")
    assert worker.wait() == 0


def test_a_look_at_a_worker_that_registers(swf_environment: dict[str, str], tmp_path: Path) -> None:
    """SIGUSR1 prints what it waits for, and does not end it before it serves."""
    (tmp_path / "life.py").write_text(ACTIVITIES)
    environment = {**swf_environment, "AWS_ENDPOINT_URL_SWF": "http://127.0.0.1:1"}
    arguments = ["worker", "--domain", "local", "--task-list", "tasks", "life"]
    with Flowy(*arguments, cwd=tmp_path, env=environment) as worker:
        worker.log_line_with("Registration waits")
        for _ in range(2):
            worker.send(signal.SIGUSR1)
            worker.log_line_with("Thread MainThread")
            worker.log_line_with("registration.py")
        assert any('"phase": "starting"' in line for line in worker.log)
        worker.send(signal.SIGTERM)
        worker.end()


def children(url: str) -> dict[int, dict[str, Any]]:
    """Return what the supervisor says of each of its processes, by pid."""
    return {each["pid"]: each for each in json.loads(asked(url, "/status")[1])["processes"]}


def test_a_supervisor_and_its_processes(
    own_swf: LocalSWF, swf_environment: dict[str, str], tmp_path: Path
) -> None:
    """A child that is stopped, one that dies, a look at all of them, and the end; all in JSON."""
    # Modules may configure logging, and print.
    (tmp_path / "life.py").write_text(
        "import logging.config, sys\n"
        "logging.config.dictConfig({'version': 1})\n"
        f"print('Imported.', file=sys.stderr)\n{ACTIVITIES}\n"
        "activity('late', 1, 'tasks', heartbeat=600, start_to_close=400)(Hold)\n"
        "LOST = [activity('lost', 1, 'tasks')(type('Lost', (Hold,), {}))]"
    )
    calls = Calls(own_swf, tmp_path)
    url = f"unix:{tmp_path}/sock"
    arguments = ["worker", "--domain", "local", "--task-list", "tasks", "--concurrency", "2"]
    arguments += ["--processes", "2", "--http", url, "--max-silence", "4s", "--pollers", "1"]
    arguments += ["--observer", "flowy.metrics.prometheus:OBSERVER", "--log-format", "json"]
    environment = {**swf_environment, **own_swf.environment}
    with Flowy(*arguments, "life", cwd=tmp_path, env=environment) as worker:
        worker.log_line_with("Health is served on ")
        wait_for(url, "/ready", 200)
        wait_for(url, "/metrics", 200, "\nflowy_slots 4.0\n")
        calls.begin("hold")
        wait_for(url, "/status", 200, '"activity": "hold"')
        # A child that is stopped says nothing
        (stopped,) = (pid for pid, each in children(url).items() if not each["status"]["tasks"])
        os.kill(stopped, signal.SIGSTOP)
        wait_for(url, "/live", 503, f"process {stopped} has said nothing for ")
        assert children(url)[stopped]["status"] is None
        assert asked(url, "/ready")[0] == 503
        os.kill(stopped, signal.SIGCONT)
        wait_for(url, "/live", 200)
        wait_for(url, "/ready", 200)
        # A look at all
        worker.send(signal.SIGUSR1)
        for _ in range(3):
            worker.log_line_with("Thread MainThread")
        # A child that dies is replaced, and no restart of the others would help
        os.kill(stopped, signal.SIGKILL)
        wait_for(url, "/ready", 503)
        wait_for(url, "/live", 200)
        wait_for(url, "/ready", 200)
        assert stopped not in children(url)
        pids = {*children(url), stopped, worker.process.pid}
        worker.send(signal.SIGTERM)
        wait_for(url, "/ready", 503, "it stops")
        assert asked(url, "/live") == (200, "live\n")
        calls.end("hold")
        _, _, err = worker.end()
    assert not (tmp_path / "sock").exists()
    lines = [json.loads(line) for line in [*worker.log, *err.splitlines()]]
    assert all({"time", "level", "logger", "message", "pid"} <= line.keys() for line in lines)
    assert {line["pid"] for line in lines} == pids
    for warning in ("heartbeat=600 has no effect", "Activity lost 1 at "):  # not by each process
        assert sum(warning in line["message"] for line in lines) == 1
    assert sum("Thread MainThread" in line["message"] for line in lines) == 3
    (ended,) = [line for line in lines if line.get("flowy_event") == "task_ended"]
    assert (ended["flowy_activity"], ended["flowy_outcome"]) == ("hold", "completed")
    (stop,) = [line for line in lines if line.get("flowy_event") == "stop_requested"]
    assert stop["message"].startswith("Stopping (SIGTERM): 1 activity runs, ")
    assert stop["message"].endswith(
        "2 processes have not ended. Again: cancel what runs. A third time: end now."
    )
