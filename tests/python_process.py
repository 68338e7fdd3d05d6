"""Python processes for tests, which start in milliseconds.

A fresh ``python -m flowy`` spends a second of CPU on imports. These processes are forks of one that
has imported all of it (``tests.python_server``), which each process of pytest starts when it first
needs it. Start a fresh Python with ``subprocess`` only to show something about imports or about how
Python starts.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT, TimeoutExpired
from typing import IO, Any

from tests import python_server

File = int | IO[Any]


class PythonProcess:
    """``subprocess.Popen([sys.executable, *arguments], ...)``, as far as tests use it.

    The process is in a session of its own, *env* is all of its environment, and pipes are of text.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path | None = None,
        stdin: File = DEVNULL,
        stdout: File = PIPE,
        stderr: File = PIPE,
        errors: str = "strict",
        ignores_hang_up: bool = False,
    ) -> None:
        self.args = list(arguments)
        self.returncode: int | None = None
        theirs: list[int] = []
        ours: list[IO[str] | None] = []
        for number, given in enumerate((stdin, stdout, stderr)):
            pipe: IO[str] | None = None
            if given == PIPE:
                ends = os.pipe()
                theirs.append(ends[number > 0])
                pipe = os.fdopen(ends[not number], "r" if number else "w", errors=errors)
            elif given == DEVNULL:
                theirs.append(os.open(os.devnull, os.O_RDWR))
            elif given == STDOUT:
                theirs.append(os.dup(theirs[1]))
            else:
                theirs.append(os.dup(given if isinstance(given, int) else given.fileno()))
            ours.append(pipe)
        self.stdin, self.stdout, self.stderr = ours
        order = python_server.Order(
            list(arguments), dict(env), str(Path(cwd or ".").absolute()), ignores_hang_up
        )
        heard, told = os.pipe()
        try:
            _server.start(order, (*theirs, told))
        finally:
            for descriptor in (*theirs, told):
                os.close(descriptor)
        status = os.fdopen(heard)
        self.pid = int(status.readline())
        self._ended = threading.Event()
        threading.Thread(target=self._await, args=(status,), daemon=True).start()

    def _await(self, status: IO[str]) -> None:
        with status:
            self.returncode = int(status.readline())
        self._ended.set()

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code, or raise ``TimeoutExpired``."""
        if not self._ended.wait(timeout):
            raise TimeoutExpired(self.args, timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def communicate(
        self, input: str | None = None, timeout: float | None = None
    ) -> tuple[str, str]:
        """Write *input*, read all that it writes, and wait for its end."""
        texts = {1: "", 2: ""}

        def read(number: int, file: IO[str]) -> None:
            with file:
                texts[number] = file.read()

        if self.stdin is not None:
            with suppress(BrokenPipeError), self.stdin:
                self.stdin.write(input or "")
        readers = [
            threading.Thread(target=read, args=(number, file), daemon=True)
            for number, file in ((1, self.stdout), (2, self.stderr))
            if file is not None and not file.closed
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise TimeoutExpired(self.args, timeout or 0)
        return texts[1], texts[2]

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send it SIGKILL, unless it has ended."""
        self.send_signal(signal.SIGKILL)


class _Server:
    """Starts the process that forks, when it is first needed, and ends it with this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None

    def start(self, order: python_server.Order, files: Sequence[int]) -> None:
        """Have a process started."""
        text = json.dumps(order._asdict()).encode()
        with self._lock:
            if self._control is None:
                self._control = self._started()
            socket.send_fds(self._control, [python_server.LENGTH.pack(len(text))], files)
            self._control.sendall(text)

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, str(Path(python_server.__file__)), str(theirs.fileno())],
                env={name: os.environ[name] for name in os.environ if name != "PYTHONPATH"},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

        def end() -> None:
            ours.close()
            process.wait()

        atexit.register(end)
        return ours


_server = _Server()
