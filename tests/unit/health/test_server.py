"""The health over HTTP: what each path answers, and to whom."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from flowy.exception import HealthError
from flowy.health import HealthOptions
from flowy.health import server as health_server
from flowy.health.server import HealthServer, serving
from tests.patience import PATIENCE_SECONDS, until
from tests.unit.health.healths import ILL, STOPPING, WELL, Patient

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def patient() -> Patient:
    return Patient()


@pytest.fixture
def server(patient: Patient) -> Iterator[HealthServer]:
    with serving(HealthOptions(http=0), patient) as made:
        yield made


def ask(
    server: HealthServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, str, str]:
    """Return the status, the body and the content type of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers["Content-Type"]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("now", "path", "answer"),
    [
        (WELL, "/live", (200, "live\n")),
        (WELL, "/ready", (200, "ready\n")),
        (ILL, "/live", (503, "not live: poller 0 is dead\n")),
        (ILL, "/ready?from=probe", (200, "ready\n")),
        (STOPPING, "/live", (200, "live\n")),
        (STOPPING, "/ready", (503, "not ready: it stops\n")),
    ],
)
def test_probes(
    server: HealthServer, patient: Patient, now: object, path: str, answer: tuple[int, str]
) -> None:
    """200 or 503, and the reasons for people."""
    patient.now = now  # type: ignore[assignment]
    assert ask(server, path) == (*answer, "text/plain; charset=utf-8")
    assert ask(server, path, "HEAD")[:2] == (answer[0], "")


def test_status(server: HealthServer, patient: Patient) -> None:
    """What the worker does, and whether it is live and ready, as JSON."""
    patient.now = ILL
    status, body, kind = ask(server, "/status")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body) == {
        "live": False,
        "ready": True,
        "problems": ["poller 0 is dead"],
        "pid": 4711,
    }


def test_metrics(server: HealthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the Prometheus observer, if there is one."""
    monkeypatch.delitem(sys.modules, health_server.PROMETHEUS, raising=False)
    status, body, _ = ask(server, "/metrics")
    assert (status, body[:36]) == (404, "No Prometheus observer is configured")
    module = ModuleType(health_server.PROMETHEUS)
    module.render = lambda: (b"flowy_slots 7\n", "text/plain; version=1.0.0")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, health_server.PROMETHEUS, module)
    assert ask(server, "/metrics") == (200, "flowy_slots 7\n", "text/plain; version=1.0.0")


@pytest.mark.parametrize("path", ["/", "/live/", "/favicon.ico", "*"])
def test_another_path(server: HealthServer, path: str) -> None:
    """The answer says which there are."""
    status, body, _ = ask(server, path)
    assert (status, body) == (404, "This server has /live, /ready, /status, /metrics.\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(server: HealthServer, method: str) -> None:
    """Other methods than those that read get 501."""
    assert ask(server, "/status", method)[0] == 501


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "example.com"},
        {"Host": "health.example:8080"},
        {"Origin": "http://example.com"},
        {"Origin": "null"},
    ],
)
def test_web_pages_are_refused_on_loopback(server: HealthServer, headers: dict[str, str]) -> None:
    """A page in a browser on this machine can neither read nor rebind its way to it."""
    status, body, _ = ask(server, "/status", **headers)
    assert status == 403
    assert body.startswith("The health server ")


def test_probes_from_other_machines(patient: Patient) -> None:
    """Clients may name the address as they like, if the host is not loopback."""
    with serving(HealthOptions(http="0.0.0.0:0"), patient) as server:
        assert ask(server, "/live", Host="10.0.0.7:8080")[0] == 200
        assert ask(server, "/live", Host="worker.example")[0] == 200
        assert ask(server, "/live", Origin="http://example.com")[0] == 403
        assert ask_without_host(server, "/live").startswith(b"HTTP/1.1 200 ")


def test_a_request_without_a_host_on_loopback(server: HealthServer) -> None:
    """It is refused: it does not name this machine."""
    assert ask_without_host(server, "/live").startswith(b"HTTP/1.1 403 ")


def ask_without_host(server: HealthServer, path: str) -> bytes:
    """Ask as HTTP/1.0, as the checks of some load balancers do."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as client:
        client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return client.makefile("rb").read()


def test_a_socket_in_the_file_system(patient: Patient, tmp_path: Path) -> None:
    """It replaces a socket that was left behind, and is gone at the end."""
    path = tmp_path / "health.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with serving(HealthOptions(http=f"unix:{path}"), patient) as server:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET /live HTTP/1.1\r\nHost: any\r\n\r\n")
            assert client.makefile("rb").read().endswith(b"\r\n\r\nlive\n")
        with pytest.raises(HealthError, match="Address already in use"):
            HealthServer(server.options, patient)
    assert not path.exists()


def test_a_file_is_no_socket(patient: Patient, tmp_path: Path) -> None:
    """It is left alone."""
    path = tmp_path / "precious"
    path.write_text("text")
    with pytest.raises(HealthError, match="Address already in use"):
        HealthServer(HealthOptions(http=f"unix:{path}"), patient)
    assert path.read_text() == "text"


def test_a_socket_whose_path_is_too_long(patient: Patient, tmp_path: Path) -> None:
    """Python itself refuses it, without an error of the system whose text could be told."""
    with pytest.raises(HealthError, match=r": AF_UNIX path too long\. Give another address\."):
        HealthServer(HealthOptions(http=f"unix:{tmp_path / ('long' * 30)}"), patient)


def test_a_port_that_is_taken(server: HealthServer, patient: Patient) -> None:
    """The error names it."""
    with pytest.raises(
        HealthError, match=rf"^Cannot serve the health on {server.port}: Address already in use\."
    ):
        HealthServer(HealthOptions(http=server.port), patient)


def test_connections_are_limited(server: HealthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that say nothing neither use up the worker's threads nor keep a probe away."""
    monkeypatch.setattr(health_server, "MAX_CONNECTIONS", 2)
    where = ("127.0.0.1", server.port)
    silent = [socket.create_connection(where, PATIENCE_SECONDS) for _ in range(4)]
    try:
        assert ask(server, "/live")[0] == 200
        for each in silent[:3]:  # the last one may stay
            assert each.recv(1) == b""
    finally:
        for each in silent:
            each.close()
    until(lambda: not server._connections, "the end of all connections")


def test_a_forked_child_does_not_keep_the_port() -> None:
    """An activity may leave one that runs on when the worker has ended, and been replaced."""
    code = (
        "import os, signal, sys\n"
        "from flowy.health import HealthOptions\n"
        "from flowy.health.server import serving\n"
        "with serving(HealthOptions(http=0), None) as server:\n"
        "    (heard, told), port = os.pipe(), server.port\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        os.write(told, b'forked')\n"
        "        signal.pause()\n"
        "    os.read(heard, 6)\n"
        "try:\n"
        "    with serving(HealthOptions(http=port), None):\n"
        "        print('served again')\n"
        "finally:\n"
        "    os.kill(pid, signal.SIGKILL)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout == "served again\n", ran.stderr
