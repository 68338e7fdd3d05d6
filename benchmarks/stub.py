"""The stub of SWF that the contestants speak to, and how fast it could go."""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

#: The file with the certificate that contestants trust.
_AUTHORITY = "authority.pem"

ROOT = Path(__file__).resolve().parent.parent


class Stub:
    """The tests' endpoint in a process of its own, without faults; a context manager.

    Args:
        hold_seconds: how long an empty poll is held.
        tls: whether it speaks TLS, with a certificate that its environment tells to trust.
    """

    def __init__(self, *, hold_seconds: float = 60.0, tls: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory()
        options = ["--hold", str(hold_seconds)]
        if tls:
            options += ["--certificate", _certificate(Path(self._folder.name))]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults", *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = self._read()
        self.port: int = said["port"]
        self.environment: dict[str, str] = said["environment"]
        if tls:
            self.environment["AWS_CA_BUNDLE"] = str(Path(self._folder.name) / _AUTHORITY)

    def __enter__(self) -> Stub:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Let the stub do something, and return what it says.

        Raises:
            TimeoutError: what was to be waited for did not come.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        said = self._read()
        if "error" in said:
            raise TimeoutError(said["error"])
        return said

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said


def _certificate(folder: Path) -> str:
    """Make a certificate for 127.0.0.1 and the one that is to be trusted; return the first."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / _AUTHORITY))
    path = str(folder / "server.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return path


def greatest_rate(stub: Stub, *, tasks: int = 5_000, connections: int = 16) -> float:
    """Return the requests a second that the stub serves a client that costs next to nothing.

    The client sends ready-made bytes over raw sockets and looks for the token only.
    """
    stub.ask("restart", latency=0)
    stub.ask("supply", count=tasks, input="[[1], {}]")
    poll = _request(
        b"PollForActivityTask", b'{"domain": "d", "taskList": {"name": "t"}, "identity": "i"}'
    )
    selector = selectors.DefaultSelector()
    sockets = [socket.create_connection(("127.0.0.1", stub.port)) for _ in range(connections)]
    requests, to_poll, open_tasks = 0, tasks, tasks
    begun = time.perf_counter()
    for one in sockets:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(one, selectors.EVENT_READ, one)
        one.sendall(poll)
        to_poll -= 1
    while open_tasks:
        for key, _ in selector.select():
            one, data = key.data, key.data.recv(65_536)
            requests += 1
            start = data.find(b'"taskToken": "')
            if start >= 0:
                token = data[start + 14 : data.find(b'"', start + 14)]
                body = b'{"taskToken": "%s", "result": "1"}' % token
                one.sendall(_request(b"RespondActivityTaskCompleted", body))
                continue
            open_tasks -= 1
            if to_poll:
                to_poll -= 1
                one.sendall(poll)
    seconds = time.perf_counter() - begun
    for one in sockets:
        one.close()
    return requests / seconds


def _request(action: bytes, body: bytes) -> bytes:
    # As long as one of boto3's, signature and all.
    return (
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: identity\r\n"
        b"X-Amz-Target: SimpleWorkflowService.%s\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nUser-Agent: stub\r\n"
        b"X-Amz-Date: 20200101T000000Z\r\nAuthorization: %s\r\n"
        b"amz-sdk-request: attempt=1\r\nContent-Length: %d\r\n\r\n%s"
        % (action, b"x" * 220, len(body), body)
    )
