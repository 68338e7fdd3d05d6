"""Python processes for tests, forked from one that has imported Flowy and boto3 already.

To import them takes most of a second of CPU, and the tests start hundreds of processes. So each
pytest process has one server, which imports them once, runs no thread, and forks for each process
that a test asks for. A forked process has a session, an environment, a folder and an output of its
own, and the signal handlers of a new interpreter; it runs a module or a script as ``__main__``, and
ends as an interpreter does. It differs from a process that was started anew in what it has imported
and in its parent. Tests of these use ``subprocess``.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

#: What the server imports: all that a worker or the ``flowy`` command may.
_IMPORTED = ("flowy.cli", "flowy.swf.boilerplate", "flowy.tokens.sqlite", "boto3", "asyncio")

#: More than a request has, most of which is an environment.
_REQUEST_BYTES = 1_000_000
#: More than a process id or an exit code has.
_NUMBER_BYTES = 32

# In the process of pytest


class ForkedProcess:
    """A process that the server has forked, with the methods of ``subprocess.Popen``.

    Attributes:
        pid: the number of the process, and of its session.
        stdout: what it writes, standard error included.
        returncode: None until its end was seen.
    """

    def __init__(self, pid: int, output: int, end: int) -> None:
        self.pid = pid
        self.stdout = open(output, encoding="utf-8")  # noqa: SIM115 - closed by who reads it
        self.returncode: int | None = None
        self._end = open(end, "rb", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, or minus the signal that ended it; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; return the exit code, or minus the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it still runs after *timeout* seconds.
        """
        with self._lock:
            if self.returncode is None:
                if not select.select([self._end], [], [], timeout)[0]:
                    raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
                self.returncode = int(self._end.read(_NUMBER_BYTES))
                self._end.close()
            return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal; nothing happens if it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


class ForkServer:
    """The process that forks; it ends with this one at the latest."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.fork_server", str(theirs.fileno())],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path = ROOT,
        ignored: Sequence[signal.Signals] = (),
    ) -> ForkedProcess:
        """Start what ``python -W error`` would with these arguments, in a session of its own.

        Args:
            arguments: ``-m`` and the name of a module, or the path of a script; then its own.
            environment: all of its environment.
            folder: its current folder.
            ignored: signals that it ignores from the start.
        """
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": str(folder),
            "ignored": list(ignored),
        }
        (output, its_output), (end, its_end) = os.pipe(), os.pipe()
        try:
            with self._lock:
                socket.send_fds(
                    self._control, [json.dumps(request).encode()], [its_output, its_end]
                )
                pid = int(self._control.recv(_NUMBER_BYTES))
        finally:
            os.close(its_output)
            os.close(its_end)
        return ForkedProcess(pid, output, end)

    def end(self) -> None:
        """End the server; the processes that it has forked go on."""
        self._control.close()
        self._process.wait()


@functools.cache
def fork_server() -> ForkServer:
    """Return the server of this process, which starts with the first call."""
    return ForkServer()


def end_fork_server() -> None:
    """End the server of this process, if it was started."""
    if fork_server.cache_info().currsize:
        fork_server().end()
        fork_server.cache_clear()


# In the server, and in what it forks


def serve(control: socket.socket) -> list[str]:
    """Fork for each request, until there are no more.

    Returns:
        In a forked process the arguments of what it is to run; in the server itself none.
    """
    ends: dict[int, tuple[int, int]] = {}  # by pidfd: the process, and where its end is told
    while True:
        ready = select.select([control.fileno(), *ends], [], [])[0]
        for pidfd in ends.keys() & set(ready):
            pid, end = ends.pop(pidfd)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with contextlib.suppress(BrokenPipeError):
                os.write(end, str(code).encode())
            _close(pidfd, end)
        if control.fileno() not in ready:
            continue
        text, descriptors, *_ = socket.recv_fds(control, _REQUEST_BYTES, 2)
        if not text:
            return []
        output, end = descriptors
        pid = os.fork()
        if pid == 0:
            os.dup2(output, sys.stdout.fileno())
            os.dup2(output, sys.stderr.fileno())
            _close(output, end, *ends, *(other for _, other in ends.values()))
            return _become(json.loads(text))
        _close(output)
        ends[os.pidfd_open(pid)] = pid, end
        control.send(str(pid).encode())


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _become(request: dict[str, Any]) -> list[str]:
    """Make of this process what a request asks for; return the arguments of what it is to run."""
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    arguments: list[str] = request["arguments"]
    return arguments


def run(arguments: list[str]) -> None:
    """Run a module or a script as ``__main__``."""
    first, *rest = arguments
    if first == "-m":
        sys.argv, sys.path[0] = rest, os.getcwd()  # noqa: PTH109 - as ``python -m`` has it
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = arguments, os.path.dirname(first)  # noqa: PTH120 - as above
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    for name in _IMPORTED:
        importlib.import_module(name)
    with socket.socket(fileno=int(sys.argv[1])) as control:
        arguments = serve(control)
    if arguments:
        run(arguments)
